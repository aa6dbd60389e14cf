"""Numbers: equal to scikit-learn on clean data, the same in every array library, there and back."""

import dask.array as da
import numpy as np
import pytest
from scipy import stats
from sklearn import preprocessing as sk

from gpuseg.backends import to_host
from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.preprocessing import Preprocessor

RNG = np.random.default_rng(11)
X = np.column_stack([RNG.normal(5, 2, 900), RNG.uniform(-1, 1, 900), 1e9 + RNG.normal(size=900), RNG.normal(size=900)])
SKEWED = np.column_stack(
    [RNG.lognormal(1, 1, 900), -RNG.gamma(1, 3, 900), RNG.standard_t(4, 900) ** 3, RNG.exponential(1, 900) ** 2]
)
TWINS = {"standard": sk.StandardScaler(), "minmax": sk.MinMaxScaler(), "robust": sk.RobustScaler()}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 137)


@pytest.mark.parametrize("scale", TWINS)
def test_scales_as_scikit_learn(backend, spread, scale):
    found = Preprocessor(scale=scale, skew="none", backend=backend.name).fit_transform(spread(X))
    np.testing.assert_allclose(np.asarray(found), TWINS[scale].fit_transform(X), atol=1e-6, rtol=1e-9)


def test_scales_far_from_zero():
    found = Preprocessor().fit_transform(1e9 + RNG.normal(size=(5000, 1)))
    assert abs(found.mean()) < 1e-6
    assert abs(found.std() - 1) < 1e-9


def test_yeo_johnson_as_scikit_learn(backend, spread):
    found = Preprocessor(skew="yeo-johnson", backend=backend.name).fit(spread(SKEWED))
    twin = sk.PowerTransformer().fit(SKEWED)
    np.testing.assert_allclose(found.plan_["preparation"]["power"], twin.lambdas_, atol=1e-3)
    np.testing.assert_allclose(np.asarray(found.transform(spread(SKEWED))), twin.transform(SKEWED), atol=0.01)


def test_the_rule_of_auto():
    profit = RNG.lognormal(3, 1, 900) - RNG.lognormal(2, 1, 900)
    often = np.where(RNG.random(900) < 0.8, 0.0, RNG.lognormal(3, 2, 900))
    table = np.column_stack([SKEWED[:, :2], profit, often, X[:, 0], -SKEWED[:, 0]])
    steps = Preprocessor().fit(table)
    skews = [column.skew.partition("(")[0] for column in steps.report_.columns]
    assert skews == ["log", "yeo-johnson", "yeo-johnson", "yeo-johnson", "none", "yeo-johnson"]
    log, unit = steps.report_.columns[0].skew, np.quantile(SKEWED[:, 0], 0.1)
    assert log == f"log(1 + x/{unit:.3g})"
    bent = np.log1p(table[:, 0] / unit)
    np.testing.assert_allclose(steps.transform(table)[:, 0], (bent - bent.mean()) / bent.std())


@pytest.mark.parametrize(("values", "skew"), [(5, "none"), (10, "none"), (11, "yeo-johnson")])
def test_few_values_are_not_bent_unasked(values, skew):
    x = np.repeat(2.0 ** np.arange(values), 2 ** np.arange(values)[::-1])[:, None]
    assert stats.skew(x[:, 0]) > 1
    assert Preprocessor().fit(x).report_.columns[0].skew.partition("(")[0] == skew


@pytest.mark.parametrize("factor", [1000, 1 / 30])
@pytest.mark.parametrize("scale", [*TWINS, "none"])
def test_the_unit_does_not_matter_to_auto(factor, scale):
    x = np.column_stack([SKEWED, np.where(SKEWED[:, 0] < 3, 0, SKEWED[:, 0]), RNG.lognormal(3, 1, 900) - 9])
    here, there = Preprocessor(scale=scale), Preprocessor(scale=scale)
    found, other = here.fit_transform(x), there.fit_transform(factor * x)
    bent = [column.skew != "none" for column in here.report_.columns]
    assert bent == [column.skew != "none" for column in there.report_.columns]
    assert sum(bent) >= 4
    keep = np.array(bent) | (scale != "none")
    np.testing.assert_allclose(other[:, keep], found[:, keep], rtol=1e-9, atol=1e-9)


def test_an_explicit_log_keeps_signs_and_units():
    found = Preprocessor(skew="log", scale="none").fit_transform(SKEWED)
    np.testing.assert_allclose(found, np.sign(SKEWED) * np.log1p(np.abs(SKEWED)))


def test_auto_leaves_what_it_cannot_mend(capsys):
    rare = np.r_[np.zeros(880), RNG.uniform(5, 6, 20)]
    left = 100 - RNG.lognormal(2, 1, 900)
    seldom = np.r_[np.zeros(765), np.linspace(0.1, 10, 135)]
    steps = Preprocessor().fit(np.column_stack([rare, left, seldom, SKEWED[:, 0]]))
    assert [column.skew.partition("(")[0] for column in steps.report_.columns] == ["none"] * 3 + ["log"]
    for column, values in zip(steps.report_.columns, (rare, left, seldom), strict=False):
        assert f"skewness of {stats.skew(values):.1f} stays" in column.steps()
    assert "column 'x0': its skewness of" in capsys.readouterr().out
    assert Preprocessor(skew="yeo-johnson").fit(left[:, None]).report_.columns[0].skew.startswith("yeo-johnson")


def test_auto_keeps_what_halves_the_skewness():
    x = np.where(RNG.random(900) < 0.8, 0.0, RNG.lognormal(3, 1, 900))[:, None]
    steps = Preprocessor()
    found = stats.skew(steps.fit_transform(x)[:, 0])
    assert steps.report_.columns[0].skew.startswith("yeo-johnson(")
    assert 1 < found <= stats.skew(x[:, 0]) / 2


@pytest.mark.parametrize("skew", ["none", "log", "yeo-johnson", "auto"])
@pytest.mark.parametrize("scale", [*TWINS, "none"])
def test_there_and_back(skew, scale):
    x = np.column_stack([X, SKEWED])
    steps = Preprocessor(skew=skew, scale=scale)
    back = steps.inverse_transform(steps.fit_transform(x)).to_numpy()
    np.testing.assert_allclose(back, x, rtol=1e-6, atol=1e-8)


def test_there_and_back_within_winsor_limits():
    steps = Preprocessor(winsorize=(0.05, 0.9))
    back = steps.inverse_transform(steps.fit_transform(SKEWED)).to_numpy()
    expected = np.clip(SKEWED, np.quantile(SKEWED, 0.05, axis=0), np.quantile(SKEWED, 0.9, axis=0))
    np.testing.assert_allclose(back, expected, rtol=1e-6, atol=1e-15)
    report = steps.report_.columns[0]
    np.testing.assert_allclose(report.limits, np.quantile(SKEWED[:, 0], [0.05, 0.9]))


@pytest.mark.parametrize("skew", ["yeo-johnson", "auto"])
def test_what_no_value_maps_to_comes_back_as_the_extreme(skew):
    x = 1 + np.column_stack([RNG.pareto(1, 500), np.ones(500)])
    x[:, 1] = -x[:, 0]
    steps = Preprocessor(skew=skew).fit(x)
    back = steps.inverse_transform([[1e6, -1e6]]).to_numpy()
    assert steps.plan_["preparation"]["power"][0] < 0
    assert steps.plan_["preparation"]["power"][1] > 2
    np.testing.assert_allclose(back, [[x[:, 0].max(), x[:, 1].min()]], rtol=1e-12)


def test_yeo_johnson_of_numbers_of_all_sizes():
    """Powers of what is near 1e80 leave float64 unless lambdas are bounded by it; those of new rows are cut."""
    x = np.column_stack([10.0 ** RNG.uniform(-3, 80, 900), -(10.0 ** RNG.uniform(-3, 80, 900))])
    steps = Preprocessor(skew="yeo-johnson")
    found = steps.fit_transform(x)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.std(axis=0), 1)
    np.testing.assert_allclose(steps.plan_["preparation"]["power"], [0, 2], atol=0.02)
    np.testing.assert_allclose(steps.inverse_transform(found).to_numpy(), x, rtol=1e-6, atol=1e-6)


def test_yeo_johnson_far_from_zero(monkeypatch):
    """Lambdas at which the column's digits are gone look likely: their variance is next to nothing."""
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 300)
    x = 1e9 + np.random.default_rng(0).normal(size=(300, 1))
    found = Preprocessor(skew="yeo-johnson").fit_transform(x)
    np.testing.assert_allclose(found, (x - x.mean()) / x.std(), atol=1e-3)


def test_dust_beside_zero_is_no_unit():
    x = np.r_[np.full(300, 1e-300), 10.0 ** RNG.uniform(0, 20, 600)][:, None]
    steps = Preprocessor()
    found = steps.fit_transform(x)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(steps.inverse_transform(found).to_numpy(), x, rtol=1e-6, atol=1e-6 * x.max())


def test_new_rows_beyond_all_powers_stay_finite():
    x = RNG.uniform(0, 1, (900, 1)) ** 0.1
    steps = Preprocessor(skew="yeo-johnson").fit(x)
    assert steps.plan_["preparation"]["power"][0] > 4
    assert np.isfinite(steps.transform([[1e89]])).all()


def test_lambdas_leave_the_extremes_their_digits():
    """The likelihood alone would take a lambda of -2, at which 1e8 and 1e9 are one number."""
    x = np.r_[RNG.uniform(1, 1.5, 880), np.logspace(1, 9, 20)]
    x = np.column_stack([x, -x])
    steps = Preprocessor(skew="yeo-johnson")
    back = steps.inverse_transform(steps.fit_transform(x)).to_numpy()
    np.testing.assert_allclose(back, x, rtol=1e-6)


def test_a_summit_between_the_last_lambdas():
    """The grid is narrower beside a bound: its parabola is still that of even steps."""
    x = 200 - RNG.lognormal(0, 1, (900, 1)) * 20
    x = x[(x > 0).all(axis=1)]
    twin = sk.PowerTransformer().fit(x)
    assert 3 < twin.lambdas_[0] < 5
    found = Preprocessor(skew="yeo-johnson").fit(x)
    np.testing.assert_allclose(found.plan_["preparation"]["power"], twin.lambdas_, atol=1e-3)


@pytest.mark.parametrize("missing", ["median", "mode", "constant", "indicator"])
@pytest.mark.parametrize("scale", ["standard", "robust"])
def test_sketched_columns_give_the_same_plan(monkeypatch, missing, scale):
    ties = np.where(RNG.random(900) < 0.4, 7.0, X[:, 0])
    x = np.column_stack([X[:, :2], SKEWED, ties, RNG.integers(0, 12, 900), RNG.integers(0, 10, 900) - 3])
    x[RNG.random(x.shape) < 0.15] = np.nan
    options = {"missing": missing, "scale": scale, "winsorize": (0.05, 0.93), "fill_value": 0.1}
    whole = Preprocessor(**options).fit(x)
    monkeypatch.setattr("gpuseg.preprocessing.quantiles.EXACT", 500)
    monkeypatch.setattr("gpuseg.preprocessing.quantiles.POINTS", 20)
    sketched = Preprocessor(**options).fit(x)
    if missing == "mode":  # of columns without repeats any value is one
        x = x[:, [6, 7, 8]]
        whole, sketched = Preprocessor(**options).fit(x), sketched.fit(x)
    assert str(sketched.plan_) == str(whole.plan_)
    assert sketched.report_ == whole.report_


def test_winsor_limits_count_the_imputed_rows():
    x = np.r_[RNG.lognormal(size=200), np.full(300, np.nan)][:, None]
    steps = Preprocessor(winsorize=(0.05, 0.9), skew="none").fit(x)
    filled = np.where(np.isnan(x), np.nanmedian(x), x)
    np.testing.assert_allclose(steps.report_.columns[0].limits, np.quantile(filled, [0.05, 0.9]))


def test_values_that_differ_by_rounding_are_constant():
    x = np.column_stack([np.r_[0.1 + 0.2, np.full(9, 0.3)], np.arange(10.0)])
    assert list(Preprocessor().fit(x).report_.dropped()) == ["x0"]


def test_the_order_of_rows_does_not_matter():
    shuffled = RNG.permutation(len(SKEWED))
    found = Preprocessor(skew="yeo-johnson", winsorize=(0.01, 0.99)).fit_transform(SKEWED)
    other = Preprocessor(skew="yeo-johnson", winsorize=(0.01, 0.99)).fit_transform(SKEWED[shuffled])
    np.testing.assert_allclose(other, found[shuffled], atol=1e-6)


def test_missing_and_infinite(backend):
    x = np.array([[1.0, 5.0], [np.nan, 6.0], [3.0, np.inf], [8.0, 9.0]])
    steps = Preprocessor(scale="none", skew="none", backend=backend.name)
    found = to_host(steps.fit_transform(backend.to_device(x)))
    assert found.tolist() == [[1, 5], [3, 6], [3, 6], [8, 9]]
    assert [(c.missing, c.infinite, c.imputed) for c in steps.report_.columns] == [(1, 0, 3.0), (0, 1, 6.0)]


def test_missing_a_column_at_a_time():
    nan = np.nan
    x = np.array([[1.0, 1, 1, 1], [1, nan, nan, 2], [2, 2, 5, nan], [nan, 3, 3, 4], [0, 0, 3, 5]])
    missing = {"x0": "mode", "x1": "constant", "x2": "indicator", "x3": "drop"}
    steps = Preprocessor(scale="none", skew="none", missing=missing, fill_value={"x1": -7})
    found = [[1, 1, 1, 0, 1], [1, -7, 3, 1, 2], [1, 3, 3, 0, 4], [0, 0, 3, 0, 5]]
    assert steps.fit_transform(x).tolist() == found
    assert steps.kept_rows(x).tolist() == steps.fit_rows_.tolist() == [True, True, False, True, True]
    assert steps.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x2=(missing)", "x3"]
    assert steps.transform(np.array([[np.nan] * 3 + [1.0]])).tolist() == [[1, -7, 3, 1, 1]]


def test_indicator_and_constant_dropped_come_back():
    x = np.array([[1.0, 7, 4], [np.nan, 7, 5], [3.0, 7, 6]])
    steps = Preprocessor(missing="indicator")
    matrix = steps.fit_transform(x)
    assert matrix.shape == (3, 3)
    assert matrix[:, 1].tolist() == [0, 1, 0]
    np.testing.assert_allclose(steps.inverse_transform(matrix).to_numpy(), [[1, 7, 4], [2, 7, 5], [3, 7, 6]])


def test_an_indicator_stays_where_nothing_else_varies():
    x = np.array([[1.0, 5.0], [np.nan, 6.0], [1.0, 9.0], [np.inf, 7.0]])
    steps = Preprocessor(missing="indicator", scale="none", skew="none")
    found = steps.fit_transform(x)
    assert steps.get_feature_names_out().tolist() == ["x0=(missing)", "x1"]
    assert found.tolist() == [[0, 5], [1, 6], [0, 9], [1, 7]]
    assert steps.inverse_transform(found).rows() == [(1, 5), (1, 6), (1, 9), (1, 7)]
    assert "only gaps tell" in steps.report_.columns[0].steps()
    assert list(Preprocessor(missing="median").fit(x).report_.dropped()) == ["x0"]


def test_equal_quartiles_give_way_to_the_deviation(capsys):
    x = np.where(RNG.random((200, 1)) < 0.1, RNG.normal(size=(200, 1)), 3.0)
    found = Preprocessor(scale="robust", skew="none").fit_transform(x)
    np.testing.assert_allclose(found, (x - 3) / x.std())
    assert "quartiles that are equal" in capsys.readouterr().out


def test_winsorising_to_one_value_drops_the_column():
    x = np.column_stack([np.r_[np.zeros(99), 1.0], np.arange(100.0)])
    steps = Preprocessor(winsorize=(0.05, 0.95), columns=["x0", "x1"]).fit(x)
    assert list(steps.report_.dropped()) == ["x0"]
    assert steps.transform(x).shape == (100, 1)


def test_float32_stays(spread):
    found = Preprocessor().fit_transform(spread(X.astype(np.float32)))
    assert found.dtype == np.float32
    assert np.asarray(found).dtype == np.float32


def test_dask_stays_lazy_and_in_memory_does_not():
    steps = Preprocessor()
    lazy = steps.fit_transform(da.from_array(X, chunks=(137, 2)))
    assert isinstance(lazy, da.Array)
    here = Preprocessor(engine="dask").fit_transform(X)
    assert isinstance(here, np.ndarray)
    assert here.tobytes() == lazy.compute().tobytes() == Preprocessor().fit_transform(X).tobytes()
    assert np.array_equal(steps.transform(X), here)


@pytest.mark.parametrize(
    ("options", "x", "words"),
    [
        ({}, np.zeros((5, 2)), "no column of X is left .*'x0': it is constant, 0"),
        ({}, np.full((5, 1), np.nan), "no finite value"),
        ({"infinite": "error"}, np.array([[1.0], [np.inf], [2.0]]), "'x0' holds 1 infinite"),
        ({"scale": "standrad"}, X, "did you mean 'standard'"),
        ({"skew": {"x9": "log"}}, X, "skew='x9' is not a column"),
        ({"missing": "means"}, X, "missing='means' is not known"),
        ({"winsorize": (0.9, 0.1)}, X, "rising quantiles"),
        ({"columns": "x0"}, X, r"columns=\['x0'\]"),
        ({"categorical": ["x0"]}, X, "pass a table"),
        ({"missing": "drop"}, np.array([[1.0, np.nan], [np.nan, 2.0]]), "no row of X"),
        ({"max_levels": 0}, X, "max_levels=0"),
        ({"min_share": 1.5}, X, "min_share=1.5"),
        ({"fill_value": float("nan")}, X, "fill_value=nan"),
        ({}, np.zeros(5), "Expected 2D array"),
        ({}, np.zeros((0, 2)), "minimum of 1"),
        ({}, np.array([["a"]], dtype=object), "pass a table"),
        ({"duplicates": "drop"}, da.from_array(X), "use 'keep'"),
    ],
)
def test_refuses(options, x, words):
    with pytest.raises(InvalidInput, match=words):
        Preprocessor(**options).fit(x)


def test_dask_cannot_drop_rows():
    with pytest.raises(UnsupportedOnBackend, match="missing='drop'"):
        Preprocessor(missing="drop").fit(da.from_array(X))
    with pytest.raises(InvalidInput, match="expecting 4 features"):
        Preprocessor().fit(X).transform(X[:, :2])
