"""The law of parts: a table in parts, here or on workers, is learnt as the same rows in memory are."""

import datetime as dt

import dask.array as da
import dask.dataframe as dd
import numpy as np
import polars as pl
import pytest

from gpuseg.engines import blocks_of, engine_for
from gpuseg.engines.dask import DaskSite
from gpuseg.engines.dask_parts import DaskParts
from gpuseg.engines.parts import LocalParts
from gpuseg.errors import InvalidInput
from gpuseg.io.parted import PartedTable
from gpuseg.preprocessing import Preprocessor
from gpuseg.preprocessing.ranking import quantiles_of
from tests.clusters import processes

RNG = np.random.default_rng(17)
CUTS = [0, 140, 140, 330, 331, 600]


def customers(n=600):
    """Return a table with every kind of column, gaps, dirt and repeated rows."""
    when = np.datetime64("2024-01-01") + RNG.integers(0, 400, n).astype("timedelta64[D]")
    table = pl.DataFrame(
        {
            "customer": np.arange(n) * 7 + 3,
            "order_id": [f"A{i:05}" for i in range(n)],
            "spend": RNG.lognormal(3, 1, n),
            "orders": RNG.poisson(3, n),
            "profit": np.where(RNG.random(n) < 0.4, 7.0, RNG.lognormal(3, 1, n) - RNG.lognormal(2, 1, n)),
            "odd": np.where(RNG.random(n) < 0.05, np.inf, RNG.normal(size=n)),
            "active": RNG.random(n) < 0.3,
            "said": RNG.choice(["yes", "No", "NA"], n),
            "text": [f" {x:.2f}" for x in RNG.normal(size=n)],
            "plan": RNG.choice(["basic", "gold", None, " gold", "silver"], n, p=[0.5, 0.2, 0.1, 0.1, 0.1]),
            "town": [f"t{i}" for i in RNG.zipf(1.5, n) % 80],
            "joined": pl.Series(when),
            "seen": pl.Series(when.astype("datetime64[us]")).dt.replace_time_zone("Europe/London"),
            "day": [f"{d:02}/{m:02}/2024" for d, m in zip(RNG.integers(1, 28, n), RNG.integers(1, 12, n), strict=True)],
            "size": pl.Series(RNG.choice(["S", "M", "L"], n), dtype=pl.Enum(["S", "M", "L"])),
            "same": ["x"] * n,
            "nothing": pl.Series([None] * n, dtype=pl.String),
        }
    )
    gaps = [pl.when(pl.Series(RNG.random(n) > 0.1)).then(pl.col(name)).alias(name) for name in ("spend", "odd", "size")]
    return pl.concat([table.with_columns(gaps), table.with_columns(gaps)[:9]])


TABLE = customers()
FRAMES = [TABLE[start:stop] for start, stop in zip(CUTS, [*CUTS[1:], len(TABLE)], strict=True)]
OPTIONS = {
    "as it comes": {},
    "robust": {"scale": "robust", "winsorize": (0.02, 0.97), "missing": "indicator", "skew": "none"},
    "drop": {"missing": {"spend": "drop", "size": "drop"}, "duplicates": "drop", "categories": "frequency"},
    "everything": {
        "duplicates": "drop",
        "missing": {"spend": "indicator", "odd": "mode", "size": "drop", "plan": "mode"},
        "winsorize": {"spend": (0.01, 0.95)},
        "scale": "robust",
        "skew": {"spend": "yeo-johnson", "profit": "auto"},
    },
    "mode": {"missing": "mode", "categories": "ordinal", "max_levels": 5, "categorical": ["orders"]},
}


def itself(frame):
    return frame


def in_parts(parts, frames):
    return PartedTable(parts, frames[0].schema, [len(frame) for frame in frames])


@pytest.fixture(scope="module", params=[1, 2, 3])
def workers(request):
    with processes(request.param) as client:
        yield client


def alike(options, parted, table=TABLE):
    here, there = Preprocessor(**options), Preprocessor(**options)
    expected, found = here.fit_transform(table), np.asarray(there.fit_transform(parted))
    assert there.report_.to_dict() == approx(here.report_.to_dict())
    assert there.feature_columns_ == here.feature_columns_
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    prepared = there.prepare(parted, quiet=True)
    np.testing.assert_allclose(np.asarray(prepared.matrix), here.transform(table), rtol=1e-12, atol=1e-12)
    assert np.concatenate(prepared.kept.collect(itself)).tolist() == here.kept_rows(table).tolist()
    assert np.concatenate(there.fit_rows_.collect(itself)).tolist() == here.fit_rows_.tolist()
    np.testing.assert_array_equal(prepared.raw(), here.prepare(table, quiet=True).raw())
    return there


def approx(report):
    """Return a report whose numbers may differ in the last digits, where sums over other blocks do."""
    return {
        **report,
        "columns": [
            {k: pytest.approx(v, rel=1e-12) if k == "imputed" and isinstance(v, float) else v for k, v in c.items()}
            for c in report["columns"]
        ],
    }


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_parts_here_are_learnt_as_one_table(options):
    alike(options, in_parts(LocalParts.of(FRAMES), FRAMES))


def test_parts_on_workers_are_learnt_as_one_table(workers):
    """Parts on workers give the bits of the same parts here, which are those of one table but for rounding."""
    options = OPTIONS["everything"]
    here, there = Preprocessor(**options), Preprocessor(**options)
    parted = in_parts(DaskParts.of(itself, FRAMES, site=DaskSite.of(workers)), FRAMES)
    expected = here.fit_transform(in_parts(LocalParts.of(FRAMES), FRAMES))
    found = there.fit_transform(parted)
    assert isinstance(found, da.Array)
    assert found.compute().tobytes() == expected.tobytes()
    assert str(there.state()) == str(here.state())
    masks = there.kept_rows(parted).collect(itself)
    assert [len(mask) for mask in masks] == [len(frame) for frame in FRAMES]
    assert there.transform(parted).chunks[0] == tuple(int(mask.sum()) for mask in masks if mask.any())


@pytest.mark.parametrize("shard", [60, 250])
def test_what_meets_in_shards_is_counted_alike(monkeypatch, shard):
    monkeypatch.setattr("gpuseg.engines.shards.ROWS", shard)
    alike(OPTIONS["drop"], in_parts(LocalParts.of(FRAMES), FRAMES))


def test_sketches_over_parts_are_exact(monkeypatch):
    monkeypatch.setattr("gpuseg.preprocessing.quantiles.EXACT", 100)
    monkeypatch.setattr("gpuseg.preprocessing.quantiles.POINTS", 10)
    for options in (OPTIONS["as it comes"], OPTIONS["robust"]):
        alike(options, in_parts(LocalParts.of(FRAMES), FRAMES))


@pytest.mark.parametrize("workers", [2], indirect=True)
def test_files_are_read_by_workers(workers, tmp_path):
    for i, frame in enumerate(frame for frame in FRAMES if len(frame)):
        frame.write_parquet(tmp_path / f"part-{i}.parquet")
    here, there = Preprocessor(skew="none"), Preprocessor(engine="dask", skew="none")
    expected, found = here.fit_transform(TABLE), there.fit_transform(tmp_path)
    assert isinstance(found, da.Array)
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-12, atol=1e-12)


UNLIKE = {
    "whole numbers and others": [[1, 2, 3], [2.0, 0.25, 3.0]],
    "words and gaps": [["red", "blue"], [None, None]],
    "gaps first": [[None, None], ["red", "blue", "red"]],
    "numbers in text": [["1.5", "2"], ["7", None, "3"]],
    "dates one way": [["31/01/2024", "01/02/2024"], ["03/02/2024", "04/02/2024"]],
    "yes in one, no in another": [[True, True], [False, False]],
    "codes": [["1234", "512"], ["0123", "412"]],
    "days and times": [
        [dt.date(2024, 1, 1), dt.date(2024, 3, 1)],
        [dt.datetime(2024, 2, 1, 6), dt.datetime(2024, 1, 7)],
    ],
}


@pytest.mark.parametrize("values", UNLIKE.values(), ids=UNLIKE)
def test_parts_of_other_types(values):
    frames = [pl.DataFrame({"a": part, "b": range(len(part))}) for part in values]
    whole = pl.concat(frames, how="vertical_relaxed")
    options = {"missing": "mode", "numeric": ["b"]}
    alike(options, in_parts(LocalParts.of(frames), frames), whole)


def test_levels_in_another_order_in_each_part():
    words = [["M", "S", "L", "S"], ["L", "M", "M", "S"]]
    for dtypes in ([pl.Categorical, pl.Categorical], [pl.Enum(["S", "M", "L"]), pl.Enum(["S", "M", "L"])]):
        frames = [pl.DataFrame({"a": pl.Series(part, dtype=d)}) for part, d in zip(words, dtypes, strict=True)]
        alike({"categories": "ordinal"}, in_parts(LocalParts.of(frames), frames), pl.concat(frames))
    other = [pl.Enum(["S", "M", "L"]), pl.Enum(["L", "M", "S"])]
    frames = [pl.DataFrame({"a": pl.Series(part, dtype=d)}) for part, d in zip(words, other, strict=True)]
    whole = pl.DataFrame({"a": pl.Series([*words[0], *words[1]], dtype=other[0])})
    alike({"categories": "ordinal"}, in_parts(LocalParts.of(frames), frames), whole)


def test_ids_are_found_over_all_parts():
    frames = [
        pl.DataFrame(
            {"who": [f"n{i}" for i in range(at, at + 30)], "client_key": range(at, at + 30), "x": RNG.normal(size=30)}
        )
        for at in (5, 35)
    ]
    steps = Preprocessor().fit(in_parts(LocalParts.of(frames), frames))
    assert list(steps.report_.dropped()) == ["who", "client_key"]
    again = [frames[0], frames[0].with_columns(x=pl.Series(RNG.normal(size=30)))]
    steps = Preprocessor().fit(in_parts(LocalParts.of(again), again))
    assert steps.report_.dropped().get("client_key") is None
    assert steps.report_.dropped().get("who") is None


def test_kinds_that_contradict_each_other():
    frames = [pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": ["x", "y"]})]
    with pytest.raises(InvalidInput, match="'a' holds number in one part and text in another"):
        Preprocessor().fit(in_parts(LocalParts.of(frames), frames))


def by_sign(block):
    return (block.x[:, 0] > 0).astype(np.int64)


@pytest.mark.parametrize("workers", [2], indirect=True)
def test_quantiles_by_group_on_workers(workers):
    x = np.column_stack([RNG.normal(size=900), np.where(RNG.random(900) < 0.4, 7.0, RNG.lognormal(size=900))])
    blocks = blocks_of(da.from_array(x, chunks=(250, 2)), missing=True)
    found = quantiles_of(engine_for(blocks, "cpu").map(by_sign), [0.5], groups=2)
    for group, rows in enumerate((x[:, 0] <= 0, x[:, 0] > 0)):
        assert np.array_equal(found[group, :, 0], np.median(x[rows], axis=0))


@pytest.mark.parametrize("workers", [2], indirect=True)
def test_a_dask_dataframe_stays_on_the_workers(workers):
    frame = TABLE.drop("size", "seen").to_pandas()
    here, there = Preprocessor(), Preprocessor()
    expected, found = here.fit_transform(frame), there.fit_transform(dd.from_pandas(frame, npartitions=3))
    assert isinstance(found, da.Array)
    np.testing.assert_allclose(found.compute(), expected, rtol=1e-12, atol=1e-12)
    assert there.report_.to_dict() == approx(here.report_.to_dict())
    assert type(there.inverse_transform(expected[:3])) is type(frame)


@pytest.mark.parametrize("workers", [2], indirect=True)
def test_a_part_of_which_every_row_is_dropped(workers):
    frames = [FRAMES[0], FRAMES[2].with_columns(spend=pl.lit(None, pl.Float64)), FRAMES[4]]
    options = {"missing": {"spend": "drop"}, "skew": "none"}
    alike(options, in_parts(LocalParts.of(frames), frames), pl.concat(frames))
    alike(options, in_parts(DaskParts.of(itself, frames, site=DaskSite.of(workers)), frames), pl.concat(frames))


def test_what_cannot_be_learnt_is_said_of_the_whole_table():
    frames = [frame.select("plan", "town") for frame in FRAMES]
    parted = in_parts(LocalParts.of(frames), frames)
    with pytest.raises(InvalidInput, match="'pln' is not a column of the table, which has 'plan', 'town'"):
        Preprocessor(columns=["pln"]).fit(parted)
    with pytest.raises(InvalidInput, match="'town' holds numbers in 0 of 609 rows and text such as"):
        Preprocessor(numeric=["town"]).fit(parted)
    steps = Preprocessor().fit(parted)
    with pytest.raises(InvalidInput, match="the fitted column='town' is not a column of the table"):
        steps.transform(in_parts(LocalParts.of(frames).map(only_plan), [frame.select("plan") for frame in frames]))


def only_plan(frame):
    return frame.select("plan")
