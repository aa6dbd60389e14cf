"""What each segment is like beside the rest: exact, by parts as by the whole, and marked where it is no chance."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

import gpuseg
from gpuseg.engines.parts import LocalParts
from gpuseg.interpret.details import details, details_of, details_table, levels_of, telling
from gpuseg.interpret.effects import cohens_h, delta_of_d
from gpuseg.interpret.profile import Field, Rows, counted

FIELDS = [
    Field("spend", "number", []),
    Field("plan", "category", ["a", "b", "(other)", "rare"]),
    Field("member", "boolean", []),
    Field("joined", "date", []),
    Field("noise", "number", []),
]


def made(n=600, seed=0, shift=0.0):
    """Return raw rows of every kind and their segments, of which -1 is noise; some values are missing."""
    rng = np.random.default_rng(seed)
    segments = rng.choice([0, 1, -1], size=n, p=[0.6, 0.35, 0.05])
    up = segments == 1
    raw = np.column_stack(
        [
            np.exp(rng.normal(size=n) + 2 * up) + shift,
            np.where(rng.random(n) < np.where(up, 0.8, 0.3), 0.0, rng.integers(1, 3, n)),
            rng.random(n) < np.where(up, 0.9, 0.4),
            18_000 + rng.integers(0, 500, n) + 400 * up,
            rng.normal(size=n),
        ]
    )
    raw[rng.random(n) < 0.1, 0] = np.nan
    raw[:3, 0] = np.inf
    raw[:2, 1] = 3.0  # a level of two customers
    return raw, segments


def row(table, segment, feature):
    return table.row(by_predicate=(pl.col("segment") == segment) & (pl.col("feature") == feature), named=True)


@pytest.fixture(scope="module")
def table():
    return details(made()[0], FIELDS, made()[1])


@pytest.mark.parametrize("segment", [0, 1, -1])
def test_numbers_are_those_of_the_rows(table, segment):
    raw, segments = made()
    found, values = row(table, segment, "spend"), raw[segments == segment, 0]
    here, rest = values[np.isfinite(values)], raw[(segments != segment) & np.isfinite(raw[:, 0]), 0]
    assert (found["n"], found["missing"]) == (len(here), len(values) - len(here))
    expected = [here.mean(), here.std(ddof=1), *np.quantile(here, [0.25, 0.5, 0.75])]
    assert [found[name] for name in ("mean", "std", "q25", "median", "q75")] == pytest.approx(expected)
    assert found["all_mean"] == pytest.approx(np.mean(raw[np.isfinite(raw[:, 0]), 0]))
    test = stats.mannwhitneyu(here, rest, method="asymptotic")
    assert found["p"] == pytest.approx(test.pvalue)
    assert found["effect"] == pytest.approx(2 * test.statistic / (len(here) * len(rest)) - 1)
    assert found["effect_name"] == "Cliff's delta"


def test_yes_or_no_dates_and_categories(table):
    raw, segments = made()
    up = segments == 1
    member = row(table, 1, "member")
    assert member["mean"] == pytest.approx(raw[up, 2].mean())
    assert member["effect"] == pytest.approx(cohens_h(raw[up, 2].mean(), raw[~up, 2].mean()))
    assert (member["median"], member["mark"]) == (None, "large")
    joined = row(table, 1, "joined")
    assert joined["mean"] is None
    assert joined["mean_date"] - dt.datetime(1970, 1, 1) == pytest.approx(
        dt.timedelta(days=raw[up, 3].mean()), abs=dt.timedelta(milliseconds=1)
    )
    plan = row(table, 1, "plan")
    share, of_all = np.mean(raw[up, 1] == 0), np.mean(raw[:, 1] == 0)
    assert plan["level"] == "a"
    assert [plan[name] for name in ("level_share", "level_all_share", "lift")] == pytest.approx(
        [share, of_all, share / of_all]
    )
    assert plan["mark"] == "large"


def test_what_is_chance_has_no_mark(table):
    noise = table.filter(pl.col("feature") == "noise")
    assert noise["mark"].to_list() == [None] * 3
    assert (table["p_adjusted"] >= table["p"]).all()


def test_a_significant_trifle_and_a_large_chance_have_no_mark():
    rng = np.random.default_rng(0)
    many = np.concatenate([rng.normal(0.03, 1, 100_000), rng.normal(0, 1, 100_000)])[:, None]
    trifle = details(many, FIELDS[-1:], np.repeat([0, 1], 100_000))
    assert trifle["p_adjusted"].max() < 0.001
    assert trifle["mark"].to_list() == [None, None]
    chance = details(np.array([[1.0], [2.0], [2.5], [9.0]]), FIELDS[-1:], np.array([0, 0, 1, 1]))
    assert chance["effect"].to_list() == [-1.0, 1.0]
    assert chance["mark"].to_list() == [None, None]


def test_a_level_of_few_customers_is_no_finding():
    raw, segments = made()
    plain = details_of(counted(LocalParts.of([Rows(raw, segments, None)]), FIELDS), raw, segments)
    plan = plain["features"][1]
    assert plan["levels"] == ["a", "b", "(other)", "rare"]
    assert np.sum(plan["counts"], axis=0).tolist() == plan["all_counts"]
    named = {level.name for at in range(3) for level in levels_of(plan, at) if level.lift > 1}
    assert named <= {"a", "b"}
    lifts = [level.lift for level in levels_of(plan, 1)]
    assert lifts == sorted(lifts, reverse=True)


def test_a_level_that_is_missing_in_a_segment_is_told():
    feature = {"levels": ["a", "b", "c"], "counts": [[0, 50, 50], [60, 20, 20]], "all_counts": [60, 70, 70]}
    found = telling(feature, 0)
    assert (found.name, found.customers, found.lift) == ("a", 0, 0.0)
    assert found.effect < -1


def test_parts_give_what_the_whole_gives():
    raw, segments = made(900)
    cuts = [slice(0, 100), slice(100, 100), slice(100, 640), slice(640, 900)]
    whole = counted(LocalParts.of([Rows(raw, segments, None)]), FIELDS)
    parts = counted(LocalParts.of([Rows(raw[cut], segments[cut], None) for cut in cuts]), FIELDS)
    np.testing.assert_array_equal(parts.quartiles, whole.quartiles)
    one, other = (details_table(details_of(counts, raw, segments)) for counts in (whole, parts))
    assert_frame_equal(one, other, rel_tol=1e-9)


def test_a_large_mean_costs_no_digits():
    raw, segments = made(shift=1e9)
    near, far = details(made()[0], FIELDS, segments), details(raw, FIELDS, segments)
    for segment in (0, 1):
        assert row(far, segment, "spend")["std"] == pytest.approx(row(near, segment, "spend")["std"], rel=1e-6)


def test_a_sample_tells_about_what_all_rows_tell_and_few_of_a_segment_by_its_mean():
    raw, segments = made(6000)
    counts = counted(LocalParts.of([Rows(raw, segments, None)]), FIELDS)
    drawn = np.random.default_rng(0).permutation(6000)[:500]
    of_all, of_some = (details_of(counts, raw[rows], segments[rows]) for rows in (slice(None), drawn))
    for one, other in zip(of_all["features"], of_some["features"], strict=True):
        assert {key: one[key] for key in ("n", "mean", "std", "median")} == {
            key: other[key] for key in ("n", "mean", "std", "median")
        }
        assert other["mark"] == one["mark"]
    joined = of_some["features"][3]
    assert np.count_nonzero(segments[drawn] == -1) < 30
    assert joined["effect"][2] == delta_of_d(joined["difference"][2])


def test_one_segment_and_columns_without_values():
    raw = np.column_stack([np.arange(4.0), np.full(4, np.nan)])
    table = details(raw, [FIELDS[0], Field("plan", "category", ["a"])], np.zeros(4, dtype=int))
    assert table["mark"].to_list() == table["p"].to_list() == [None, None]
    assert table["n"].to_list() == [4, 0]
    assert table["missing"].to_list() == [0, 4]


def customers(n=400):
    raw, _ = made(n)
    frame = pl.DataFrame(raw[:, [0, 4]], schema=["spend", "noise"]).fill_nan(None)
    levels = pl.Series("plan", np.array(["a", "b", "c", "d"])[raw[:, 1].astype(int)])
    joined = pl.Series("joined", np.datetime64("2020-01-01") + (raw[:, 3] - 18_000).astype("timedelta64[D]"))
    return frame.with_columns(levels, joined).with_row_index("id")


def test_a_fit_has_them_and_a_model_file_keeps_them(tmp_path):
    segmenter = gpuseg.Segmenter("id", n_clusters=2).fit(customers())
    assert segmenter.details_["n"].sum() + segmenter.details_["missing"].sum() == 4 * 400
    json.dumps(segmenter.card_["insight"], allow_nan=False)
    again = gpuseg.load(segmenter.save(tmp_path / "m.gpuseg"))
    assert_frame_equal(again.details_, segmenter.details_)
    sample = segmenter.evidence_
    assert_frame_equal(details(sample.raw, sample.fields, sample.segments), segmenter.details_, rel_tol=1e-9)


def test_they_are_in_the_callers_library():
    pandas = gpuseg.Segmenter("id", n_clusters=2).fit(customers().to_pandas()).details_
    assert list(pandas.columns[:3]) == ["segment", "feature", "kind"]
    assert pandas["mean_date"].dtype.kind == "M"


def test_examples_are_the_nearest_in_the_users_units():
    table = customers()
    segmenter = gpuseg.Segmenter("id", n_clusters=2).fit(table)
    found = segmenter.examples(1, 3)
    nearest = segmenter.segments_.filter(pl.col("segment") == 1).sort("distance").head(3)
    assert found["distance_to_segment"].to_list() == nearest["distance"].to_list()
    told = table.join(found.select("id"), on="id", maintain_order="right").select("spend", "plan")
    assert_frame_equal(found.select("spend", "plan"), told)
    assert found.schema["joined"] == pl.Datetime("us")
    for segment, n, words in ((7, 3, "segment=7 is no segment; those that are: 0, 1"), (0, 0, "n=0 is not allowed")):
        with pytest.raises(gpuseg.errors.InvalidInput, match=words):
            segmenter.examples(segment, n)
