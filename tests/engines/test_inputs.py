"""What is given in parts: files and Dask DataFrames make the same blocks everywhere, and what is wrong is said."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pytest

from gpuseg.cluster import KMeans, KMedoids
from gpuseg.engines import blocks_of, site_of
from gpuseg.errors import InvalidFile, InvalidInput, UnsupportedOnBackend

ROWS = 100
RNG = np.random.default_rng(8)
X = RNG.normal(size=(4, 3))[RNG.integers(4, size=600)] * 3 + RNG.normal(size=(600, 3))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", ROWS)


@pytest.fixture
def folder(tmp_path):
    frame = pl.DataFrame(X, schema=list("abc"))
    for i in range(3):
        frame[200 * i : 200 * (i + 1)].write_parquet(tmp_path / f"{i}.parquet", row_group_size=ROWS)
    frame.head(0).write_parquet(tmp_path / "3.parquet")
    return tmp_path


def fitted(x, **options):
    return KMeans(4, random_state=1, max_iter=5, solver="lloyd", backend="cpu", **options).fit(x)


def bits(model):
    arrays = (model.cluster_centers_, model.labels_, model.distance_quantiles_, model.segment_weight_)
    return b"".join(np.asarray(array).tobytes() for array in arrays)


def test_a_folder_a_glob_and_a_list_are_the_same_here_and_on_workers(cluster, folder):
    expected = bits(fitted(X))
    for source in (folder, str(folder / "*.parquet"), sorted(folder.iterdir())):
        assert bits(fitted(source)) == expected
    there = fitted(folder, engine=cluster)
    assert bits(there) == expected
    assert list(there.feature_names_in_) == ["a", "b", "c"]
    assert there.predict(folder).tobytes() == there.labels_.tobytes()


def frame_of(x, names="abc"):
    """Put rows in a Dask DataFrame of partitions of ROWS rows, one of them empty."""
    frame = pd.DataFrame(x, columns=list(names))
    parts = [frame[start : start + ROWS] for start in range(0, len(x), ROWS)]
    return dd.from_map(lambda part: part, [*parts[:2], frame[:0], *parts[2:]], meta=frame[:0])


def test_a_dask_dataframe_gives_the_same_bits_as_an_array(cluster):
    here, there = fitted(X), fitted(frame_of(X), engine=cluster)
    assert bits(there) == bits(here)
    assert list(there.feature_names_in_) == ["a", "b", "c"]
    lazy = there.assign(frame_of(X[:, ::-1], "cba").astype("float64"))  # found by name, in the order of the fit
    for one, two in zip(here.assign(X), lazy, strict=True):
        assert isinstance(two, da.Array)
        np.testing.assert_array_equal(one, two.compute())


def test_a_dask_dataframe_without_a_cluster_gives_the_same_bits():
    assert bits(fitted(frame_of(X))) == bits(fitted(X))


def test_a_dask_dataframe_of_text_and_one_without_a_column_are_said():
    frame = frame_of(X)
    with pytest.raises(InvalidInput, match="X holds no numbers in column 'b'; pass numbers, use Preprocessor first"):
        KMeans(2).fit(frame.assign(b="x"))
    with pytest.raises(InvalidInput, match="a partition of X has no column 'b'; it has 'a', 'c'"):
        fitted(X[:, :2], engine="local") and fitted(frame).predict(frame[["a", "c"]])
    with pytest.raises(InvalidInput, match="X has no rows"):
        KMeans(2).fit(dd.from_pandas(pd.DataFrame({"a": []}, dtype=float), npartitions=1))


def test_files_of_two_tables_are_said(folder, cluster):
    odd = folder / "4.parquet"
    for engine in ("local", cluster):
        pl.DataFrame({"a": [1.0], "b": [2.0], "d": [3.0]}).write_parquet(odd)
        with pytest.raises(
            InvalidFile, match=r"4.parquet and .*0.parquet differ in the columns 'c', 'd'; give files of"
        ):
            KMeans(2, engine=engine).fit(folder)
        pl.DataFrame({"a": [1.0], "b": ["x"], "c": [3.0]}).write_parquet(odd)
        with pytest.raises(InvalidInput, match=r"4.parquet holds columns that are not of numbers: 'b' \(\w+\); pass"):
            KMeans(2, engine=engine).fit(folder)
        odd.write_text("a,b,c\n1,2,3\n")
        with pytest.raises(InvalidFile, match=r"4.parquet cannot be read as Parquet \(.*\); give a Parquet file"):
            KMeans(2, engine=engine).fit(folder)


def test_whole_numbers_and_decimals_may_meet(folder):
    pl.DataFrame({"a": [1, 2], "b": [2.5, None], "c": [True, False]}).write_parquet(folder / "4.parquet")
    with pytest.raises(InvalidInput, match=r"NaN or infinity in column \(rows\): 'b' \(at least 1\)"):
        KMeans(2, backend="cpu").fit(folder)


def test_a_path_that_a_worker_cannot_see_is_said(cluster, tmp_path):
    with pytest.raises(
        InvalidFile, match=r"the worker at tcp://\S+ cannot see .*no.parquet; put it where every worker"
    ):
        blocks_of(tmp_path / "no.parquet", site=site_of(cluster))
    with pytest.raises(InvalidFile, match=r"no.parquet does not exist; check the path$"):
        blocks_of(tmp_path / "no.parquet")


def test_a_method_that_is_to_see_all_rows_says_what_to_do_instead(folder):
    for given, engine in ((folder, "auto"), (frame_of(X), "auto"), (X, "dask")):
        with pytest.raises(UnsupportedOnBackend, match="and needs all rows in memory; pass an array or a table"):
            KMedoids(2, method="exact", engine=engine).fit(given)
