"""The law of workers: from transactions to a report, 1, 2 or 3 processes give what this one gives."""

import os
import pickle
import signal

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import gpuseg
from gpuseg import Preprocessor, Segmenter, customer_features, load
from gpuseg.cluster import ALGORITHMS
from gpuseg.datasets import make_shop
from gpuseg.errors import FewerSegments, InvalidInput
from gpuseg.io.parted import PartedTable
from tests.clusters import processes

PARTS = 8
VALUE = {"value_column": "monetary", "k_range": (2, 4)}


def cut(frame, folder):
    """Write a frame as PARTS Parquet files."""
    folder.mkdir()
    for number in range(PARTS):
        part = frame[number * len(frame) // PARTS : (number + 1) * len(frame) // PARTS]
        part.write_parquet(folder / f"{number}.parquet")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Make shards, blocks, sorted parts and pilots so small that there are several of each."""
    monkeypatch.setattr("gpuseg.engines.shards.ROWS", 20_000)
    monkeypatch.setattr("gpuseg.segmenter.ROWS", 1200)
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 1200)
    monkeypatch.setattr("gpuseg.neighbors.order.SORTED", 800)
    monkeypatch.setattr("gpuseg.selection.search.PILOT", 700)
    monkeypatch.setattr("gpuseg.selection.search.PILOT_OF_SEGMENT", 10)
    with gpuseg.config(notices="off"):
        yield


@pytest.fixture(scope="module")
def transactions(tmp_path_factory):
    shop = make_shop(2000, random_state=0)
    return cut(shop.transactions, tmp_path_factory.mktemp("shop") / "tx")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 4, 3000)
    return pl.DataFrame(
        {
            "id": [f"c{i:04}" for i in range(3000)],
            "spend": np.exp(rng.normal(group, 0.4)),
            "orders": rng.poisson(2 + 3 * group),
            "plan": np.array(["free", "basic", "gold", "trial"])[group],
            "since": np.datetime64("2020-01-01") + rng.integers(0, 900, 3000).astype("timedelta64[D]"),
        }
    ).with_columns(spend=pl.when(pl.col("spend") < 30).then("spend"))


@pytest.fixture(scope="module")
def customers(table, tmp_path_factory):
    return cut(table, tmp_path_factory.mktemp("table") / "customers")


@pytest.fixture(scope="module")
def two():
    with processes(2, current=False) as client:
        yield client


@pytest.fixture(scope="module", params=[1, 2, 3])
def client(request, two):
    if request.param == 2:
        yield two
        return
    with processes(request.param, current=False) as client:
        yield client


def assert_same(there, here, *, key):
    """Hold a segmenter fitted on workers against one fitted here."""
    assert there.choice_.k == here.choice_.k
    assert there.choice_.reason == here.choice_.reason
    assert there.dispatch_.engine == "dask"
    assert there.card_["training_data_sha256"] == here.card_["training_data_sha256"]
    assert there.card_["rows"] == here.card_["rows"]
    if hasattr(here.model_, "cluster_centers_"):
        np.testing.assert_allclose(there.model_.cluster_centers_, here.model_.cluster_centers_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(there.score_, here.score_, rtol=1e-9)
    assert_frame_equal(there.profile_, here.profile_, rel_tol=1e-9)
    assert_frame_equal(there.details_, here.details_, rel_tol=1e-6)  # p values hang on the last digits most
    assert there.names_ == here.names_
    segments = there.segments_.to_polars().sort(key)
    expected = here.segments_.sort(key)
    assert segments["segment"].equals(expected["segment"])
    assert_frame_equal(segments, expected, rel_tol=1e-9, abs_tol=1e-9)


def test_from_transactions_to_segments(transactions, client, tmp_path):
    expected, cleaning = customer_features(str(transactions))
    here = Segmenter("customer_id", **VALUE).fit(expected)
    made, report = customer_features(str(transactions), engine=client)
    assert isinstance(made, PartedTable)
    assert len(made.sizes) > 1
    assert report == cleaning
    assert_frame_equal(made.to_polars().sort("customer_id"), expected, rel_tol=1e-12)
    there = Segmenter("customer_id", **VALUE).fit(made)
    assert_same(there, here, key="customer_id")
    matrix = there.preprocessor_.transform(expected)
    np.testing.assert_allclose(matrix, here.preprocessor_.transform(expected), rtol=1e-12, atol=1e-12)
    assert isinstance(there.labels_, da.Array)
    np.testing.assert_array_equal(client.compute(there.labels_).result(), there.segments_.to_polars()["segment"])
    page = there.report(tmp_path / "r.html", cleaning=report).read_text()
    assert "2,000 customers" in page
    again = load(there.save(tmp_path / "m.gpuseg"))
    assert again.engine == "auto"
    assert_frame_equal(again.assign(expected), here.segments_, rel_tol=1e-9, abs_tol=1e-9)


def test_a_table_of_words_dates_and_gaps(table, customers, two):
    few = {"id_column": "id", "k_range": (3, 4)}
    here = Segmenter(**few).fit(table)
    assert_same(Segmenter(engine=two, **few).fit(str(customers)), here, key="id")
    assert Segmenter(engine=two, **few).choose_k(str(customers)).k == here.choice_.k


@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - {"kmeans"}))
def test_every_algorithm_gives_the_same_segments(two, tmp_path, algorithm):
    """Rows without ties: what preprocessing leaves in the last bits, here or there, would decide them."""
    rng = np.random.default_rng(1)
    made = 9 * np.eye(4, 3)[rng.integers(0, 4, 1500)] + rng.normal(size=(1500, 3))
    table = pl.DataFrame(made, schema=["a", "b", "c"]).with_row_index("id")
    own = {
        "minibatchkmeans": {"batch_size": 256},
        "kmedoids": {"method": "sample", "sample_size": 400},
        "clarans": {"method": "sample", "sample_size": 300, "numlocal": 1},
        "dbscan": {"eps": 0.5, "min_samples": 15},
        "hdbscan": {"min_cluster_size": 50},
        "optics": {"min_samples": 20, "cluster_method": "dbscan", "eps": 0.5},
    }.get(algorithm, {})
    told = "n_clusters" in ALGORITHMS[algorithm]().get_params()
    options = {"n_clusters": 4 if told else "auto", "algorithm": algorithm, "algorithm_params": own}
    there = Segmenter("id", engine=two, **options).fit(str(cut(table, tmp_path / "plain")))
    assert_same(there, Segmenter("id", **options).fit(table), key="id")


def test_small_files_that_are_joined_to_parts_give_the_same_segments(table, customers, two, monkeypatch):
    few = {"id_column": "id", "k_range": (3, 4)}
    monkeypatch.setattr("gpuseg.io.parts.SMALL", 1000)  # of 3,000 rows in 8 files
    there = Segmenter(engine=two, **few).fit(str(customers))
    assert len(there.segments_.sizes) == 4
    assert_same(there, Segmenter(**few).fit(table), key="id")


def test_customers_in_a_dask_frame_come_back_in_one(table, two):
    frame = dd.from_pandas(table.to_pandas(), npartitions=3)
    there = Segmenter("id", n_clusters=3, engine=two).fit(frame)
    here = Segmenter("id", n_clusters=3).fit(table)
    assert isinstance(there.segments_, dd.DataFrame)
    assert isinstance(there.profile_, pd.DataFrame)
    assert two.compute(there.segments_).result()["segment"].tolist() == here.segments_["segment"].to_list()
    assert two.compute(there.predict(frame)).result().tolist() == here.labels_.tolist()


def test_a_frame_in_memory_is_worked_on_there_and_comes_back(table, two):
    there = Segmenter("id", n_clusters=3, engine=two).fit(table.to_pandas())
    here = Segmenter("id", n_clusters=3).fit(table)
    assert there.dispatch_.engine == "dask"
    assert isinstance(there.profile_, pd.DataFrame)
    assert there.segments_["segment"].tolist() == here.segments_["segment"].to_list()
    with pytest.raises(InvalidInput, match="the preprocessor has an engine of its own; give engine to Segmenter"):
        Segmenter(preprocessor=Preprocessor(engine="dask")).fit(table)


def test_a_worker_killed_in_the_middle_changes_nothing(table, customers, two, monkeypatch):
    here = Segmenter("id", n_clusters=3).fit(table)
    killed = []

    def killing(parts):
        ordered = ordered_parts(parts)
        ordered.collect(np.shape)  # what is lost was there
        (_, pid), *_ = two.run(os.getpid).items()
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
        return ordered

    from gpuseg.neighbors.order import ordered_parts

    monkeypatch.setattr("gpuseg.segmenter.ordered_parts", killing)
    assert_same(Segmenter("id", n_clusters=3, engine=two).fit(str(customers)), here, key="id")
    assert killed[0] not in two.run(os.getpid).values()


def test_rows_without_an_id_column_are_numbered(table, two, tmp_path):
    table = table.with_columns(spend=pl.when(pl.int_range(pl.len()) > 400).then("spend"))  # a part without any
    customers = cut(table, tmp_path / "gaps")
    options = {"n_clusters": 2, "columns": ["spend"], "preprocessor": Preprocessor(missing="drop")}
    here = Segmenter(**options).fit(table)
    there = Segmenter(engine=two, **options).fit(str(customers))
    assert here.segments_.height < table.height
    assert there.segments_.to_polars()["row"].to_list() == here.segments_["row"].to_list()
    with pytest.raises(InvalidInput, match=r"of 3000 rows are dropped by missing='drop'; use assign"):
        there.predict(str(customers))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"id": pl.col("id").shift(-400, fill_value="c0007")}, {}, "repeats ids in 399 of 3,000 rows, such as"),
        ({"id": pl.when(pl.int_range(pl.len()) > 1).then("id")}, {}, "missing in 2 of 3,000 rows; give each row an id"),
        ({}, {"id_column": "ID"}, "id_column='ID' is not a column of the table, which has"),
        ({}, {"value_column": "plan"}, "column 'plan' holds String; give a column of numbers as value_column"),
    ],
)
def test_what_is_wrong_is_one_sentence(table, two, tmp_path, change, options, message):
    folder = cut(table.with_columns(**change), tmp_path / "wrong")
    with pytest.raises(InvalidInput, match=message):
        Segmenter(**{"id_column": "id", "n_clusters": 2, "engine": two, **options}).fit(str(folder))


def test_fewer_rows_than_segments_over_parts(two, tmp_path):
    few = cut(pl.DataFrame({"id": range(24), "x": [1.0, 2.0, 9.0] * 8}), tmp_path / "few")
    with pytest.warns(FewerSegments, match=r"k_range=\(5, 8\) starts above the 3 distinct rows"):
        assert Segmenter("id", k_range=(5, 8), engine=two).fit(str(few)).choice_.k == 3


def test_the_commands_give_what_they_give_here(transactions, two, tmp_path, capfd):
    from gpuseg.cli import main

    here, there, address = tmp_path / "here", tmp_path / "there", ["--scheduler", two.scheduler.address]
    options = ["--k-range", "2:3"]
    with gpuseg.config(progress=False):  # bars come where the machine is slow
        assert main(["run", str(transactions), "-o", str(here), *options]) == 0
        told = capfd.readouterr()
        assert main(["run", str(transactions), "-o", str(there), *options, "--workers", "2"]) == 0
        again = capfd.readouterr()
    assert again.out.replace(str(there), str(here)).replace("engine dask, 2 workers", "engine local") == told.out
    assert again.err == told.err
    for name in ("customers.parquet", "segments.parquet"):
        assert (there / name / "_manifest.json").is_file()
        found, expected = (gpuseg.read_table(folder / name).sort("customer_id") for folder in (there, here))
        assert_frame_equal(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    placed = [tmp_path / "placed.parquet", tmp_path / "placed_here.parquet"]
    model, table = str(there / "model.gpuseg"), str(there / "customers.parquet")
    assert main(["predict", model, table, "-o", str(placed[0]), *address]) == 0
    told = capfd.readouterr()
    assert main(["predict", model, table, "-o", str(placed[1])]) == 0
    assert told.out.replace(str(placed[0]), str(placed[1])) == capfd.readouterr().out
    assert placed[0].is_dir()
    assert_frame_equal(*map(gpuseg.read_table, placed), rel_tol=1e-9, abs_tol=1e-9)


def test_the_commands_refuse_what_cannot_be(transactions, capsys):
    from gpuseg.cli import main

    run = ["features", str(transactions), "-o"]
    assert main([*run, "out.csv", "--workers", "2"]) == 2
    assert "a table on workers is written as a folder of Parquet files" in capsys.readouterr().err
    assert main([*run, "out.parquet", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "--workers and --scheduler are two ways to have workers; give one" in capsys.readouterr().err
    assert main([*run, "out.parquet", "--scheduler", "127.0.0.1"]) == 2
    assert "is no address of a scheduler; give it whole, as tcp://host:8786" in capsys.readouterr().err


def test_a_table_on_workers_says_what_it_is_not_for(customers, two):
    table = Segmenter("id", n_clusters=2, engine=two).fit(str(customers)).segments_
    with pytest.raises(InvalidInput, match=r"a table on workers cannot be pickled; keep it by write\(path\), or"):
        pickle.dumps(table)
    with pytest.raises(InvalidInput, match=r"engine='local' got a table on workers; use engine='auto', or pass its"):
        Segmenter("id", n_clusters=2, engine="local").fit(table)


def test_a_segment_is_split_on_workers_as_it_is_here(table, customers, two, tmp_path):
    few = {"id_column": "id", "columns": ["spend", "orders"], "n_clusters": 2}
    here = Segmenter(**few).fit(table).split(0, columns=["spend", "plan"], n_clusters=2)
    there = Segmenter(engine=two, **few).fit(str(customers)).split(0, columns=["spend", "plan"], n_clusters=2)
    assert_same(there, here, key="id")
    assert there.hierarchy_.equals(here.hierarchy_)
    again = load(there.save(tmp_path / "m.gpuseg"))
    assert_frame_equal(again.assign(table), here.segments_, rel_tol=1e-9, abs_tol=1e-9)
    deeper = {"algorithm": "birch", "columns": ["spend"], "n_clusters": 2}
    assert_same(there.split(1, **deeper), here.split(1, **deeper), key="id")
