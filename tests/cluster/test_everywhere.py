"""The law of workers, for every algorithm: arrays, Dask arrays and files, here and on workers, give the same."""

import tracemalloc

import dask.array as da
import numpy as np
import polars as pl
import pytest

from gpuseg.backends import KNOWN, Task, verdicts
from gpuseg.cluster import ALGORITHMS
from gpuseg.cluster._sized import SizedClusterer
from gpuseg.errors import UnsupportedOnBackend
from tests.clusters import processes

ROWS, CUT = 1200, 300
PARAMETERS = {
    "kmeans": {"n_clusters": 5, "solver": "lloyd"},
    "bisectingkmeans": {"n_clusters": 5},
    "minibatchkmeans": {"n_clusters": 5, "batch_size": 200},
    "kmedoids": {"n_clusters": 5, "method": "sample", "sample_size": 400},
    "clarans": {"n_clusters": 5, "method": "sample", "sample_size": 300, "numlocal": 1},
    "kprototypes": {"n_clusters": 5},
    "agglomerative": {"n_clusters": 5, "method": "digest", "n_micro": 250},
    "diana": {"n_clusters": 5, "method": "digest", "n_micro": 250},
    "birch": {"n_clusters": 5, "max_subclusters": 60},
    "dbscan": {"eps": 1.5, "min_samples": 20, "method": "digest", "n_micro": 250},
    "hdbscan": {"min_cluster_size": 40, "method": "digest", "n_micro": 250},
    "optics": {"min_samples": 20, "method": "digest", "n_micro": 250, "cluster_method": "dbscan", "eps": 1.5},
}
NAMES = sorted(PARAMETERS)
RNG = np.random.default_rng(3)
X = RNG.normal(scale=8, size=(5, 3))[RNG.integers(0, 5, ROWS)] + RNG.normal(size=(ROWS, 3))
NEW = RNG.uniform(-16, 16, size=(500, 3))


def fitted(name, x, **options):
    return ALGORITHMS[name](**PARAMETERS[name], random_state=0, backend="cpu", **options).fit(x)


def told(model, new):
    """Return what is told of the rows of the fit and of new ones, as bytes."""
    fields = model.labels_, model.segment_weight_, model.distance_quantiles_, model.predict(new), *model.assign(new)
    return [np.asarray(field).tobytes() for field in fields]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for start in range(0, ROWS, CUT):
        pl.DataFrame(X[start : start + CUT], schema=list("abc")).write_parquet(folder / f"{start:04}.parquet")
    pl.DataFrame(NEW, schema=list("abc")).write_parquet(folder / "new.parquet", row_group_size=137)
    return sorted(folder.glob("[0-9]*.parquet")), folder / "new.parquet"


@pytest.fixture(scope="module")
def here():
    """Give what each algorithm tells of an array in this process, in blocks of CUT rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gpuseg.engines.blocks.ROWS", CUT)
        return {name: told(fitted(name, X), NEW) for name in NAMES}


@pytest.fixture(scope="module")
def two():
    with processes(2):
        yield


def test_every_algorithm_is_held_here():
    assert set(ALGORITHMS) == set(PARAMETERS)


@pytest.mark.parametrize("name", NAMES)
def test_files_in_this_process_give_the_same(name, here, files):
    paths, new = files
    assert told(fitted(name, paths), new) == here[name]


@pytest.mark.parametrize("workers", [1, 3])
def test_one_or_three_workers_give_the_same(here, workers):
    """One algorithm of each way to walk over blocks."""
    with processes(workers):
        for name in ("agglomerative", "birch", "bisectingkmeans", "kmedoids", "minibatchkmeans"):
            assert told(fitted(name, da.from_array(X, chunks=(CUT, 3))), NEW) == here[name], name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("two")
def test_two_workers_give_the_same(name, here, files):
    paths, new = files
    assert told(fitted(name, da.from_array(X, chunks=(CUT, 3))), da.from_array(NEW, chunks=(137, 3))) == here[name]
    assert told(fitted(name, paths, engine="dask"), new) == here[name]


@pytest.mark.parametrize("name", ["bisectingkmeans", "birch"])
def test_files_that_memory_does_not_hold_give_the_same(name, here, files, monkeypatch):
    monkeypatch.setattr("gpuseg.engines.local.HELD", 0.0)
    paths, new = files
    assert told(fitted(name, paths), new) == here[name]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("agglomerative", {"metric": "manhattan", "linkage": "average"}),
        ("agglomerative", {"metric": "cosine", "linkage": "average"}),
        ("kmedoids", {"metric": "manhattan"}),
        ("birch", {"n_clusters": None, "threshold": 1e-6}),
    ],
)
def test_assigning_by_brute_force_or_to_many_segments_holds_no_distances_of_all_pairs(name, options):
    """Distances of 60,000 rows to those of the fit would take 480 MB."""
    rng = np.random.default_rng(0)
    x = 9 * np.eye(4, 3)[rng.integers(0, 4, 1000)] + rng.normal(size=(1000, 3))
    exact = {"method": "exact"} if "method" in PARAMETERS[name] else {}
    model = ALGORITHMS[name](**{**PARAMETERS[name], "random_state": 0, **exact, **options}).fit(x)
    new = np.tile(x, (60, 1)) + rng.normal(scale=0.5, size=(60_000, 3))
    model.assign(new[:100])
    tracemalloc.start()
    try:
        model.assign(new)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 240e6


ON_GPU = {"kmeans", "bisectingkmeans", "minibatchkmeans", "dbscan", "hdbscan"}


@pytest.mark.parametrize("name", sorted(ALGORITHMS.keys() - ON_GPU))  # of the others a real GPU has to be asked
def test_auto_passes_over_a_gpu_that_has_not_the_fit_and_says_so(name, monkeypatch):
    usable = KNOWN["cuda"]._replace(missing=lambda: None, free=lambda: 1 << 40)
    monkeypatch.setitem(KNOWN, "cuda", usable)
    monkeypatch.setattr("gpuseg.backends._choice.gpu_threshold", lambda: 0.0)
    (verdict,) = (seen for seen in verdicts(Task(name, 1000, 3), ALGORITHMS[name]._fit_name) if seen.name == "cuda")
    assert verdict.against == f"does not offer {name!r}"


FITTED = [name for name, algorithm in ALGORITHMS.items() if algorithm._fit_name is not None]
SIZED = [name for name, algorithm in ALGORITHMS.items() if issubclass(algorithm, SizedClusterer)]


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, {}) for name in FITTED), *((name, {"method": "digest", "n_micro": 50}) for name in SIZED)],
)
def test_a_backend_that_has_not_the_fit_is_refused_by_name(name, options):
    with pytest.raises(UnsupportedOnBackend, match=f"backend='strict' does not offer {name!r}; use 'cpu'"):
        ALGORITHMS[name](**{**PARAMETERS.get(name, {}), "backend": "strict", **options}).fit(X)
