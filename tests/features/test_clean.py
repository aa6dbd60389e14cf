"""Every row read is kept or dropped for the first reason that applies."""

import datetime as dt
import json
import math
import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.features import clean_transactions, rfm
from gpuseg.features.cleaning_report import REASONS
from tests.features.conftest import columns

NOON = dt.datetime(2026, 1, 5, 12)
AS_OF = dt.datetime(2026, 2, 1)
# customer, date, order, quantity, price: one row for each fate
FATES = {
    "kept": ("1", NOON, "10", 2.0, 5.0),
    "no id": (None, None, "C11", -1.0, 0.0),
    "bad timestamp": ("1", None, "C12", -1.0, 0.0),
    "after as_of": ("1", AS_OF + dt.timedelta(seconds=1), "C13", -1.0, 0.0),
    "no amount": ("1", NOON, "C14", None, 0.0),
    "cancelled or returned": ("1", NOON, "C15", 1.0, 0.0),
    "non-positive price": ("1", NOON, "16", 1.0, 0.0),
}
SCHEMA = {"customer": pl.String, "date": pl.Datetime, "order": pl.String, "quantity": pl.Float64, "price": pl.Float64}
pytestmark = pytest.mark.usefixtures("quiet")


def table(*rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.mark.parametrize("reason", list(FATES)[1:])
def test_the_first_reason_counts(reason, to_library):
    _, report = clean_transactions(to_library(table(FATES["kept"], FATES["kept"], FATES[reason])), as_of=AS_OF)
    assert {name: count for name, count in report.dropped.items() if count} == {reason: 1}
    assert (report.read, report.kept, report.customers) == (3, 2, 1)


def test_the_reasons_are_in_order():
    _, report = clean_transactions(table(*FATES.values()), as_of=AS_OF)
    assert tuple(report.dropped) == REASONS
    assert list(report.dropped.values()) == [1] * 6 + [0, 0]


@pytest.mark.parametrize("amount", [None, math.nan, math.inf, -math.inf])
def test_what_is_no_amount(amount):
    rows = pl.DataFrame({"customer": [1, 1], "date": [NOON] * 2, "amount": [1.0, amount]})
    assert clean_transactions(rows)[1].dropped["no amount"] == 1


def test_an_amount_of_nothing_counts_where_no_price_says_otherwise():
    rows = pl.DataFrame({"customer": [1, 1], "date": [NOON] * 2, "amount": [1.0, 0.0]})
    assert clean_transactions(rows)[1].kept == 2


def test_a_quantity_of_nothing_is_no_amount():
    assert clean_transactions(table(FATES["kept"], ("1", NOON, "11", 0.0, 5.0)))[1].dropped["no amount"] == 1


def test_a_negative_price_is_no_return():
    report = clean_transactions(table(FATES["kept"], ("1", NOON, "A1", 1.0, -5.0)))[1]
    assert report.dropped["non-positive price"] == 1


def test_duplicates_only_when_asked(to_library):
    rows = table(FATES["kept"], FATES["kept"], ("2", *FATES["kept"][1:]))
    assert clean_transactions(rows)[1].kept == 3
    kept, report = clean_transactions(to_library(rows), drop_duplicates=True)
    assert (report.kept, report.dropped["exact duplicate"]) == (2, 1)
    assert columns(kept)["customer"] == [1, 2]


def test_net_flags_what_was_returned(to_library):
    rows = table(
        FATES["kept"],
        ("1", NOON, "11", 2.0, 5.0),
        ("1", NOON, "C9", 1.0, 4.0),
        ("2", NOON, "C8", 1.0, 4.0),
        ("1", NOON, "9", -1.0, 3.0),
    )
    kept, report = clean_transactions(to_library(rows), returns="net")
    assert columns(kept)["amount"] == [10.0, 10.0, -4.0, -3.0]
    assert columns(kept)["returned"] == [False, False, True, True]
    assert report.dropped["returns only"] == report.customers_with_returns_only == 1


def test_orders_that_all_begin_with_the_prefix_are_not_cancelled(capsys):
    rows = table(*[("1", NOON, f"C{i}", 1.0, 1.0) for i in range(3)], ("1", NOON, "7", 1.0, 1.0))
    with gpuseg.config(notices="stdout"):
        assert clean_transactions(rows)[1].kept == 4
    assert "more than half of the orders begin with 'C'; they are not taken as cancelled" in capsys.readouterr().out


def test_exactly_half_of_the_orders_with_the_prefix_are_cancelled():
    rows = table(*[("1", NOON, order, 1.0, 1.0) for order in ("C1", "C1", "C2", "3", "4")])
    kept, report = clean_transactions(rows)
    assert kept["order"].to_list() == ["3", "4"]
    assert report.dropped["cancelled or returned"] == 3


ALONE = "2 rows are taken as cancelled only because their order begins with 'C'"


@pytest.mark.parametrize("returns", ["exclude", "net"])
def test_what_its_order_id_alone_cancels_is_said(returns, capsys):
    signs = [(1.0, 1.0), (2.0, 5.0), (-1.0, 1.0), (1.0, 0.0)]  # the last is dropped for its price anyway
    rows = [("1", NOON, f"C{i}", *sign) for i, sign in enumerate(signs)]
    rows += [("1", NOON, str(i), 1.0, 1.0) for i in range(4)]
    with gpuseg.config(notices="stdout"):
        kept, _ = clean_transactions(table(*rows), returns=returns)
        said = capsys.readouterr().out
        clean_transactions(kept)
        clean_transactions(table(*rows), returns=returns, cancelled_prefix=None)
    assert ALONE in said
    assert "cancelled_prefix=None takes such orders as purchases" in said
    assert "taken as cancelled" not in capsys.readouterr().out


@pytest.mark.parametrize(("prefix", "kept"), [("C", 2), ("R-", 2), (None, 3)])
def test_the_prefix_of_cancelled_orders(prefix, kept):
    order = f"{prefix or 'C'}5"
    rows = table(FATES["kept"], ("1", NOON, "Card", 1.0, 1.0), ("1", NOON, order.lower(), 1.0, 1.0))
    assert clean_transactions(rows, cancelled_prefix=prefix)[1].kept == kept


def test_the_table_comes_back_in_its_library(to_library):
    source = to_library(table(*FATES.values()).with_columns(note=pl.lit("x")))
    kept, _ = clean_transactions(source, as_of=AS_OF)
    assert type(kept) is type(source)
    expected = {"customer": [1], "date": [NOON], "order": ["10"], "quantity": [2.0], "price": [5.0]}
    assert columns(kept) == expected | {"note": ["x"], "amount": [10.0]}


def test_a_csv_is_read_as_text(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("Customer ID;date;Total;note\n00017;30.1.2026;1.5;a\nNA;30.1.2026;2;b\n00018;31.1.2026;2;007\n")
    kept, report = clean_transactions(path)
    assert kept["Customer ID"].to_list() == ["00017", "00018"]
    assert kept["note"].to_list() == ["a", "007"]
    assert kept["Total"].sum() == 3.5
    assert report.as_of == AS_OF


@pytest.mark.parametrize("spelling", [str.lower, str.title, str.upper])
def test_the_flag_survives_a_csv(tmp_path, spelling):
    rows = table(FATES["kept"], ("1", NOON, "11", 2.0, 5.0), ("1", NOON, "9", -1.0, 3.0)).drop("quantity")
    rows = rows.with_columns(amount=pl.Series([10.0, 10.0, -3.0]))
    kept, _ = clean_transactions(rows, returns="net")
    flag = pl.col("returned").cast(pl.String).map_elements(spelling, pl.String)
    kept.with_columns(flag).write_csv(tmp_path / "kept.csv")
    assert rfm(tmp_path / "kept.csv").equals(rfm(kept))
    assert rfm(kept)["monetary"].to_list() == [17.0]
    again, report = clean_transactions(tmp_path / "kept.csv")
    assert again["returned"].to_list() == [False, False, True]
    assert report.kept == 3


@pytest.mark.parametrize("values", [["true", "no"], ["1", "0"], ["", ""]])
def test_text_that_says_something_else_is_no_flag(values):
    rows = table(FATES["kept"], ("1", NOON, "9", 1.0, 3.0)).with_columns(returned=pl.Series(values))
    kept, report = clean_transactions(rows)
    assert kept["returned"].to_list() == values
    assert report.kept == 2


def test_a_row_of_empty_fields_is_counted(tmp_path):
    (tmp_path / "a.csv").write_text("customer_id,date,amount\n1,2026-01-01,5\n,,\n2,2026-01-02,6\n\n")
    report = clean_transactions(tmp_path / "a.csv")[1]
    assert (report.read, report.kept, report.dropped["no id"]) == (3, 2, 1)


def test_as_of_is_after_the_newest_row_and_said(capsys):
    late = (None, NOON.replace(year=2027), "1", 1.0, 1.0)
    with gpuseg.config(notices="stdout"):
        assert clean_transactions(table(FATES["kept"], late))[1].as_of == dt.datetime(2026, 1, 6)
    assert "as_of=2026-01-06, the day after the newest row" in capsys.readouterr().out


@pytest.mark.parametrize("as_of", ["2026-02-01", dt.date(2026, 2, 1), AS_OF, "20260201", "2026-02-01T00:00"])
def test_as_of_in_its_forms(as_of):
    assert clean_transactions(table(FATES["kept"]), as_of=as_of)[1].as_of == AS_OF


def test_as_of_with_a_zone():
    zoned = table(FATES["kept"]).with_columns(pl.col("date").dt.replace_time_zone("Europe/Berlin"))
    assert clean_transactions(zoned, as_of="2026-01-31T23:00Z")[1].as_of == AS_OF


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        ([], {}, "the table has no rows"),
        ([FATES["no id"]] * 3, {}, "column 'customer' holds no id in any of 3 rows"),
        ([FATES["kept"]], {"as_of": "2025-01-01"}, r"none of 1 rows is left after cleaning \(dropped: 1 after as_of\)"),
        ([FATES["kept"]], {"as_of": "soon"}, "as_of='soon' is no date"),
        ([FATES["kept"]], {"as_of": "2026-02-01T00:00Z"}, "has a time zone and column 'date' has none"),
        ([FATES["kept"]], {"time_format": 5}, "time_format=5 is no text; give text, as in time_format='%d/%m"),
        ([FATES["kept"]], {"cancelled_prefix": 5}, "cancelled_prefix=5 is no text; give text, as in .*='C', or None"),
        ([FATES["kept"]], {"returns": "keep"}, "returns='keep' is not known; allowed are 'exclude', 'net'"),
        ([("1", NOON, "C1", -1.0, 1.0), FATES["non-positive price"]], {"returns": "net"}, "1 returns only"),
        (
            [FATES["kept"], ("1", NOON, "2", 2.0, 1e20)],
            {},
            r"column 'quantity' times 'price' gives an amount beyond 1e\+15 in 1 of 2 rows, for example 2e\+20; those",
        ),
        ([("1", dt.datetime(9999, 12, 31), "1", 1.0, 1.0)], {}, "the newest row is of 9999-12-31"),
    ],
)
def test_bad_input(rows, options, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        clean_transactions(table(*rows), **options)


def test_the_report_shows_itself():
    _, report = clean_transactions(table(*FATES.values()).rename({"customer": "<id>"}), as_of=AS_OF, customer="<id>")
    assert re.search(r"rows read +7\nno id +1\n", str(report))
    assert json.loads(json.dumps(report.to_dict()))["roles"]["customer"] == "<id>"
    assert "<td>7</td>" in report._repr_html_()
    assert report.summary().startswith("1 of 7 rows kept; dropped: 1 no id, 1 bad timestamp")


@pytest.mark.parametrize(("returns", "kept"), [("exclude", 397_884), ("net", 406_701)])
def test_online_retail(retail, returns, kept):
    rows, report = clean_transactions(retail, as_of="2011-12-10", returns=returns)
    assert (len(rows), report.kept, report.read, report.customers) == (kept, kept, 541_909, 4_338)
    assert report.kept + sum(report.dropped.values()) == report.read
    assert report.dropped["no id"] == 135_080
    again, second = clean_transactions(rows, as_of="2011-12-10")
    assert second.kept == kept
    assert again.equals(rows)


def excel(frame):
    """Return a table as pandas.read_excel gives it: numbers and text in one column."""
    frame = frame.to_pandas()
    for name in ("InvoiceNo", "StockCode"):
        frame[name] = [int(text) if text.isdigit() else text for text in frame[name]]
        frame[name] = frame[name].astype(object)
    return frame.astype({"CustomerID": "float64"})


@pytest.mark.parametrize("returns", ["exclude", "net"])
def test_online_retail_as_excel_gives_it(retail, returns):
    rows = retail.head(20_000)
    assert {type(value) for value in excel(rows)["InvoiceNo"]} == {int, str}
    assert columns(rfm(excel(rows), returns=returns)) == columns(rfm(rows, returns=returns))


maybe = st.sampled_from
dirty_rows = st.lists(
    st.tuples(
        maybe(["1", "2", "3", "4", " 1 ", "", "nan", None]),
        maybe([None, NOON, NOON + dt.timedelta(days=40), NOON + dt.timedelta(days=2), AS_OF]),
        maybe(["1", "2", "C1", "c2", "C3", "Cx", "", None]),
        maybe([None, 0.0, 1.0, 2.0, -1.0, math.nan, math.inf]),
        maybe([None, 0.0, 1.0, 0.1, -1.0, math.nan, math.inf]),
    ),
    max_size=25,
)


def reason_of(row):
    """Say in plain Python why a row is dropped, with returns="exclude" and the prefix in force."""
    customer, time, order, quantity, price = row
    amount = math.nan if quantity is None or price is None else quantity * price
    tests = {
        "no id": customer in ("", "nan", None),
        "bad timestamp": time is None,
        "after as_of": time is not None and time > AS_OF,
        "no amount": not math.isfinite(amount) or quantity == 0,
        "cancelled or returned": order in ("C1", "c2", "C3") or (quantity or 0) < 0,
        "non-positive price": (price or 0) <= 0,
    }
    return next((reason for reason, applies in tests.items() if applies), "kept")


@settings(derandomize=True, deadline=None, max_examples=60)
@given(dirty_rows)
def test_reasons_are_those_of_plain_python(rows):
    rows = [*rows, *[("9", NOON, str(order), 1.0, 1.0) for order in range(100, 110)]]  # so that C is a prefix
    with gpuseg.config(notices="off"):
        kept, report = clean_transactions(table(*rows), as_of=AS_OF)
    expected = [reason_of(row) for row in rows]
    assert report.kept == len(kept) == expected.count("kept")
    assert report.dropped == {reason: expected.count(reason) for reason in REASONS}


@settings(derandomize=True, deadline=None, max_examples=60)
@given(dirty_rows, maybe(["exclude", "net"]), st.booleans())
def test_a_second_cleaning_drops_nothing(rows, returns, drop_duplicates):
    rows = [*rows, ("9", NOON, "7", 1.0, 1.0)]
    options = {"as_of": AS_OF, "drop_duplicates": drop_duplicates}
    with gpuseg.config(notices="off"):
        kept, report = clean_transactions(table(*rows), returns=returns, **options)
        assert report.kept + sum(report.dropped.values()) == report.read == len(rows)
        again, second = clean_transactions(kept, **options)
        assert second.kept == second.read == report.kept
        assert again.equals(kept)
        assert rfm(kept, **options).equals(rfm(table(*rows), returns=returns, **options))


@pytest.mark.parametrize("unit", ["us", "ms"])
def test_times_beyond_the_calendar_are_bad_timestamps(unit):
    times = pl.Series([2**62, 0, 10**12]).cast(pl.Datetime(unit))
    rows = pl.DataFrame({"customer_id": [1, 2, 3], "date": times, "amount": [1.0, 2.0, 3.0]})
    kept, report = clean_transactions(rows)
    assert kept["customer_id"].to_list() == [2, 3]
    assert report.dropped["bad timestamp"] == 1
