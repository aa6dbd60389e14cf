"""Which columns hold categories: one rule for KPrototypes and for Gower's distance."""

from functools import partial

import dask.array as da
import numpy as np
import pandas as pd
import polars as pl
import pytest

from gpuseg.cluster import CLARANS, KMedoids, KPrototypes
from gpuseg.errors import InvalidInput

METHODS = [
    partial(KPrototypes, 3, random_state=0),
    partial(KMedoids, 3, metric="gower", random_state=0),
    partial(CLARANS, 3, metric="gower", random_state=0),
]
TABLE = pl.DataFrame(
    {
        "spent": np.linspace(0.0, 1.0, 40),
        "way": ["web", "shop"] * 20,
        "plus": [True, False, False, True] * 10,
        "plan": pl.Series(["a", "b", "c", "a"] * 10, dtype=pl.Categorical),
        "code": [10, 9, 2, 9] * 10,
    }
)
methods = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.func.__name__)


@methods
def test_words_categories_and_booleans_are_categories_and_those_named_beside_them(method):
    assert method().fit(TABLE).category_columns_ == [1, 2, 3]
    for named in (["code"], [4], "code", ["code", "way"], [np.int64(4)]):
        model = method(categorical=named).fit(TABLE)
        assert model.category_columns_ == [1, 2, 3, 4]
        assert model.levels_["plus"].tolist() == ["false", "true"]
        assert model.levels_["code"].tolist() == ([] if "metric" in model.get_params() else ["2", "9", "10"])


@methods
def test_the_same_rows_are_coded_alike_however_they_come(method):
    model = method(categorical=["code"]).fit(TABLE)
    frame = TABLE.to_pandas()
    array = frame.astype(object).to_numpy()
    arrays = method(categorical=[1, 2, 3, 4])
    for given in (array, array.tolist()):
        np.testing.assert_array_equal(arrays.fit(given).labels_, model.labels_)
        np.testing.assert_array_equal(model.predict(given), model.labels_)
    for given in (frame, frame.astype({"way": "category", "plus": object}), TABLE.lazy(), TABLE.to_arrow()):
        np.testing.assert_array_equal(method(categorical=["code"]).fit(given).labels_, model.labels_)


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        # As float64 the first two are one number.
        ([2**53, 2**53 + 1, 2**53 + 2], ["9007199254740992", "9007199254740993", "9007199254740994"]),
        (pl.Series(["10.00", "2.50", "2.25"]).cast(pl.Decimal(10, 2)), ["2.25", "2.5", "10"]),
    ],
    ids=["large", "decimal"],
)
def test_every_number_of_the_fit_is_a_category_of_its_own(values, levels):
    table = pl.DataFrame({"spent": [0.0, 1.0, 2.0], "way": ["a", "b", "c"], "code": values})
    model = KPrototypes(3, categorical=["code"], random_state=0).fit(table)
    assert [*model.levels_["code"]] == levels
    assert np.all(model.assign(table).distance == 0.0)


@methods
def test_codes_in_an_array_may_be_unseen(method):
    codes = np.column_stack([TABLE["spent"], *(TABLE[name].rank("dense") - 1 for name in TABLE.columns[1:])])
    model = method(categorical=[1, 2, 3, 4]).fit(codes)
    np.testing.assert_array_equal(model.labels_, method(categorical=["code"]).fit(TABLE).labels_)
    unseen = codes.copy()
    unseen[:, 1] = -1.0
    known, strange = model.assign(codes).distance, model.assign(unseen).distance
    assert np.all(strange >= known)
    assert np.any(strange > known)


@methods
@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["wya"], "categorical='wya' is not a column of the table, .*; did you mean 'way'"),
        ([5], "categorical holds 5; give names of columns or positions from 0 to 4"),
        ([-1], "categorical holds -1; give names of columns or positions from 0 to 4"),
        ([True], "categorical holds True; give names of columns or positions from 0 to 4"),
        ([1.5], r"categorical holds 1\.5; give names of columns or positions from 0 to 4"),
    ],
)
def test_columns_that_are_not_there_are_refused(method, named, message):
    with pytest.raises(InvalidInput, match=message):
        method(categorical=named).fit(TABLE)


@methods
def test_what_is_neither_number_nor_category_is_refused(method):
    dated = TABLE.with_columns(pl.lit("2026-01-01").str.to_date().alias("since"))
    with pytest.raises(InvalidInput, match="X holds no numbers in column 'since'; name it in categorical, or leave it"):
        method().fit(dated)
    with pytest.raises(InvalidInput, match="X holds no numbers in column 'since'; name it in categorical, or leave it"):
        method().fit(dated.select("spent", "since"))
    assert method(categorical=["since"]).fit(dated).category_columns_ == [1, 2, 3, 5]
    words = TABLE.to_pandas().astype(object).to_numpy()
    with pytest.raises(InvalidInput, match=r"words in columns \[1, 3\]; give categorical=\[1, 3\]"):
        method().fit(words)
    if method.func is KPrototypes:
        with pytest.raises(InvalidInput, match="X is a Dask array of kind 'O', which may hold words; give categorical"):
            method().fit(da.from_array(words, chunks=(9, 5)))
        lazy = method(categorical=[1, 2, 3]).fit(da.from_array(words, chunks=(9, 5)))
        np.testing.assert_array_equal(np.asarray(lazy.labels_), method().fit(TABLE).labels_)


@methods
@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_category_is_said_in_one_sentence(method, missing):
    sentence = r"X holds no category in column \(rows\): {} \(2\); fill them, with a word such as 'unknown'"
    frame = pd.DataFrame({"a": np.arange(9.0), "b": [*"xyzxyzx", missing, missing], "c": [*range(7), np.nan, np.nan]})
    with pytest.raises(InvalidInput, match=sentence.format("'b'")):
        method().fit(frame[["a", "b"]])
    with pytest.raises(InvalidInput, match=sentence.format("'c'")):
        method(categorical=["c"]).fit(frame[["a", "c"]])
    model = method().fit(frame[["a", "b"]][:7])
    with pytest.raises(InvalidInput, match=sentence.format("'b'")):
        model.predict(frame[["a", "b"]])
