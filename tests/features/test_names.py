"""Whatever columns are called, the result is the same, or one sentence says why not."""

import datetime as dt

import polars as pl
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.features import behaviour, clean_transactions, customer_features, repeat_purchases, rfm
from tests.features.conftest import columns

pytestmark = pytest.mark.usefixtures("quiet")
DAYS = [dt.datetime(2026, 1, day, 15) for day in (1, 5, 7, 3)]
ROWS = pl.DataFrame(
    {
        "user": [1, 1, 1, 2],
        "date": DAYS,
        "amount": [10.0, 5.0, -1.0, 7.0],
        "order": ["a", "b", "c", "d"],
        "sku": ["x", "y", "x", "z"],
        "note": ["p", "q", "p", "q"],
    }
)
ROLES = {"customer": "user", "time": "date", "amount": "amount", "order": "order", "product": "sku"}
FEATURES = {
    "clean": lambda table, **options: clean_transactions(table, **options)[0],
    "rfm": rfm,
    "behaviour": behaviour,
    "repeat": repeat_purchases,
    "all": lambda table, **options: customer_features(table, set="all", **options)[0],
}


@pytest.mark.parametrize("name", ["*", "^a$", "^.*$", "gpuseg_base", "gpuseg_reason", "gpuseg_high", "bought", "rows"])
@pytest.mark.parametrize("features", FEATURES.values(), ids=FEATURES)
def test_odd_names_change_nothing(features, name):
    expected = features(ROWS, **ROLES, returns="net", drop_duplicates=True)
    for column in ROWS.columns:
        named = {role: name if of == column else of for role, of in ROLES.items()}
        found = features(ROWS.rename({column: name}), **named, returns="net", drop_duplicates=True)
        assert found.equals(expected.rename({column: name}, strict=False)), column


@pytest.mark.parametrize("name", ["*", "gpuseg_base"])
def test_odd_names_in_every_library(to_library, tmp_path, name):
    table = ROWS.rename({"user": name})
    options = ROLES | {"customer": name}
    expected = rfm(ROWS, **ROLES).rename({"user": name})
    assert columns(rfm(to_library(table), **options)) == expected.to_dict(as_series=False)
    table.write_csv(tmp_path / "a.csv")
    assert rfm(tmp_path / "a.csv", **options).equals(expected)
    kept, report = clean_transactions(to_library(table), **options)
    assert list(columns(kept)) == table.columns
    assert report.roles["customer"] == name


def test_several_odd_names_at_once():
    odd = {"user": "*", "date": "* ", "note": "^a$", "sku": "^.*$", "order": "gpuseg_base", "amount": "gpuseg_base "}
    named = {role: odd[column] for role, column in ROLES.items()}
    assert rfm(ROWS.rename(odd), **named).equals(rfm(ROWS, **ROLES).rename({"user": "*"}))


@pytest.mark.parametrize(
    ("features", "name"),
    [
        *(("rfm", name) for name in ("recency", "frequency", "monetary")),
        *(("repeat", name) for name in ("recency", "frequency", "T", "monetary_value")),
        *(("behaviour", name) for name in ("tenure_days", "basket_std", "gap_days_mean", "products", "share_night")),
        *(("all", name) for name in ("recency", "spend_trend")),
    ],
)
def test_a_customer_column_named_like_a_feature_is_refused(features, name):
    sentence = f"customer='{name}' is also the name of a column of the result, which has .*; rename that column"
    with pytest.raises(InvalidInput, match=sentence):
        FEATURES[features](ROWS.rename({"user": name}), **ROLES | {"customer": name})


def test_the_refused_names_are_those_of_the_result():
    for features in ("rfm", "repeat", "behaviour", "all"):
        for name in FEATURES[features](ROWS, **ROLES, returns="exclude").columns[1:]:
            with pytest.raises(InvalidInput, match="is also the name of a column of the result"):
                FEATURES[features](ROWS.rename({"user": name}), **ROLES | {"customer": name})


def test_a_column_where_the_flag_goes_is_refused():
    for values in ([1, 0, 1, 0], ["yes", "no", "no", "yes"], ["true", "false", "", "perhaps"]):
        table = ROWS.with_columns(returned=pl.Series(values))
        with pytest.raises(InvalidInput, match=r"a column 'returned' that is not of true and false .*; rename it"):
            clean_transactions(table, **ROLES, returns="net")
        assert clean_transactions(table, **ROLES)[0]["returned"].to_list() == [values[0], values[1], values[3]]
        assert rfm(table, **ROLES, returns="net").equals(rfm(ROWS, **ROLES, returns="net"))


def test_a_computed_amount_takes_no_name_of_the_table():
    table = pl.DataFrame({"amount": [1], "date": DAYS[:1], "quantity": [2], "price": [3.0], "computed_amount": ["x"]})
    kept, report = clean_transactions(table, customer="amount")
    assert kept["computed_amount"].to_list() == ["x"]
    assert kept[report.roles["amount"]].to_list() == [6.0]
    assert len(kept.columns) == 6
