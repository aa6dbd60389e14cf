"""Categories in a method that takes numbers: every one says who takes them."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import polars as pl
import pytest

from gpuseg.cluster import ALGORITHMS
from gpuseg.errors import InvalidInput

NUMERIC = sorted(ALGORITHMS.keys() - {"kprototypes"})
WORDS = pl.DataFrame({"a": [*"xyzxyz"] * 5, "b": np.arange(30.0)})
LIKE_IT = r"pass numbers, use Preprocessor first, or KPrototypes or KMedoids\(metric='gower'\), which take categories"


def given(kind, tmp_path):
    """Return rows of words and numbers, and how they are called."""
    if kind == "files":
        WORDS.write_parquet(tmp_path / "x.parquet")
        return tmp_path / "x.parquet", "x.parquet holds columns that are not of numbers: 'a'"
    if kind == "dask frame":
        return dd.from_pandas(WORDS.to_pandas(), npartitions=2), "X holds no numbers in column 'a'"
    array = WORDS.to_pandas().to_numpy(dtype=object)
    return {
        "polars": (WORDS, "X holds no numbers in column 'a'"),
        "pandas": (WORDS.to_pandas(), "X holds no numbers in column 'a'"),
        "arrow": (WORDS.to_arrow(), "X holds no numbers in column 'a'"),
        "array": (array, "X holds no numbers in column '0'"),
        "list": (array.tolist(), "X holds no numbers in column '0'"),
        "dask array": (
            da.from_array(array, chunks=(10, 2)),
            "X is a Dask array of kind 'O', which may hold words",
        ),
    }[kind]


KINDS = ("polars", "pandas", "arrow", "array", "list", "files", "dask frame", "dask array")


@pytest.mark.parametrize("name", NUMERIC)
def test_words_are_refused_with_who_takes_them(name, tmp_path):
    algorithm = ALGORITHMS[name]
    told = {"n_clusters": 2} if "n_clusters" in algorithm().get_params() else {}
    fitted = algorithm(**told).fit(np.column_stack([np.arange(30.0) % 2 * 9, np.arange(30.0)]))
    for kind in KINDS:
        rows, what = given(kind, tmp_path)
        calls = [fitted.predict, fitted.assign]
        if algorithm.in_blocks or kind not in ("files", "dask frame", "dask array"):
            calls.append(algorithm(**told).fit)
        for call in calls:
            with pytest.raises(InvalidInput, match=f"{what}.*; {LIKE_IT}"):
                call(rows)
