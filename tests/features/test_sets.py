"""Features by name."""

import datetime as dt
import math
import statistics

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.features import customer_features, rfm
from gpuseg.features._by_customer import customers_here
from gpuseg.features._by_name import BEHAVIOUR, FEATURES, RFM, SETS, features_of
from gpuseg.features.roles import Wishes
from gpuseg.io.tables import Opened
from tests.features.conftest import LIBRARIES, columns

pytestmark = pytest.mark.usefixtures("quiet")
JOB = ("recency", "tenure_days", "frequency", "monetary", "amount_mean", "amount_std")


def transactions(rows=2_000, seed=0):
    rng = np.random.default_rng(seed)
    seconds = rng.integers(0, 300 * 86400, size=rows).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "customer_id": (rng.zipf(1.5, size=rows) % 400).astype("int64"),
            "ts": (np.datetime64("2025-01-01") + seconds).astype("datetime64[us]"),
            "amount": rng.lognormal(3, 1, size=rows),
            "invoice": rng.integers(0, 500, size=rows),
        }
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "orders", [lambda own: own, lambda own: own.astype(str), lambda own: own + 2**61, lambda own: (own - 250) * 2**54]
)
def test_against_pandas(seed, orders):
    rows = transactions(seed=seed)
    rows["invoice"] = orders(rows["invoice"])
    now = rows.ts.max() + pd.Timedelta(days=1)
    by = rows.groupby("customer_id")
    expected = pd.DataFrame(
        {
            "recency": (now - by.ts.max()).dt.days,
            "tenure_days": (now - by.ts.min()).dt.days,
            "frequency": by.invoice.nunique(),
            "monetary": by.amount.sum(),
            "amount_mean": by.amount.mean(),
            "amount_std": by.amount.std(),
        }
    )
    found, _ = customer_features(rows, set=JOB, as_of=now)
    assert list(found.columns) == ["customer_id", *JOB]
    found = found.set_index("customer_id")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-12)
    for name in ("recency", "tenure_days", "frequency"):
        assert (found[name] == expected[name]).all()


def test_every_feature_by_name_is_that_of_its_set(retail):
    rows = retail.head(30_000)
    everything, report = customer_features(rows, set=FEATURES, as_of="2011-12-10")
    assert everything.columns[1:] == list(FEATURES)
    sets = customer_features(rows, set="all", as_of="2011-12-10")[0]
    assert everything.select(sets.columns).equals(sets)
    assert report.left_out == {}
    for name in FEATURES:
        alone = customer_features(rows, set=[name], as_of="2011-12-10", returns="exclude")[0]
        assert alone.equals(everything.select("CustomerID", name)), name


def test_every_feature_by_name_with_returns_taken_off(retail):
    rows = retail.head(30_000)
    everything = customer_features(rows, set=FEATURES, returns="net")[0]
    for name in (*JOB, "products", "return_rate"):
        alone = customer_features(rows, set=(name,), returns="net")[0]
        assert alone.equals(everything.select("CustomerID", name)), name


def test_the_lines_of_purchases_have_no_returns(to_library):
    rows = pl.DataFrame({"user": [1] * 4, "date": ["2026-01-01"] * 4, "amount": [2.0, 4.0, 6.0, -3.0]})
    for returns, monetary in (("exclude", 12.0), ("net", 9.0)):
        names = ("monetary", "amount_mean", "amount_std")
        found = columns(customer_features(to_library(rows), set=names, returns=returns)[0])
        assert found == {"user": [1], "monetary": [monetary], "amount_mean": [4.0], "amount_std": [2.0]}


def test_sets_and_names_together():
    rows = transactions()
    found = customer_features(rows, set=("rfm", "amount_mean", "recency"))[0]
    assert list(found.columns) == ["customer_id", *RFM, "amount_mean"]
    assert list(customer_features(rows, set="tenure_days")[0].columns) == ["customer_id", "tenure_days"]
    assert set(SETS["all"]) == {*RFM, *BEHAVIOUR}


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (("recency", "amount_men"), "set='amount_men' is not known; .*did you mean 'amount_mean'"),
        ("amount_sd", "set='amount_sd' is not known; .*did you mean 'amount_std'"),
        ((), r"set=\(\) names no features; give 'rfm', 'behaviour', 'all', or names"),
        ([1], r"set=\[1\] names no features"),
        (None, "set=None names no features"),
        ("rfm, amount_std", r"is several names in one text; give a list, as in set=\['rfm', 'amount_std'\]"),
        (("products",), "nothing is left of set='products': no column names the product; ask for others"),
    ],
)
def test_mistakes(wish, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        customer_features(transactions(50), set=wish)


def test_what_is_left_out_of_those_named():
    rows = transactions(50).assign(ts=lambda own: own.ts.dt.floor("D"))
    found, report = customer_features(rows, set=("share_evening", "products", "recency", "return_rate"))
    assert list(found.columns) == ["customer_id", "recency"]
    assert list(report.left_out) == ["products", "return_rate", "share_evening"]


def test_the_customer_is_not_named_like_a_feature():
    rows = transactions(50).rename(columns={"customer_id": "amount_std"})
    with pytest.raises(InvalidInput, match="customer='amount_std' is also the name of a column of the result"):
        customer_features(rows, customer="amount_std", set=JOB)
    assert "amount_std" in customer_features(rows, customer="amount_std", set=("recency",))[0].columns


@pytest.mark.parametrize("amount", [0.1, 19.99, 1e15, 1e-9, 0.0])
@pytest.mark.parametrize("times", [2, 3, 1000])
def test_equal_amounts_have_no_deviation(amount, times):
    rows = pl.DataFrame({"user": [1] * times + [2], "date": ["2026-01-01"] * (times + 1)})
    found = customer_features(rows.with_columns(amount=pl.Series([amount] * times + [7.0])), set=("amount_std",))[0]
    assert found["amount_std"].to_list() == [0.0, None]


@pytest.mark.parametrize(
    "own",
    [[1e9, 1e9 + 1, 1e9 + 2], [0.01, 0.02], [20.0, 20.01, 20.02, 19.99], [1e15, 1e15 - 1], [1e-6, 3e-6], [5e-324, 1.0]],
)
@pytest.mark.parametrize("other", [1.0, 1e15])
def test_a_deviation_is_small_beside_the_mean_or_beside_others(own, other):
    rows = pl.DataFrame({"user": [1] * len(own) + [2, 2], "date": "2026-01-01", "amount": [*own, 1.0, other]})
    found = customer_features(rows, set=("amount_std",))[0]["amount_std"].to_list()
    assert found[0] == pytest.approx(statistics.stdev(own), rel=1e-8)
    assert found[1] == pytest.approx(statistics.stdev([1.0, other]), rel=1e-12)


amounts = st.floats(0.01, 1e6) | st.floats(1e-3, 1e15)
buys = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 99), st.integers(-5, 5), amounts), min_size=1, max_size=40)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(buys, st.randoms(use_true_random=False), st.sampled_from(sorted(LIBRARIES)))
def test_laws(rows, random, library):
    rows = [
        (user, dt.datetime(2026, 1, 1) + dt.timedelta(days=day), order, amount) for user, day, order, amount in rows
    ]
    names = ["customer", "date", "order", "amount"]
    with gpuseg.config(notices="off"):
        found = customer_features(pl.DataFrame(rows, schema=names, orient="row"), set=JOB)[0]
        shuffled = pl.DataFrame(random.sample(rows, len(rows)), schema=names, orient="row")
        again = columns(customer_features(LIBRARIES[library](shuffled), set=JOB)[0])
        assert found.select("customer", *RFM).equals(rfm(shuffled))
    again = {name: [None if v != v else v for v in values] for name, values in again.items()}  # noqa: PLR0124 - NaN
    assert again == columns(found)  # bit for bit, whatever the order of the rows
    for row in found.rows(named=True):
        own = [amount for user, _, _, amount in rows if user == row["customer"]]
        assert row["frequency"] == len({order for user, _, order, _ in rows if user == row["customer"]})
        assert row["amount_mean"] == pytest.approx(math.fsum(own) / len(own), rel=1e-12)
        if len(own) == 1:
            assert row["amount_std"] is None
        else:
            assert row["amount_std"] == pytest.approx(statistics.stdev(own), rel=1e-9)


def test_the_body_is_the_same_for_a_table_like_cudf():
    # cuDF goes through the same part of Narwhals as pandas, which stands in for it here with nullable columns.
    rows = pl.from_pandas(transactions())
    eager = nw.from_native(transactions().convert_dtypes(dtype_backend="numpy_nullable"))
    for returns in ("exclude", "net"):
        opened = Opened(eager, lambda frame: frame, "a device")
        found = customers_here(opened, Wishes(returns=returns), JOB, features_of)[0].to_polars()
        found = found.with_columns(pl.selectors.float().fill_nan(None))
        expected = customer_features(rows, set=JOB, returns=returns)[0]
        assert found.to_dict(as_series=False) == expected.to_dict(as_series=False)
