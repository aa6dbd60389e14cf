import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.interpret.profile import Field, profile
from gpuseg.plot.measures import Measure, contrasts, frame_of, mean_of_all, measures

KINDS = [
    Field("spend", "number", []),
    Field("plan", "category", ["a", "b"]),
    Field("member", "boolean", []),
    Field("joined", "date", []),
]


def profiled(raw, segments, fields=KINDS):
    return profile(np.asarray(raw, dtype=float), fields, np.asarray(segments))


def test_the_columns_are_read_back_from_the_profile_that_gpuseg_makes():
    frame = profiled([[1, 0, 1, 10], [2, 1, 0, 20]], [0, 1])
    assert [(m.name, m.kind) for m in measures(frame)] == [(f.name, f.kind) for f in KINDS]


def test_names_that_end_as_summaries_do_are_no_riddle():
    fields = [Field("a_top", "boolean", []), Field("b_mean", "number", []), Field("c_share", "category", ["x"])]
    fields += [Field("d_share", "number", []), Field("value", "number", [])]
    frame = profiled([[1, 2, 0, 3, 4]], [0], fields)
    assert [(m.name, m.kind) for m in measures(frame)] == [(f.name, f.kind) for f in fields]


def test_the_share_of_value_is_no_column_of_the_customers():
    frame = profiled([[1, 0, 1, 10]], [0]).with_columns(value_share=1.0)
    assert "value" not in [m.name for m in measures(frame)]


def test_the_mean_of_all_is_the_mean_of_the_rows():
    rng = np.random.default_rng(0)
    raw, segments = rng.normal(5, 2, size=(200, 1)), rng.integers(-1, 4, 200)
    frame = profiled(raw, segments, KINDS[:1])
    assert mean_of_all(frame, measures(frame)[0]) == pytest.approx(raw.mean())


def test_the_mean_of_all_leaves_out_segments_without_a_value():
    frame = profiled([[2.0], [4.0], [np.nan]], [0, 1, 2], KINDS[:1])
    measure = measures(frame)[0]
    assert mean_of_all(frame, measure) == 3.0
    assert contrasts(frame, measure)[2] is None
    nothing = profiled([[np.nan]], [0], KINDS[:1])
    assert mean_of_all(nothing, measure) is None
    assert contrasts(nothing, measure) == [None]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("number", [10.0, 30.0], [-0.5, 1 / 3]),
        ("number", [0.0, 40.0], [-1.0, 0.5]),
        ("number", [0.0, 0.0], [0.0, 0.0]),
        ("number", [-10.0, -30.0], [0.5, -1 / 3]),
        # On both sides of zero: parts of the farthest difference.
        ("number", [-1.0, 3.0], [-1.0, 1.0]),
        ("boolean", [0.25, 0.75], [-0.5, 1 / 3]),
    ],
)
def test_contrasts_by_hand(kind, values, expected):
    frame = pl.DataFrame({"segment": [0, 1], "size": [5, 5], "share": [0.5, 0.5], "a": values})
    assert contrasts(frame, Measure("a", kind, "a")) == pytest.approx(expected)


def test_a_years_difference_of_dates_is_a_half():
    middle, year = dt.datetime(2024, 1, 1), dt.timedelta(days=365.25)
    frame = pl.DataFrame({"segment": [0, 1], "size": [5, 5], "share": [0.5, 0.5], "a": [middle - year, middle + year]})
    assert contrasts(frame, Measure("a", "date", "a")) == pytest.approx([-0.5, 0.5])


def test_categories_have_neither():
    frame = profiled([[1, 0, 1, 10], [2, 1, 0, 20]], [0, 1])
    plan = measures(frame)[1]
    assert mean_of_all(frame, plan) is None
    assert contrasts(frame, plan) == [None, None]


@pytest.mark.parametrize("give", [lambda f: f, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_a_profile_of_any_table_library(give):
    frame = profiled([[1, 0, 1, 10], [np.nan, np.nan, 0, 20]], [0, 1])
    found = frame_of(give(frame))
    assert found["spend_mean"].to_list() == [1.0, None]
    assert [(m.name, m.kind) for m in measures(found)] == [(f.name, f.kind) for f in KINDS]
    assert contrasts(found, measures(found)[3]) == pytest.approx(contrasts(frame, measures(frame)[3]))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (3, "profile is a int; give a table with a row a segment"),
        (pl.DataFrame({"segment": [0]}), "no column 'size', 'share'; give Segmenter.profile_"),
        (pa.table({"a": [1]}), "no column 'segment', 'size', 'share'"),
        (profiled(np.zeros((0, 4)), []), "has no row; give one with a row a segment"),
    ],
)
def test_what_is_no_profile(wrong, said):
    with pytest.raises(InvalidInput, match=said):
        frame_of(wrong)
