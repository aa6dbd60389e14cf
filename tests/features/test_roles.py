"""Columns found by their names."""

import polars as pl
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.features import behaviour, clean_transactions, customer_features, repeat_purchases, rfm
from gpuseg.features.roles import NAMES, Wishes, resolve

RETAIL = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
RETAIL_II = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]


@pytest.mark.parametrize("names", [RETAIL, RETAIL_II])
def test_the_names_of_online_retail(names, capsys):
    found = resolve(names, Wishes()).present()
    expected = {"customer": names[6], "time": names[4], "order": names[0], "quantity": "Quantity", "price": names[5]}
    assert found == expected | {"product": "StockCode"}
    assert f"customer={names[6]!r}, time='InvoiceDate'" in capsys.readouterr().out


def test_nothing_is_said_where_all_is_named(capsys):
    resolve(["a", "b", "c"], Wishes(customer="a", time="b", amount="c"))
    assert capsys.readouterr().out == ""


def test_a_named_amount_spares_quantity_and_price():
    found = resolve(["customer_id", "date", "Sum", "quantity", "price"], Wishes(amount="Sum"))
    assert found.present() == {"customer": "customer_id", "time": "date", "amount": "Sum"}


def test_a_found_amount_wins_and_that_is_said(capsys):
    found = resolve(["customer_id", "date", "total", "quantity", "price"], Wishes())
    assert (found.amount, found.quantity, found.price) == ("total", "quantity", "price")
    assert "amounts are those of 'total'; 'quantity', 'price' only tell returns" in capsys.readouterr().out


def test_a_named_column_is_not_found_again():
    assert (
        resolve(["date", "customer", "sales", "order"], Wishes(order="customer", customer="order")).order == "customer"
    )


@pytest.mark.parametrize("name", ["amt", "SaleAmount", "payment_value", "Order Value", "order.total"])
def test_names_of_amounts(name):
    assert resolve(["visitorid", "date", name], Wishes()).amount == name


OPTIONS = {name: f"the {name}" for name in (*NAMES, "time_format", "as_of", "returns", "cancelled_prefix")}
OPTIONS["drop_duplicates"] = True


@pytest.mark.parametrize("features", [clean_transactions, rfm, behaviour, repeat_purchases, customer_features])
def test_every_argument_means_what_its_name_says(features, monkeypatch):
    class Heard(Exception):
        pass

    def hear(_, wishes, *__, **___):
        raise Heard(wishes)

    way = "clean" if features is clean_transactions else "customers_of"
    monkeypatch.setattr(f"{features.__module__}.{way}", hear)
    with pytest.raises(Heard) as heard:
        features(pl.DataFrame({"a": [1]}), **OPTIONS)
    assert heard.value.args[0] == Wishes(**OPTIONS)
    with pytest.raises(Heard) as heard:
        features(pl.DataFrame({"a": [1]}))
    assert heard.value.args[0] == Wishes()


def test_no_name_is_of_two_roles():
    names = [name for fitting in NAMES.values() for name in fitting]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("columns", "wishes", "sentence"),
    [
        (
            ["customer_id", "ID", "Date", "timestamp", "amount"],
            {},
            "'Date', 'timestamp' may each be the time; name one",
        ),
        (["custmer", "date", "amount"], {}, "no column is the customer by its name among .*did you mean 'custmer'"),
        (["customer", "when", "amount"], {}, "no column is the time .* name it, as in time='...'"),
        (["customer", "date", "price"], {}, "no column is the amount .* quantity='...' and price='...'"),
        (["customer", "date", "amount"], {"order": "oder"}, "order='oder' is not a column of the table, which has"),
        (["customer", "date", "amount"], {"order": "date", "time": "date"}, "'date' is named as time and as order"),
    ],
)
def test_what_is_not_found(columns, wishes, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        resolve(columns, Wishes(**wishes))
