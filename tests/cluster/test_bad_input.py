"""What no algorithm can work with is said in one sentence: what was got, what is allowed, what to do."""

import dask.array as da
import numpy as np
import pandas as pd
import polars as pl
import pytest

from gpuseg.cluster import ALGORITHMS
from gpuseg.errors import FewerSegments, InvalidInput, OutOfMemory
from tests.shapes import made, rows_of

ROWS = 30
X = np.random.default_rng(0).normal(size=(ROWS, 3))


def taking(*parameters):
    """Return the names of the algorithms that have these parameters."""
    return [name for name in ALGORITHMS if set(parameters) <= ALGORITHMS[name]().get_params().keys()]


EVERY = [*ALGORITHMS]
OF_NUMBERS = [name for name in EVERY if name != "kprototypes"]
LAZY = [name for name in EVERY if ALGORITHMS[name].in_blocks]
EXACT = taking("method")
COUNTS = [(name, count) for count in ("min_samples", "min_cluster_size") for name in taking(count)]


@pytest.fixture(params=EVERY)
def algorithm(request):
    return ALGORITHMS[request.param]


def refused(model, x, *sentence, **given):
    """Hold that a fit raises one line with each of these pieces."""
    with pytest.raises(InvalidInput) as caught:
        model.fit(x, **given)
    message = str(caught.value)
    assert "\n" not in message
    for piece in sentence:
        assert piece in message, message


@pytest.mark.parametrize("name", taking("n_clusters"))
def test_more_segments_than_rows(name):
    refused(ALGORITHMS[name](31), X, "n_clusters=31 is more than the rows", "n_samples=30", "use at most 30")


@pytest.mark.parametrize("name", taking("n_clusters"))
def test_more_segments_than_distinct_rows_are_said_and_fewer_are_made(name):
    with pytest.warns(FewerSegments, match=r"n_clusters=5 is more than .*3 .*; 3 segments are made"):
        model = ALGORITHMS[name](5).fit(np.repeat(X[:3], 10, axis=0))
    assert set(model.labels_) == {0, 1, 2}


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "x", True])
@pytest.mark.parametrize("name", taking("n_clusters"))
def test_a_number_of_segments_that_is_none(name, wrong):
    refused(ALGORITHMS[name](wrong), X, f"n_clusters={wrong!r} is not allowed; give a whole number of at least 1")


@pytest.mark.parametrize("wrong", [0, -0.5, np.nan, np.inf, "x"])
@pytest.mark.parametrize("name", taking("eps"))
def test_a_distance_that_is_none(name, wrong):
    way = {"cluster_method": "dbscan"} if name == "optics" else {}
    refused(ALGORITHMS[name](eps=wrong, **way), X, f"eps={wrong!r} is not allowed; give a number above 0")


@pytest.mark.parametrize(("name", "count"), COUNTS)
def test_more_rows_asked_for_than_there_are(name, count):
    model, asked = ALGORITHMS[name](**{count: 31}), f"{count}=31 is asked of too few rows, n_samples="
    refused(model, X, f"{asked}30; pass at least 31 rows or a smaller {count}")
    refused(model, X, f"{asked}30 with weights of 15 in all", sample_weight=np.full(ROWS, 0.5))
    many = np.repeat(X, 40, axis=0)[:1000]
    digest = ALGORITHMS[name](**{count: 1001}, method="digest", n_micro=20)
    refused(digest, many, f"{count}=1001 is asked of too few rows, n_samples=1000; pass at least 1001 rows")


@pytest.mark.parametrize("name", taking("metric"))
def test_a_metric_that_is_not_there(name):
    refused(ALGORITHMS[name](metric="chebyshev"), X, "metric='chebyshev' is not known; allowed are 'euclidean', ")
    refused(ALGORITHMS[name](metric="euclidian"), X, "did you mean 'euclidean'?")


def test_a_metric_that_a_linkage_does_not_have():
    model = ALGORITHMS["agglomerative"](linkage="ward", metric="cosine")
    refused(model, X, "metric='cosine' has no means, which linkage='ward' needs", "another linkage, as 'average'")


def matrices():
    """Return what are no matrices of distances, by what is wrong."""
    fine = np.sqrt(np.sum((X[:, None] - X[None, :]) ** 2, axis=2))
    odd, away, gap = fine.copy(), fine.copy(), fine.copy()
    odd[3, 4] += 1
    away[5, 6] = away[6, 5] = -1.0
    gap[1, 2] = gap[2, 1] = np.nan
    return {"square": fine[:, :20], "symmetric": odd, "negative": away, "NaN": gap}


@pytest.mark.parametrize("wrong", matrices())
@pytest.mark.parametrize("name", taking("metric"))
def test_a_matrix_that_holds_no_distances(name, wrong):
    way = {"linkage": "average"} if name == "agglomerative" else {}
    words = {"square": "30, 20|square", "symmetric": "symmetric", "negative": "negative|below 0", "NaN": "NaN"}
    with pytest.raises(InvalidInput, match=rf"({words[wrong]}).*; \w+") as caught:
        ALGORITHMS[name](3, metric="precomputed", **way).fit(matrices()[wrong])
    assert "\n" not in str(caught.value)


TAKES_WORDS = ("use Preprocessor", "KPrototypes", "KMedoids(metric='gower')")
WORDS = {"amount": X[:, 0], "city": ["Bergen", "Cadiz"] * 15}


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.DataFrame(WORDS),
        lambda: pd.DataFrame(WORDS),
        lambda: pd.DataFrame(WORDS).astype({"city": "category"}),
        lambda: pd.DataFrame({**WORDS, "city": ["Bergen", 3] * 15}),
    ],
    ids=["polars", "pandas", "categories", "words and numbers"],
)
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_words_in_a_table_name_what_takes_them(name, make):
    refused(ALGORITHMS[name](), make(), "X holds no numbers in column 'city'; ", *TAKES_WORDS)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_words_in_an_array_name_what_takes_them(name):
    for x in (np.array(list(zip(*WORDS.values(), strict=True)), dtype=object), [["a", "b"], ["c", "d"]]):
        refused(ALGORITHMS[name](), x, "X holds no numbers in column ", "'1'; ", *TAKES_WORDS)


def test_words_in_an_array_for_kprototypes_have_to_be_named():
    rows = np.array(list(zip(*WORDS.values(), strict=True)), dtype=object)
    refused(ALGORITHMS["kprototypes"](2), rows, "X is an array that holds words in columns [1]; give categorical=[1]")


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        (np.zeros(ROWS), "sample_weight is zero for every row; give at least one row a weight above 0"),
        (0.0, "sample_weight is zero for every row"),
        (-np.ones(ROWS), "sample_weight holds a negative, missing or infinite number; give weights of 0 or more"),
        (np.full(ROWS, np.nan), "sample_weight holds a negative, missing or infinite number"),
        (np.ones(ROWS - 1), "sample_weight has shape (29,); give one a row, (30,)"),
        (np.ones((ROWS, 1)), "sample_weight has shape (30, 1); give one a row, (30,)"),
        (["a"] * ROWS, "sample_weight holds no numbers"),
        (np.array(["a", *range(ROWS - 1)], dtype=object), "sample_weight holds no numbers but words; give a weight"),
    ],
    ids=["zero", "a zero", "negative", "missing", "short", "wide", "words", "a word"],
)
def test_weights_that_are_none(algorithm, weight, sentence):
    refused(algorithm(), X, sentence, sample_weight=weight)


@pytest.mark.parametrize("name", LAZY)
def test_weights_of_zero_on_workers(name):
    x, weight = da.from_array(X, chunks=(10, 3)), da.zeros(ROWS, chunks=10)
    refused(ALGORITHMS[name](), x, "sample_weight is zero for every row", sample_weight=weight)


def test_one_number_is_the_weight_of_every_row():
    x = rows_of("clear", 100, 0)
    for name in EVERY:
        model = made(name, "clear", 200).fit(x, sample_weight=2)
        assert np.sum(model.segment_weight_) == 2 * np.sum(model.labels_ >= 0), name


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_rows_that_are_not_finite(algorithm, wrong):
    x = X.copy()
    x[4, 1] = wrong
    refused(algorithm(), x, "X holds NaN or infinity in column (rows): 1 (1); clean them or use Preprocessor")


@pytest.mark.parametrize("name", taking("random_state"))
def test_a_seed_that_is_none(name):
    refused(ALGORITHMS[name](random_state="x"), X, "random_state='x' is no seed; give a whole number from 0 up")


@pytest.mark.parametrize("backend", ["auto", "cpu"])
@pytest.mark.parametrize("name", EXACT)
def test_rows_too_many_for_the_exact_fit_that_was_asked_for(name, backend, monkeypatch):
    x = rows_of("clear", 3000, 0)
    monkeypatch.setattr("gpuseg.backends._choice.free_memory", lambda _: 100_000)
    with pytest.raises(
        OutOfMemory, match=rf"{name} of 3,000 rows .* needs? .*[kMG]B.* free.*; .*use fewer rows"
    ) as caught:
        made(name, "clear", 3000, method="exact", backend=backend).fit(x)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["bisectingkmeans", "birch", "kprototypes"])
def test_rows_too_many_for_what_needs_all_of_them(name, monkeypatch):
    monkeypatch.setattr("gpuseg.backends._choice.free_memory", lambda _: 100_000)
    with pytest.raises(OutOfMemory, match=rf"{name} of 3,000 rows .* needs? .*[kMG]B.* free.*; .*use fewer rows"):
        made(name, "clear", 3000).fit(rows_of("clear", 3000, 0))
