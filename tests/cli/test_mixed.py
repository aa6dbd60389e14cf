"""Numbers and categories on the command line: metrics, columns of codes, models, new categories, and mistakes."""

import json

import numpy as np
import polars as pl
import pytest

WAYS = {"kprototypes": ["--algorithm", "kprototypes"], "gower": ["--algorithm", "kmedoids", "--metric", "gower"]}


@pytest.fixture
def table(gpuseg, customers):
    """Write mixed.csv: numbers, words, and codes that are numbers."""
    shop = np.random.default_rng(5).integers(1, 4, len(customers))
    mixed = customers.with_columns(shop=pl.Series(shop))
    mixed.write_csv("mixed.csv")
    return mixed


@pytest.fixture
def segment(gpuseg):
    """Segment mixed.csv; give the result as JSON and what is said beside it."""

    def run(*more):
        code, out, err = gpuseg("segment", "mixed.csv", "-o", "s.csv", "--id", "customer_id", "--json", *more)
        assert code == 0, err
        return json.loads(out), err

    return run


@pytest.mark.parametrize("way", WAYS)
def test_from_a_table_to_new_customers_with_a_new_category(way, gpuseg, table, segment):
    result, err = segment(
        *WAYS[way], "--columns", "spend,visits,plan", "--k-range", "2:5", "--model", "m.gpuseg", "--report", "r.html"
    )
    assert result["segments"] == 3
    assert "itself, in its own distance" in result["choice"]["reason"]
    assert {row["plan_top"] for row in result["profile"]} == {"basic", "gold", "trial"}
    assert "amounts" not in err
    table.with_columns(plan=pl.lit("platinum")).write_csv("new.csv")
    code, out, err = gpuseg("predict", "m.gpuseg", "new.csv", "-o", "p.csv")
    assert code == 0
    assert "column 'plan' holds 120 values outside its levels 'basic', 'gold', 'trial', such as 'platinum'" in err
    near, far = pl.read_csv("s.csv"), pl.read_csv("p.csv")
    assert near["segment"].equals(far["segment"])
    assert (far["distance"] >= near["distance"]).all()
    code, out, _ = gpuseg("inspect", "m.gpuseg")
    assert "categorical=['plan']" in out


def test_columns_of_codes_are_named(table, segment):
    result, err = segment("--algorithm", "kprototypes", "--categorical", "shop", "--columns", "spend,shop", "--k", "2")
    assert "shop_top" in result["profile"][0]
    plain, err = segment("--algorithm", "kprototypes", "--columns", "spend,shop", "--k", "2")
    assert "shop_mean" in plain["profile"][0]
    assert "no column holds categories, so kprototypes takes all for amounts; name codes as in --categorical a,b" in err
    one_hot, _ = segment("--categorical", "shop", "--k", "2")
    assert "shop_top" in one_hot["profile"][0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--algorithm", "kmedoids", "--metric", "gowr"], "--metric 'gowr' is not known; allowed are 'euclidean'"),
        (["--metric", "gower"], "--metric is not for kmeans; use --algorithm with one of kmedoids, clarans"),
        (["--algorithm", "hdbscan", "--metric", "gower"], "--metric is not for hdbscan"),
        (
            ["--algorithm", "kmedoids", "--metric", "gower", "--set-param", "metric=cosine"],
            "--metric and --set-param metric say the same; give one of them",
        ),
        (
            ["--categorical", "plan", "--set-param", "preprocessor__categorical=['plan']"],
            "--categorical and --set-param preprocessor__categorical say the same; give one of them",
        ),
        (["--categorical", "plam"], "--categorical 'plam' is not a column of the table"),
        (
            ["--algorithm", "kprototypes", "--set-param", "categorical=['plan']"],
            "--set-param cannot set categorical, which has an option of its own; give --categorical",
        ),
        (["--set-param", "preprocessor__categories=codes"], "kmeans would take for amounts"),
        (
            ["--set-param", "n_int=3"],
            "--set-param n_int is no parameter of kmeans, which has 'init', 'max_iter', 'n_init'",
        ),
        (["--set-param", "preprocessor__scal=robust"], "preprocessor__scal is no parameter of the preprocessor, which"),
        (["--eps", "0.5"], "--eps is no option of 'gpuseg segment'; give --set-param eps=VALUE, a parameter of dbscan"),
        (["--n-clusters=4"], "--n-clusters is no option of 'gpuseg segment'; give --k;"),
        (["--missing", "drop"], "give --set-param preprocessor__missing=VALUE"),
    ],
)
def test_mistakes(refused, table, more, words):
    assert words in refused("segment", "mixed.csv", "-o", "s.csv", *more)


@pytest.mark.usefixtures("table")
def test_only_algorithms_with_the_metric_are_named(refused):
    assert "agglomerative" not in refused("segment", "mixed.csv", "-o", "s.csv", "--metric", "gower")
    assert "clarans, agglomerative, diana" in refused("segment", "mixed.csv", "-o", "s.csv", "--metric", "cosine")


def test_codes_that_are_text_are_named_as_the_error_says(refused, gpuseg, customers):
    customers.with_columns(code=pl.Series([f"{i % 3},5" if i % 7 else "x y" for i in range(120)])).write_csv("c.csv")
    message = refused("segment", "c.csv", "-o", "s.csv")
    assert "or name it in --categorical code" in message
    assert gpuseg("segment", "c.csv", "-o", "s.csv", "--categorical", "code", "--quiet")[0] == 0
