"""Joins of feature tables, and who is in which."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.features import events, join_features, rfm
from tests.features.conftest import columns

pytestmark = pytest.mark.usefixtures("quiet")
SHOP = pl.DataFrame(
    {"customer_id": [3, 1, 2], "recency": [5, 9, None], "frequency": [2, 1, 4], "monetary": [5.0, 1, 2]}
)
WEB = pl.DataFrame(
    {"customer_id": [2, 4], "recency": [1, 3], "visits": [8, 6], "count_open": [1, 0], "rate": [0.5, 1.0]}
)


def plain(table):
    return {name: [None if v != v else v for v in values] for name, values in columns(table).items()}  # noqa: PLR0124


def test_by_hand(to_library):
    table, report = join_features({"shop": to_library(SHOP), "web": WEB})
    assert plain(table) == {
        "customer_id": [1, 2, 3, 4],
        "shop_recency": [9, None, 5, None],
        "frequency": [1, 4, 2, 0],
        "monetary": [1.0, 2.0, 5.0, 0.0],
        "web_recency": [None, 1, None, 3],
        "visits": [0, 8, 0, 6],
        "count_open": [0, 1, 0, 0],
        "rate": [None, 0.5, None, 1.0],
    }
    assert report.combinations == {("shop",): 2, ("shop", "web"): 1, ("web",): 1}
    assert (report.customers, report.in_all, report.tables) == (4, 1, {"shop": 3, "web": 2})
    assert report.only_in == {"shop": 2, "web": 1}
    assert report.filled == {"frequency": 1, "monetary": 1, "visits": 2, "count_open": 2}
    assert report.renamed == {"shop": {"recency": "shop_recency"}, "web": {"recency": "web_recency"}}


@pytest.mark.parametrize(("how", "ids"), [("outer", [1, 2, 3, 4]), ("inner", [2]), ("left", [1, 2, 3])])
def test_how(how, ids):
    table, report = join_features({"shop": SHOP, "web": WEB}, how=how)
    assert table["customer_id"].to_list() == ids
    assert report.customers == len(ids)
    assert sum(report.combinations.values()) == 4


def test_fill():
    tables = {"shop": SHOP, "web": WEB}
    table, report = join_features(tables, fill="none")
    assert table["visits"].to_list() == [None, 8, None, 6]
    assert report.filled == {}
    table, report = join_features(tables, fill={"shop_recency": 999, "rate": 0.25})
    assert table["shop_recency"].to_list() == [9, None, 5, 999]
    assert table["rate"].to_list() == [0.25, 0.5, 0.25, 1.0]
    assert report.filled == {"shop_recency": 1, "rate": 2}


def test_a_fill_that_numpy_worked_out():
    table, _ = join_features({"shop": SHOP, "web": WEB}, fill={"visits": np.int64(3), "rate": np.float32(0.25)})
    assert table["visits"].to_list() == [3, 8, 3, 6]
    assert table["rate"].to_list() == [0.25, 0.5, 0.25, 1.0]


def test_a_count_that_is_text_is_not_filled():
    table, report = join_features({"shop": SHOP, "web": WEB.with_columns(visits=pl.lit("many"))})
    assert table["visits"].to_list() == [None, "many", None, "many"]
    assert "visits" not in report.filled


def test_the_report_shows_itself():
    _, report = join_features({"shop": SHOP, "web": WEB.drop("recency")})
    assert str(report).splitlines() == [
        "customers             4",
        "in shop               3",
        "in web                2",
        "shop alone            2",
        "shop and web          1",
        "web alone             1",
        "filled in frequency   1",
        "filled in monetary    1",
        "filled in visits      2",
        "filled in count_open  2",
    ]
    assert report.summary() == "4 of 4 customers of 2 tables; 1 in all of them"
    assert json.loads(json.dumps(report.to_dict()))["only_in"] == {"shop": 2, "web": 1}
    assert "<table>" in report._repr_html_()


def test_ids_of_several_types(capsys):
    text = WEB.with_columns(pl.col("customer_id").cast(pl.String) + ".0")
    assert join_features({"shop": SHOP, "web": text})[0].equals(join_features({"shop": SHOP, "web": WEB})[0])
    mixed = WEB.with_columns(customer_id=pl.Series(["2", "x"]))
    with gpuseg.config(notices="stdout"):
        table, _ = join_features({"shop": SHOP, "web": mixed})
    assert table["customer_id"].to_list() == ["1", "2", "3", "x"]
    assert "ids are whole numbers in 'shop' and text in 'web'; all are compared as text" in capsys.readouterr().out


def test_ids_beyond_one_type_of_whole_numbers_are_compared_as_text(capsys):
    large = pl.Series([2**64 - 1, 2], dtype=pl.UInt64)
    for least, ids in ((-1, ["-1", "18446744073709551615", "2"]), (1, [1, 2, 2**64 - 1])):
        shop = pl.DataFrame({"customer_id": [least, 2]})
        with gpuseg.config(notices="stdout"):
            table, report = join_features({"shop": shop, "web": WEB.with_columns(customer_id=large)})
        assert ("all are compared as text" in capsys.readouterr().out) is (least < 0)
        assert table["customer_id"].to_list() == ids
        assert report.in_all == 1


def test_tables_of_ids_alone():
    table, report = join_features({"shop": SHOP.select("customer_id"), "web": WEB.select("customer_id")})
    assert table.to_dict(as_series=False) == {"customer_id": [1, 2, 3, 4]}
    assert report.in_all == 1


def test_ids_under_several_names():
    other = WEB.rename({"customer_id": "user"})
    expected = join_features({"shop": SHOP, "web": WEB})[0]
    assert join_features({"shop": SHOP, "web": other})[0].equals(expected)
    assert join_features({"shop": SHOP, "web": other}, on={"web": "user"})[0].equals(expected)
    kept = other.with_columns(customer_id=pl.lit("a"))  # the name of the result's ids is another column here
    table, report = join_features({"shop": SHOP, "web": kept}, on={"shop": "customer_id", "web": "user"})
    assert table["web_customer_id"].to_list() == [None, "a", None, "a"]
    assert report.on == {"shop": "customer_id", "web": "user"}


def test_what_strangers_are_said(capsys):
    with gpuseg.config(notices="stdout"):
        join_features({"shop": SHOP, "web": WEB.with_columns(pl.col("customer_id") + 100)})
    said = capsys.readouterr().out
    assert "no customer is in two of the tables 'shop', 'web'; check that their ids are of one kind" in said
    assert "columns of the same name have their table's name in front: 'recency' of 'shop', 'recency' of 'web'" in said


@pytest.mark.parametrize("name", ["*", "^a$", "in_shop", "column_0", "customer", "id", "gpuseg_base"])
def test_odd_names_change_nothing(name, tmp_path):
    expected = join_features({"shop": SHOP, "web": WEB})[0]
    for column in ("customer_id", "visits", "recency"):
        on = name if column == "customer_id" else "customer_id"
        found = join_features(
            {"shop": SHOP.rename({column: name}, strict=False), "^b$": WEB.rename({column: name})}, on=on
        )
        assert [values.to_list() for values in found[0]] == [
            [None if column == "visits" and value == 0 else value for value in values]
            if values.name == "visits"
            else values.to_list()
            for values in expected
        ]
    SHOP.write_csv(tmp_path / "shop.csv")
    assert join_features({"shop": tmp_path / "shop.csv", "web": WEB.lazy()})[0].equals(expected)


@pytest.mark.parametrize(
    ("tables", "options", "sentence"),
    [
        ({"shop": SHOP}, {}, "got one table; give two tables or more by name"),
        ([SHOP, WEB], {}, "got a list; give two tables or more by name"),
        ({"shop": SHOP, 2: WEB}, {}, "a table is named 2; give each table a name of text"),
        ({"a": SHOP, "b": WEB}, {"how": "iner"}, "how='iner' is not known; .*did you mean 'inner'"),
        ({"a": SHOP, "b": WEB}, {"fill": "count"}, "fill='count' is not known; .*did you mean 'counts'"),
        (
            {"a": SHOP, "b": WEB},
            {"fill": {"visit": 0}},
            "fill='visit' is not a column .*did you mean 'visits'",
        ),
        ({"a": SHOP, "b": WEB}, {"fill": {"visits": "no"}}, "fill gives 'no' for column 'visits'; give a finite"),
        ({"a": SHOP, "b": WEB}, {"fill": {"visits": float("nan")}}, "fill gives nan for column 'visits'; give a"),
        ({"a": SHOP, "b": WEB.cast({"rate": pl.String})}, {"fill": {"rate": 0}}, "names column 'rate', which holds no"),
        ({"a": SHOP, "b": pl.DataFrame()}, {}, "table 'b' has no columns; give one of one row a customer"),
        ({"a": SHOP, "b": WEB}, {"on": "customer"}, "table 'a': on='customer' is not a column of the table"),
        ({"a": SHOP, "b": WEB}, {"on": {"c": "customer_id"}}, "a table in on='c' is not known"),
        ({"a": SHOP, "b": WEB.rename({"customer_id": "x"})}, {}, "no column of table 'b' is the customer by its name"),
        ({"a": pl.concat([SHOP, SHOP[:1]]), "b": WEB}, {}, "table 'a' has 4 rows for 3 ids in 'customer_id'; give a"),
        (
            {"a": SHOP, "b": WEB.with_columns(customer_id=pl.Series([2, None]))},
            {},
            "table 'b' has no id in 1 of 2 rows of 'customer_id'; leave these rows out first",
        ),
        ({"a": SHOP.with_columns(b_recency=0), "b": WEB}, {}, "the result would have 'b_recency' twice; rename a"),
    ],
)
def test_mistakes(tables, options, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        join_features(tables, **options)


def test_orders_and_events():
    buys = pl.DataFrame({"customer_id": [1, 2], "date": ["2026-01-01", "2026-01-05"], "amount": [10.0, 5.0]})
    seen = pl.DataFrame({"customer_id": [2, 3], "time": ["2026-01-01", "2026-01-05"], "type": ["visit", "visit"]})
    table, report = join_features({"orders": rfm(buys), "web": events(seen)})
    assert table["frequency"].to_list() == [1, 1, 0]
    assert table["sessions"].to_list() == [0, 1, 1]
    assert table["event_recency"].to_list() == [None, 5, 1]
    assert report.renamed == {}


ids = st.sets(st.integers(0, 12), max_size=8)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(ids, min_size=2, max_size=4), st.sampled_from(["outer", "inner", "left"]))
def test_laws(sets, how):
    tables = {
        f"t{at}": pl.DataFrame(
            {"id": sorted(own), f"x{at}": [7] * len(own)}, schema={"id": pl.Int64, f"x{at}": pl.Int64}
        )
        for at, own in enumerate(sets)
    }
    with gpuseg.config(notices="off"):
        table, report = join_features(tables, on="id", how=how, fill="none")
    everyone = set.union(*sets)
    wanted = {"outer": everyone, "inner": set.intersection(*sets), "left": sets[0]}[how]
    assert table["id"].to_list() == sorted(wanted)
    for at, own in enumerate(sets):
        assert table[f"x{at}"].to_list() == [7 if one in own else None for one in sorted(wanted)]
    assert sum(report.combinations.values()) == len(everyone)
    for names, count in report.combinations.items():
        assert count == sum(all((one in own) == (f"t{at}" in names) for at, own in enumerate(sets)) for one in everyone)
