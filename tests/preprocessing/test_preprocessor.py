"""The estimator: real customer tables, a plain state, scikit-learn's conventions."""

import json
import warnings

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg import read_table
from gpuseg.preprocessing import Preprocessor

CUSTOMERS = {
    "Mall_Customers.csv": ("CustomerID", (200, 5), 0, []),
    "wholesale_customers.csv": (None, (440, 8), 0, []),
    "marketing_campaign.csv": ("ID", (2240, 35), 182, ["Z_CostContact", "Z_Revenue"]),
    "online_shoppers_intention.csv": (None, (12330, 29), 125, []),
}


def plain(value):
    if isinstance(value, np.ndarray):
        assert value.dtype.kind in "biufU"
        return value.tolist()
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    assert type(value) in (str, int, float, bool, type(None)), type(value)
    return value


@pytest.mark.parametrize("name", CUSTOMERS)
def test_the_customer_tables(data, name):
    id_column, shape, duplicates, dropped = CUSTOMERS[name]
    path = data / "customers" / name
    steps = Preprocessor(id_column=id_column)
    matrix = steps.fit_transform(path)
    assert matrix.shape == shape
    assert np.isfinite(matrix).all()
    assert steps.report_.duplicates == duplicates
    assert list(steps.report_.dropped()) == dropped
    json.dumps(plain(steps.state()))
    restored = Preprocessor.from_state(steps.state())
    assert np.array_equal(restored.transform(path), matrix)
    assert restored.report_ == steps.report_
    table = read_table(path).select(steps.report_.columns[i].name for i in range(len(steps.report_.columns)))
    back = steps.inverse_transform(matrix)
    for column in steps.report_.columns:
        if column.kind == "number" and not column.missing:
            np.testing.assert_allclose(back[column.name], table[column.name], rtol=1e-6, atol=1e-9)


def test_what_the_marketing_table_is_made_of(data):
    steps = Preprocessor(id_column="ID").fit(data / "customers" / "marketing_campaign.csv")
    lines = {column.name: column for column in steps.report_.columns}
    assert lines["Income"].missing == 24
    assert lines["Income"].imputed == 51381.5
    assert lines["Dt_Customer"].kind == "date"
    assert lines["Response"].kind == "boolean"
    assert lines["Marital_Status"].pooled == 3


def test_state_without_rows_of_persons():
    names = {"name": [f"n{i % 490}" for i in range(500)], "town": [f"t{i % 300}" for i in range(500)]}
    steps = Preprocessor().fit(pl.DataFrame({**names, "b": [1.5, 2] * 250}))
    assert [column.pooled for column in steps.report_.columns] == [0, 300, 0]
    state = json.dumps(plain(steps.state()))
    assert "n17" not in state
    assert "t17" not in state


def test_scikit_learns_conventions():
    x = np.random.default_rng(0).normal(size=(30, 3))
    steps = Preprocessor(scale="robust", winsorize=(0.01, 0.99))
    assert clone(steps).get_params() == steps.get_params()
    assert not hasattr(steps, "report_")
    for method in (steps.transform, steps.kept_rows, steps.inverse_transform):
        with pytest.raises(NotFittedError):
            method(x)
    with pytest.raises(NotFittedError):
        steps.get_feature_names_out()
    assert steps.fit(x) is steps
    assert steps.n_features_in_ == 3
    assert not hasattr(steps, "feature_names_in_")
    assert make_pipeline(clone(steps)).fit_transform(x).shape == (30, 3)
    assert steps.set_output(transform="polars").transform(x).columns == ["x0", "x1", "x2"]


@parametrize_with_checks([Preprocessor()])
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check(estimator)
