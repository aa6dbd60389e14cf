"""The SQL of rules chooses the same rows on DuckDB as the rules do, also of odd tables."""

import datetime as dt

import duckdb
import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg.explaining import written_in
from gpuseg.interpret.conditions import Condition, fulfilled
from gpuseg.interpret.profile import Field
from gpuseg.interpret.sql import where
from gpuseg.placing import fields_of

NAN, INF = float("nan"), float("inf")
ODD = 'the "net" spend; é -- x'
TABLES = {
    "floats with gaps": pl.Series("v", [1.0, None, NAN, INF, -INF, -0.0, 0.0, 1e300, 2.5, 34.0, -7.0]),
    "float32": pl.Series("v", [0.1, 0.2, 0.3, 0.7, 16777216.0, None, NAN, 2.5, 2.0, 3.0], dtype=pl.Float32),
    "large whole numbers": pl.Series("v", [2**53, 2**53 + 1, 2**53 + 2, -(2**53) - 1, 5, 7, None, 0]),
    "small whole numbers": pl.Series("v", [1, 2, 3, 4, None, 200, 6], dtype=pl.UInt8),
    "decimals": pl.Series("v", ["1.10", "2.25", "-3.00", "0.10", None]).cast(pl.Decimal(10, 2)),
    "text read as numbers": pl.Series("v", [" 1.5", "2", "NA", "", "3e1", "-4", None]),
    "days": pl.Series("v", [dt.date(2024, 1, 1), dt.date(2024, 2, 29), None, dt.date(1960, 5, 5), dt.date(2030, 1, 1)]),
    "times": pl.Series(
        "v", [dt.datetime(2024, 1, 1, 12, 30, 0, 123456), dt.datetime(2024, 1, 1), None, dt.datetime(2025, 1, 1, 1)]
    ),
    "dates as text": pl.Series("v", ["2024-01-31", "2024-02-01T12:00:00", "", None, "2025-03-01"]),
    "days first": pl.Series("v", ["31/01/2024", "01/02/2024 12:00", "NA", None, "15/03/2025"]),
    "yes and no": pl.Series("v", ["yes", "No ", "YES", "", None, "no"]),
    "booleans": pl.Series("v", [True, False, None, True]),
    "ones and zeros": pl.Series("v", [1.0, 0.0, -0.0, None, NAN, 1.0]),
    "words": pl.Series("v", ["it's", ' "b" ', "été", "NA", None, "it's", "rare", "été", "\tété", "b'; --"]),
    "codes": pl.Series("v", [1.0, 2.0, NAN, 2.0, None, 3.5, 1.0]),
}
"""A column each; the codes are a category because they are named as one."""


def conditions_of(field, values, written):
    """Return conditions of every kind on a field: sets of its levels, or thresholds at its values and between them."""
    about = {"absent": written.absent.get(field.name), "written": written.texts.get(field.name)}
    if field.kind in ("category", "boolean"):
        names, about["known"] = ["no", "yes"] if field.kind == "boolean" else field.levels, tuple(field.levels)
        sets = [(), *((name,) for name in names), tuple(names[:2]), tuple(names)]
        found = [{"levels": levels, "missing": flag} for levels in sets for flag in (False, True) if levels or flag]
    else:
        there = np.unique(values[np.abs(values) < 1e90])
        cuts = [*there.tolist(), *((there[1:] + there[:-1]) / 2).tolist(), 0.1]
        pairs = [(None, None), *((cut, None) for cut in cuts), *((None, cut) for cut in cuts), (cuts[0], cuts[-2])]
        found = [{"low": low, "high": high, "missing": flag} for low, high in pairs for flag in (False, True)]
    return [Condition(field.name, field.kind, **one, **about) for one in found]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("column", ["v", ODD], ids=["plain", "odd name"])
def test_each_condition_chooses_the_same_rows_on_duckdb(name, column):
    rows = len(TABLES[name])
    table = pl.DataFrame({"row": np.arange(4 * rows), column: pl.concat([TABLES[name]] * 4)})
    asked = {"categorical": [column]} if name == "codes" else {}
    steps = gpuseg.Preprocessor(min_share=0.15, **asked)
    steps.fit(table.drop("row"))
    raw, (field,), written = steps.prepare(table.drop("row")).raw(), fields_of(steps), written_in(steps)
    assert len(raw) == len(table)
    conditions = conditions_of(field, raw[:, 0], written)
    texts = [where([(condition,)]) for condition in conditions]
    with duckdb.connect() as connection:
        connection.register("customers", table.to_arrow())
        asked = ", ".join(f"({text}) IS TRUE" for text in texts)
        theirs = np.array(connection.sql(f"SELECT {asked} FROM customers ORDER BY row").fetchall())  # noqa: S608
    ours = np.array([fulfilled([(condition,)], raw, [field]) for condition in conditions]).T
    for at, condition in enumerate(conditions):
        assert theirs[:, at].tolist() == ours[:, at].tolist(), (str(condition), texts[at])
    assert len(np.unique(ours, axis=1).T) > 3


def test_alternatives_and_conjunctions_keep_their_parentheses():
    spend = [Condition("a", "number", high=1.0, missing=True), Condition("b", "number", low=2.0)]
    text = where([tuple(spend), (Condition("b", "number", high=0.0),)])
    table = pl.DataFrame({"row": range(5), "a": [0.0, None, 5.0, None, 5.0], "b": [3.0, 3.0, 3.0, 1.0, -1.0]})
    with duckdb.connect() as connection:
        connection.register("customers", table.to_arrow())
        found = connection.sql(f"SELECT row FROM customers WHERE {text} ORDER BY row").fetchall()  # noqa: S608
    assert found == [(0,), (1,), (4,)]
    fields = [Field(name, "number", []) for name in "ab"]
    ours = fulfilled([tuple(spend), (Condition("b", "number", high=0.0),)], table.drop("row").to_numpy(), fields)
    assert np.flatnonzero(ours).tolist() == [0, 1, 4]
