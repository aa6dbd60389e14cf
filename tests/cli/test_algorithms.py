"""The table of algorithms: one row each, and what it says is so."""

import json
from pathlib import Path

import dask.array as da
import numpy as np
import polars as pl
import pytest

from gpuseg.backends import EXACT_MEDOIDS
from gpuseg.cli._arguments import ALGORITHMS as NAMES
from gpuseg.cluster import ALGORITHMS
from gpuseg.cluster.support import support
from gpuseg.errors import UnsupportedOnBackend


def test_every_algorithm_has_a_row_and_a_word_on_the_command_line(gpuseg):
    code, out, _ = gpuseg("algorithms", "--json")
    rows = json.loads(out)["algorithms"]
    assert code == 0
    assert [row["name"] for row in rows] == list(ALGORITHMS) == list(NAMES)
    code, out, _ = gpuseg("algorithms")
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == list(ALGORITHMS)


@pytest.mark.parametrize("row", support(), ids=lambda row: row.name)
def test_what_the_table_says_is_so(row):
    x = np.random.default_rng(0).normal(size=(400, 3)) + np.repeat([[0.0], [9.0]], 200, axis=0)
    named = {"n_clusters": 2} if row.number == "told" else {}
    model = ALGORITHMS[row.name](**named)
    if row.blocks:
        assert len(np.asarray(model.fit(da.from_array(x, chunks=(100, 3))).labels_)) == len(x)
    else:
        with pytest.raises(UnsupportedOnBackend, match="Dask or file input"):
            model.fit(da.from_array(x, chunks=(100, 3)))
    if row.weights:
        assert model.fit(x, sample_weight=np.ones(len(x))).n_features_in_ == 3
    else:
        with pytest.raises(TypeError, match="sample_weight"):
            model.fit(x, sample_weight=np.ones(len(x)))
    for metric in row.metrics if "metric" in model.get_params() else ():
        given = np.abs(x[:, :1] - x[:, 0]) if metric == "precomputed" else np.abs(x) + 1
        linkage = {"linkage": "average"} if row.name == "agglomerative" else {}
        assert ALGORITHMS[row.name](**named, metric=metric, **linkage).fit(given).segment_weight_.sum() == len(x)


def test_what_an_algorithm_chose_is_told(gpuseg, customers):
    customers.write_csv("c.csv")
    given = ["segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--k", "3", "--model", "m.gpuseg"]
    digest = ["--algorithm", "agglomerative", "--set-param", "method=digest", "--set-param", "n_micro=20"]
    code, out, err = gpuseg(*given, *digest, "--report", "r.html")
    assert code == 0, err
    assert "a digest, for method='digest'" in out
    assert "its error is 0.00, 1 - ARI to an exact fit of a sample" in out
    size = json.loads(gpuseg("inspect", "m.gpuseg", "--json")[1])["metrics"]["digest_size"]
    assert 3 <= size <= 20
    assert f"found on {size} points that stand for all customers" in Path("r.html").read_text()
    assert "sample: the best of 3 samples of 50 rows" in _told(
        gpuseg, *given, "--algorithm", "kmedoids", "--set-param", "method=sample", "--set-param", "sample_size=50"
    )
    assert "gamma=2" in _told(gpuseg, *given, "--algorithm", "kprototypes", "--set-param", "gamma=2")
    assert "loop" not in _told(gpuseg, *given, "--algorithm", "kmeans")


def _told(gpuseg, *given):
    code, out, err = gpuseg(*given)
    assert code == 0, err
    return out


def test_silhouettes_and_noise_are_those_of_the_segments_told(gpuseg, customers):
    customers.write_csv("c.csv")
    given = ["segment", "c.csv", "-o", "s.csv", "--id", "customer_id", "--k-range", "2:4"]
    assert "silhouette of these" not in _told(gpuseg, *given)
    plain = pl.DataFrame(np.random.default_rng(0).normal(size=(120, 2)), schema=["a", "b"])
    plain.write_csv("plain.csv")
    crude = ["--algorithm", "agglomerative", "--set-param", "linkage=single", "--k-range", "2:4"]
    out = _told(gpuseg, "segment", "plain.csv", "-o", "s.csv", *crude)
    assert "(by agglomerative itself)" in out
    noisy = ["--algorithm", "dbscan", "--set-param", "eps=0.001"]
    words = "120 of 120 customers (100.0%) are in no segment (noise): other values than eps=0.001, min_samples=5"
    assert words in _told(gpuseg, *given, *noisy)
    assert "in no segment" not in _told(gpuseg, *given, "--algorithm", "dbscan")
    sparse = ["--algorithm", "optics", "--set-param", "max_eps=0.001"]
    assert "other values than cluster_method=xi, min_samples=5, by --set-param" in _told(gpuseg, *given, *sparse)


def test_customers_of_a_model_with_noise_are_told_how_much_it_had(gpuseg, customers):
    customers.write_csv("c.csv")
    given = ["c.csv", "--id", "customer_id", "-o", "s.csv", "--model", "m.gpuseg"]
    for algorithm, words in (("kmeans", "about 1% is usual)"), ("optics", "about 1% is usual beside noise, which was")):
        _told(gpuseg, "segment", *given, "--algorithm", algorithm, "--k-range", "2:4")
        assert words in _told(gpuseg, "predict", "m.gpuseg", "c.csv", "-o", "p.csv")


def test_the_table_says_where_samples_begin():
    exact = {row.name: row.exact_rows for row in support()}
    assert exact["kmedoids"] == exact["clarans"] == EXACT_MEDOIDS
    assert exact["kmeans"] is None
