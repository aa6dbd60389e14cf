"""Segments and personas find each other by id or by row, and what does not fit is one sentence."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.interpret.pairing import paired

SEGMENTS = pl.DataFrame({"customer_id": [1, 2, 3, 4], "segment": [0, 0, 1, -1], "distance": [0.1] * 4})
PERSONAS = pl.DataFrame({"customer_id": [3, 2, 1, 9], "persona": ["a", "b", " a ", ""], "budget": [1.0, 2, 3, 4]})


def test_rows_are_matched_by_id():
    found = paired(SEGMENTS, PERSONAS)
    assert found.segments.to_list() == [0, 0, 1, -1]
    assert found.personas.to_list() == ["a", "b", "a", None]
    assert (found.known, found.unknown, found.column) == (3, 1, "persona")
    assert found.beside["budget"].to_list() == [3, 2, 1, None]


@pytest.mark.parametrize(
    "ids",
    [pl.Series(["3", "2", "1", "9"]), pl.Series([3.0, 2, 1, 9]), pl.Series([3, 2, 1, 9], dtype=pl.UInt8)],
    ids=["text", "float", "small"],
)
def test_ids_of_another_type_are_the_same_ids(ids):
    assert paired(SEGMENTS, PERSONAS.with_columns(customer_id=ids)).personas.to_list() == ["a", "b", "a", None]


@pytest.mark.parametrize("kind", [pl.DataFrame.to_pandas, pl.DataFrame.to_arrow, pl.DataFrame.lazy])
def test_tables_of_every_library(kind):
    found = paired(kind(SEGMENTS), kind(PERSONAS), kind(PERSONAS))
    assert found.personas.to_list() == ["a", "b", "a", None]
    assert found.customers.columns == ["budget"]


def test_a_file_and_a_column_of_it(tmp_path):
    PERSONAS.rename({"persona": "kind"}).write_csv(tmp_path / "p.csv")
    found = paired(SEGMENTS, str(tmp_path / "p.csv"), persona_column="kind")
    assert found.personas.to_list() == ["a", "b", "a", None]
    assert found.column == "kind"


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series, pl.Series, pd.Categorical])
def test_labels_are_matched_by_row(make):
    found = paired(np.array([5, 5, 7]), make(["x", "y", "x"]))
    assert found.personas.to_list() == ["x", "y", "x"]
    assert found.segments.to_list() == [5, 5, 7]


def test_a_column_of_the_customers_or_of_the_segments():
    customers = pl.DataFrame({"customer_id": [4, 3, 2, 1], "kind": [1.0, 2.0, 1.0, None], "spend": [4, 3, 2, 1]})
    found = paired(SEGMENTS, "kind", customers)
    assert found.personas.to_list() == [None, "1", "2", "1"]
    assert found.customers.to_dict(as_series=False) == {"spend": [1, 2, 3, 4]}
    own = SEGMENTS.with_columns(rule_segment=pl.Series(["Lost", "Lost", "Loyal", None]))
    assert paired(own, "rule_segment").personas.to_list() == ["Lost", "Lost", "Loyal", None]


def test_rule_segments_of_rfm_are_found_without_a_name():
    scored = PERSONAS.drop("persona").with_columns(r_score=1, rule_segment=pl.Series(["Lost", "Loyal", "Lost", "Lost"]))
    assert paired(SEGMENTS, scored).column == "rule_segment"


def test_a_table_of_two_columns_needs_no_names():
    assert paired(SEGMENTS, PERSONAS.select("customer_id", gruppe="persona")).column == "gruppe"


def test_columns_of_any_name():
    odd = {"customer_id": "^id$", "persona": "*"}
    found = paired(SEGMENTS.rename({"customer_id": "^id$"}), PERSONAS.rename(odd), id_column="^id$", persona_column="*")
    assert found.personas.to_list() == ["a", "b", "a", None]


def test_segments_by_name_are_kept():
    assert paired(["gold", "basic", "gold"], ["x", "y", "x"]).segments.to_list() == ["gold", "basic", "gold"]


@pytest.mark.parametrize(
    ("segments", "personas", "more", "said"),
    [
        (SEGMENTS, PERSONAS.tail(2), {}, r"1 of the 4 customers \(25.0%\) have an id among the 2 of the personas"),
        (SEGMENTS, PERSONAS, {"persona_column": "persna"}, "persona_column='persna' .* did you mean 'persona'"),
        (SEGMENTS, PERSONAS, {"segment_column": "sgment"}, "segment_column='sgment' .* did you mean 'segment'"),
        (SEGMENTS, "persna", {}, "the personas 'persna' are neither a column, such as 'customer_id'.*nor a file"),
        (SEGMENTS, PERSONAS.rename({"persona": "x"}), {}, "have the columns 'x', 'budget'; name theirs as persona_c"),
        (SEGMENTS, PERSONAS.rename({"customer_id": "x"}), {}, "no column of the personas is named 'customer_id'"),
        (SEGMENTS.rename({"customer_id": "x"}), PERSONAS, {}, "no column of the segments is named as the id"),
        (SEGMENTS, pl.concat([PERSONAS, PERSONAS]), {}, "8 rows for 4 ids"),
        (SEGMENTS, PERSONAS.with_columns(customer_id=None), {}, "no id in 4 of 4 rows"),
        (SEGMENTS, ["a", "b"], {}, "personas are 2 labels and segments 4 rows"),
        ([0, 1], PERSONAS, {}, "segments are numbered by row and personas have ids in 'customer_id'"),
        ([0, 0, 0], ["a", "b", "a"], {}, "there is one segment, 0; give a segmentation of at least 2"),
        ([0, 0, -1], ["a", "b", "a"], {}, "there is one segment, 0"),
        ([-1, -1], ["a", "b"], {}, "every customer is noise"),
        ([0.5, 1], ["a", "b"], {}, "holds fractions"),
        ([0, None], ["a", "b"], {}, "1 of 2 customers have no segment"),
        ([0, 1], ["a", "a"], {}, "has one persona, 'a'; give at least 2"),
        ([0, 1], [None, " "], {}, "has no persona; give at least 2"),
        ([0, 1], ["Loyal", "loyal "], {}, "the personas 'Loyal', 'loyal' differ in capitals alone"),
        (list(range(200)), [f"id {at}" for at in range(200)], {}, "200 different values in 200 rows"),
        ([0, 1], [["a"], ["b"]], {}, "holds List.*; give each customer one persona"),
        (SEGMENTS.head(0), PERSONAS, {}, "the table of segments has no rows"),
    ],
)
def test_what_does_not_fit_is_one_sentence(segments, personas, more, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        paired(segments, personas, **more)
    assert "\n" not in str(refused.value)


def test_customers_of_another_length_than_labels():
    with pytest.raises(InvalidInput, match="customers have 1 rows for 2 labels"):
        paired([0, 1], ["a", "b"], pa.table({"spend": [1.0]}))


@pytest.mark.parametrize("which", ["segments", "personas"])
def test_labels_with_an_index_of_ids_are_not_taken_by_row(which):
    labels = pd.Series(["a", "b", "a", "b"])
    given = {"segments": labels, "personas": labels, which: labels.rename_axis("customer_id")}
    with pytest.raises(InvalidInput, match=f"{which} have the index 'customer_id', and labels go by row; give reset"):
        paired(**given)


def test_personas_that_are_addresses_are_refused_and_names_are_not():
    segments = [0, 1] * 30
    with pytest.raises(
        InvalidInput, match="'persona' look like e-mail addresses, and reports and model files tell of them"
    ):
        paired(segments, ["ann@example.org", "bob@example.org", "eve@example.org"] * 20)
    assert paired(segments, ["Anna Smith", "Mary Jones", "John Brown"] * 20).known == 60
