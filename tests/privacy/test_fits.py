"""What looks like data about persons is in no fit, report, card or model file, unless it is allowed by name."""

import json
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gpuseg
from gpuseg import Segmenter
from gpuseg.engines.parts import LocalParts
from gpuseg.errors import InvalidInput
from gpuseg.io.parted import PartedTable
from gpuseg.preprocessing import Preprocessor
from tests.privacy import people

ROWS = 120
FOUND = {
    "contact": "e-mail addresses",
    "tel": "phone numbers",
    "card": "payment card numbers",
    "bank": "IBANs",
    "tax": "national ids (German tax id)",
    "who": "names of persons",
    "said": "free text",
}


def customers():
    """Return customers with a column of each kind, some with gaps, and ordinary columns that make two segments."""
    rng = np.random.default_rng(0)
    group = np.arange(ROWS) % 2
    half = np.arange(ROWS) % 4 < 2
    table = pl.DataFrame(
        {
            "contact": people.many(people.email, ROWS // 2) * 2,
            "tel": people.many(people.phone, ROWS),
            "card": [int(card) for card in people.many(people.card, ROWS)],
            "bank": people.many(people.account, ROWS),
            "tax": [float(number) for number in people.many(people.national("German tax id"), ROWS)],
            "who": people.many(people.name, ROWS),
            "said": people.many(people.sentence, ROWS),
            "spend": group * 900.0 + rng.normal(size=ROWS),
            "day": [20240100 + int(day) for day in rng.integers(1, 29, ROWS)],
            "town": np.array(["Bath", "New York"])[rng.integers(0, 2, ROWS)],
        }
    )
    gaps = [pl.when(pl.Series(half)).then(pl.col(name)).alias(name) for name in ("contact", "bank", "said")]
    return table.with_columns(*gaps, tax=pl.when(pl.Series(half)).then(pl.col("tax")).otherwise(np.nan))


TABLE = customers()


def itself(frame):
    return frame


def in_parts(table):
    frames = [table[at : at + 50] for at in range(0, len(table), 50)]
    return PartedTable(
        LocalParts([partial(itself, frame) for frame in frames]), table.schema, [len(frame) for frame in frames]
    )


LIBRARIES = {
    "polars": lambda table: table,
    "pandas": lambda table: table.to_pandas(),
    "pandas categories": lambda table: table.to_pandas().astype({"contact": "category", "who": "category"}),
    "pyarrow": lambda table: table.to_arrow(),
    "parts": in_parts,
}


@pytest.mark.parametrize("library", list(LIBRARIES))
def test_every_kind_is_left_out_of_any_table(library, capsys):
    steps = Preprocessor().fit(LIBRARIES[library](TABLE))
    assert {c.name for c in steps.report_.columns if c.dropped is None} == {"spend", "day", "town"}
    assert steps.report_.dropped() == {name: f"it looks like {kind}" for name, kind in FOUND.items()}
    told = capsys.readouterr().out
    lines = [line for line in told.splitlines() if line.startswith("columns about persons are left out: ")]
    assert len(lines) == 1
    assert all(f"{name!r}, it looks like {kind}" in lines[0] for name, kind in FOUND.items())
    assert "name in allow_personal=['contact', 'tel'" in lines[0]
    assert not any(value in told for value in secrets())


def test_parts_teach_what_the_rows_in_memory_teach(capsys):
    whole, parts = Preprocessor().fit(TABLE), Preprocessor().fit(in_parts(TABLE))
    assert whole.report_.to_dict()["columns"] == parts.report_.to_dict()["columns"]


def test_naming_a_column_is_no_permission_and_the_list_is(capsys):
    asked = {"columns": ["spend", "who", "tel"], "categorical": ["who", "tel"]}
    assert set(Preprocessor(**asked).fit(TABLE).report_.dropped()) == {"who", "tel"}
    steps = Preprocessor(**asked, allow_personal=["who"], max_levels=3, min_share=0.0).fit(TABLE)
    assert set(steps.report_.dropped()) == {"tel"}
    assert sum(column == "who" for column in steps.feature_columns_.values()) == 4


def test_rows_that_differ_in_such_columns_alone_are_duplicates(capsys):
    table = pl.DataFrame({"spend": [1.0, 1.0, 2.0], "contact": people.many(people.email, 3)})
    assert Preprocessor(duplicates="drop").fit(table).report_.rows_kept == 2


def test_an_unknown_column_cannot_be_allowed():
    with pytest.raises(InvalidInput, match=r"allow_personal='whom' is not a column of the table.*did you mean 'who'"):
        Preprocessor(allow_personal=["whom"]).fit(TABLE)
    with pytest.raises(InvalidInput, match=r"allow_personal='who' is no list"):
        Segmenter(allow_personal="who").fit(TABLE)


def secrets():
    """Return every value of the table that is about a person, as text."""
    return {str(value) for name in FOUND if name != "tax" for value in TABLE[name].drop_nulls()}


@pytest.fixture(scope="module")
def segmenter():
    with gpuseg.config(notices="off"):
        table = TABLE.with_columns(id=pl.Series(people.many(people.email, ROWS, seed=9)))
        return Segmenter("id", n_clusters=2).fit(table)


def test_no_value_is_in_report_card_or_model_file(segmenter, tmp_path):
    ids = set(segmenter.segments_["id"])
    page = segmenter.report(tmp_path / "r.html").read_text(encoding="utf-8")
    with zipfile.ZipFile(segmenter.save(tmp_path / "m.gpuseg")) as model:
        files = [model.read(name).decode("utf-8", errors="replace") for name in model.namelist()]
    written = [page, json.dumps(segmenter.card_), *files]
    assert "town" in page
    assert not [value for value in secrets() | ids for text in written if value in text]
    assert set(segmenter.profile_.columns).isdisjoint(f"{name}_{end}" for name in FOUND for end in ("top", "mean"))


def test_what_is_allowed_is_used_by_segments_and_their_parts():
    with gpuseg.config(notices="off"):
        segmenter = Segmenter(n_clusters=2, columns=["spend", "day", "card"], allow_personal=("card",)).fit(TABLE)
        segmenter.split(0, n_clusters=2)
    assert "card_mean" in segmenter.profile_.columns
    assert segmenter.splits_[0].segmenter.preprocessor_.report_.dropped() == {}


def test_a_loaded_model_keeps_the_permission(tmp_path):
    with gpuseg.config(notices="off"):
        fitted = Segmenter(n_clusters=2, columns=["spend", "card"], allow_personal=["card"]).fit(TABLE)
        loaded = gpuseg.load(fitted.save(tmp_path / "m.gpuseg"))
    assert list(loaded.allow_personal) == ["card"]
    assert loaded.predict(TABLE).tolist() == fitted.predict(TABLE).tolist()


def test_an_error_shows_no_value_about_a_person():
    value = people.many(people.email, 1)[0]
    table = pl.DataFrame({"spend": [*map(str, range(99)), value]})
    with pytest.raises(InvalidInput, match="not shown, for it may tell of a person") as error:
        Preprocessor().fit(table)
    assert value not in str(error.value)


def test_what_a_later_table_holds_is_not_told(capsys):
    table = pl.DataFrame({"plan": ["a", "b", "a", "b"], "spend": [1.0, 2.0, 3.0, 4.0]})
    steps = Preprocessor().fit(table)
    steps.transform(table.with_columns(plan=pl.Series(people.many(people.email, 4))))
    told = capsys.readouterr().out
    assert "outside its levels" in told
    assert "@" not in told


def test_pandas_keeps_cards_as_floats_where_some_are_missing(capsys):
    cards = pd.DataFrame({"pan": [float(card) for card in people.many(people.card, 60)], "spend": np.arange(60) % 7})
    cards.loc[::2, "pan"] = np.nan
    assert Preprocessor().fit(cards).report_.dropped() == {"pan": "it looks like payment card numbers"}
    assert Preprocessor().fit(pa.Table.from_pandas(cards)).report_.dropped() == {
        "pan": "it looks like payment card numbers"
    }


@pytest.mark.parametrize(
    "table", ["Mall_Customers", "marketing_campaign", "online_shoppers_intention", "wholesale_customers"]
)
def test_no_column_of_a_real_table_is_about_persons(data, table, capsys):
    frame = pl.read_csv(
        data / "customers" / f"{table}.csv", separator=";" if table == "marketing_campaign" else ",",
        infer_schema_length=None,
    )  # fmt: skip
    dropped = Preprocessor().fit(frame).report_.dropped()
    assert not [why for why in dropped.values() if "looks like" in why]
