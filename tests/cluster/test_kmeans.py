import dask.array as da
import numpy as np
import polars as pl
import pytest
from sklearn.cluster import KMeans as Reference
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.cluster import KMeans
from gpuseg.cluster._assignment import order_ids
from gpuseg.errors import FewerSegments, InvalidInput, UnsupportedOnBackend


@parametrize_with_checks([KMeans()])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


@pytest.mark.parametrize("solver", ["lloyd", "auto", "vendor"])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_sklearn_from_the_same_start(blobs, backend, spread, solver, weighted):
    x, _ = blobs
    weight = np.arange(600) % 4 + 1.0 if weighted else None
    ours = KMeans(4, init=x[:4], tol=0, backend=backend.name, solver=solver)
    if solver == "vendor" and ("kmeans" not in backend.fits or type(spread(x)) is not np.ndarray):
        with pytest.raises(UnsupportedOnBackend, match="solver='vendor' needs rows in memory and a k-means"):
            ours.fit(spread(x))
        return
    ours.fit(spread(x), sample_weight=weight)
    theirs = Reference(4, init=x[:4], n_init=1, tol=0).fit(x, sample_weight=weight)
    found = np.argmin(np.linalg.norm(ours.cluster_centers_[:, None] - theirs.cluster_centers_, axis=2), axis=1)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_[found], rtol=1e-9)
    np.testing.assert_array_equal(found[ours.labels_], theirs.labels_)
    assert ours.inertia_ == pytest.approx(theirs.inertia_)
    assert ours.backend_ == backend.name == ours.dispatch_.backend


@pytest.mark.parametrize("solver", ["lloyd", "vendor"])
def test_stops_where_sklearn_stops(solver):
    x = np.random.default_rng(3).normal(size=(3000, 4)) * [1, 5, 2, 1] + 1e4
    ours = KMeans(6, init=x[:6], tol=1e-3, solver=solver, backend="cpu").fit(x)
    theirs = Reference(6, init=x[:6], n_init=1, tol=1e-3).fit(x)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)


@pytest.mark.parametrize("solver", ["lloyd", "vendor"])
def test_centres_of_float32_far_from_zero_are_the_means_of_their_rows(blobs, solver):
    x = (blobs[0] + 1e6).astype(np.float32)
    model = KMeans(4, random_state=0, solver=solver, backend="cpu").fit(x)
    means = [x[model.labels_ == label].mean(axis=0, dtype=np.float64) for label in range(4)]
    np.testing.assert_allclose(model.cluster_centers_, means, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
def test_weights_too_large_for_sums_are_refused(blobs, spread):
    weight = np.full(600, 1e306)
    with pytest.raises(InvalidInput, match=r"sample_weight sums to .*; give smaller weights"):
        KMeans(2, random_state=0).fit(spread(blobs[0]), sample_weight=weight)


def test_an_empty_cluster_moves_to_the_farthest_row_as_in_sklearn(blobs, backend, spread):
    x, _ = blobs
    init = np.vstack([x[:3], np.full((2, 3), 1e6)])
    ours = KMeans(5, init=init, tol=0, backend=backend.name, solver="lloyd").fit(spread(x))
    theirs = Reference(5, init=init, n_init=1, tol=0).fit(x)
    assert ours.inertia_ == pytest.approx(theirs.inertia_)


def test_seeding_is_the_same_on_every_backend_and_as_good_as_sklearns(blobs, backend):
    x, _ = blobs
    options = {"n_clusters": 9, "solver": "lloyd"}  # in float64 everywhere: a start then has one end
    fitted = [KMeans(**options, random_state=s, backend=backend.name).fit(x) for s in range(5)]
    reference = [KMeans(**options, random_state=s, backend="cpu").fit(x) for s in range(5)]
    for ours, same in zip(fitted, reference, strict=True):
        np.testing.assert_allclose(ours.cluster_centers_, same.cluster_centers_, rtol=1e-6)
    theirs = [Reference(9, n_init=1, random_state=s).fit(x).inertia_ for s in range(5)]
    assert np.median([m.inertia_ for m in fitted]) < 1.1 * np.median(theirs)


def test_starts_side_by_side_are_those_of_one_after_the_other(blobs, backend, monkeypatch):
    model = KMeans(6, n_init=5, random_state=2, backend=backend.name)
    together = model.prepare(blobs[0]).seeds(6, 5, 2)
    monkeypatch.setattr("gpuseg.cluster._run.SIDE_BY_SIDE", 0)
    for one, two in zip(together, model.prepare(blobs[0]).seeds(6, 5, 2), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12)


def test_more_starts_never_end_worse(blobs, backend):
    x, _ = blobs
    one, ten = (KMeans(9, n_init=n, random_state=1, backend=backend.name).fit(x) for n in (1, 10))
    assert ten.inertia_ <= one.inertia_
    assert ten.inertia_ < max(KMeans(9, random_state=s, backend=backend.name).fit(x).inertia_ for s in range(10))


def test_two_fits_of_one_seed_are_the_same_bits(blobs, backend):
    x, _ = blobs
    one, two = (KMeans(5, random_state=3, n_init=2, backend=backend.name).fit(x) for _ in range(2))
    if backend.name == "cuda":  # the order in which its threads add is nobody's promise
        np.testing.assert_allclose(one.cluster_centers_, two.cluster_centers_, rtol=1e-6)
        return
    assert one.cluster_centers_.tobytes() == two.cluster_centers_.tobytes()


@pytest.mark.parametrize("solver", ["lloyd", "vendor"])
def test_a_row_twice_is_a_row_of_weight_two(blobs, backend, solver):
    if solver == "vendor" and "kmeans" not in backend.fits:
        pytest.skip(f"{backend.name!r} has no vendor")
    x, _ = blobs
    options = {"init": x[:4], "solver": solver, "backend": backend.name}
    twice = KMeans(4, **options).fit(np.repeat(x, 2, axis=0))
    heavy = KMeans(4, **options).fit(x, sample_weight=np.full(600, 2.0))
    np.testing.assert_array_equal(twice.labels_[::2], heavy.labels_)
    np.testing.assert_allclose(twice.cluster_centers_, heavy.cluster_centers_, rtol=1e-9)
    assert twice.inertia_ == pytest.approx(heavy.inertia_)


def test_the_order_of_rows_does_not_matter_from_a_given_start(blobs, backend):
    x, _ = blobs
    order = np.random.default_rng(0).permutation(600)
    one = KMeans(4, init=x[:4], backend=backend.name).fit(x)
    two = KMeans(4, init=x[:4], backend=backend.name).fit(x[order])
    np.testing.assert_array_equal(one.labels_[order], two.labels_)


def test_a_row_of_weight_zero_is_never_a_seed_nor_a_segment(blobs, spread):
    x, truth = blobs
    weight = (truth != 2).astype(float)
    model = KMeans(3, random_state=0, n_init=3).fit(spread(x), sample_weight=weight)
    assert len(set(np.asarray(model.labels_)[truth != 2])) == 3
    np.testing.assert_array_equal(model.segment_weight_, -np.sort(-np.bincount(truth)[[0, 1, 3]]))


def test_assign(blobs, backend, spread):
    x, _ = blobs
    model = KMeans(4, random_state=0, n_init=3, backend=backend.name).fit(spread(x))
    got = model.assign(x)
    np.testing.assert_array_equal(got.segment, model.labels_)
    assert got.segment.dtype == np.int32
    np.testing.assert_array_equal(model.predict(x), got.segment)
    assert np.all(np.diff(np.bincount(got.segment)) <= 0)
    away = np.sort(np.linalg.norm(x[:, None] - model.cluster_centers_, axis=2), axis=1)
    np.testing.assert_allclose(got.distance, away[:, 0], rtol=1e-9)
    np.testing.assert_allclose(got.confidence, 1 - away[:, 0] / away[:, 1], rtol=1e-9)
    for segment in range(4):
        mine = got.segment == segment
        rank = got.distance[mine].argsort().argsort() / mine.sum()
        np.testing.assert_allclose(got.novelty[mine], rank, atol=0.03)
    np.testing.assert_allclose(model.assign(x[:1] + 1000).novelty, [1.0])


def test_a_dask_array_gets_lazy_dask_results(blobs):
    x, _ = blobs
    model = KMeans(4, random_state=0, n_init=3).fit(x)
    there, here = model.assign(da.from_array(x, chunks=(250, 2))), model.assign(x)
    for name in here._fields:
        lazy = getattr(there, name)
        assert isinstance(lazy, da.Array)
        assert lazy.chunks == ((250, 250, 100),)
        assert lazy.dtype == getattr(here, name).dtype
        np.testing.assert_allclose(lazy.compute(), getattr(here, name), rtol=1e-12)


def test_the_result_is_in_the_callers_array_library(blobs, backend):
    x, _ = blobs
    model = KMeans(4, random_state=0).fit(backend.to_device(x))
    assert model.backend_ in (backend.name, "cpu", "cuda")
    assert type(model.predict(backend.to_device(x))) is type(backend.to_device(x))
    assert type(model.labels_) is type(backend.to_device(x))
    assert type(model.cluster_centers_) is np.ndarray


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "lazy"])
def test_tables(blobs, library):
    x, _ = blobs
    frame = pl.DataFrame(x, schema=["a", "b", "c"])
    table = {
        "pandas": lambda: frame.to_pandas(),
        "polars": lambda: frame,
        "pyarrow": lambda: frame.to_arrow(),
        "lazy": lambda: frame.lazy(),
    }[library]()
    model = KMeans(4, init=x[:4]).fit(table)
    np.testing.assert_array_equal(model.labels_, KMeans(4, init=x[:4]).fit(x).labels_)
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature"):
        model.predict(frame.select("c", "b", "a").to_pandas())


def test_files_are_read_by_row_groups_in_the_fitted_order(blobs, tmp_path):
    x, _ = blobs
    frame = pl.DataFrame(x, schema=["a", "b", "c"])
    path = tmp_path / "x.parquet"
    frame.write_parquet(path, row_group_size=100)
    frame.select("c", "a", "b").write_parquet(tmp_path / "other.parquet")
    model = KMeans(4, init=x[:4], solver="lloyd").fit(path)
    np.testing.assert_array_equal(model.labels_, KMeans(4, init=x[:4]).fit(x).labels_)
    np.testing.assert_array_equal(model.predict([path, tmp_path / "other.parquet"]), np.tile(model.labels_, 2))


def test_files_larger_than_memory_are_read_at_every_walk(blobs, tmp_path, monkeypatch):
    x, _ = blobs
    path = tmp_path / "x.parquet"
    pl.DataFrame(x, schema=["a", "b", "c"]).write_parquet(path, row_group_size=100)
    kept = KMeans(4, random_state=0).fit(path)
    monkeypatch.setattr("gpuseg.engines.local.HELD", 0.0)
    np.testing.assert_array_equal(KMeans(4, random_state=0).fit(path).cluster_centers_, kept.cluster_centers_)


def test_a_model_rebuilt_from_its_state_assigns_alike(blobs, backend):
    x, _ = blobs
    model = KMeans(4, random_state=np.random.default_rng(0), backend=backend.name).fit(x)
    again = KMeans.from_state(model.state()).set_params(backend=backend.name)
    for one, two in zip(model.assign(x + 1), again.assign(x + 1), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
def test_float32_far_from_zero_labels_as_float64(backend, offset):
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(5, 3)) * 8)[rng.integers(5, size=900)] + rng.normal(size=(900, 3))
    single = (x + offset).astype(np.float32)
    options = {"init": single[:5].astype(np.float64), "backend": backend.name, "solver": "lloyd"}
    one, two = KMeans(5, **options).fit(single), KMeans(5, **options).fit(single.astype(np.float64))
    assert np.mean(np.asarray(one.labels_) != np.asarray(two.labels_)) < 0.002


def test_one_segment_is_certain(blobs, backend):
    x, _ = blobs
    np.testing.assert_array_equal(KMeans(1, backend=backend.name).fit(x).assign(x).confidence, 1.0)


def test_ties_of_weight_go_by_coordinates():
    x = np.array([[5.0, 1.0], [5.0, 0.0], [1.0, 9.0], [7.0, 7.0], [7.0, 7.0]])
    model = KMeans(4, random_state=0).fit(x)
    np.testing.assert_array_equal(model.cluster_centers_, [[7, 7], [1, 9], [5, 0], [5, 1]])
    np.testing.assert_array_equal(model.labels_, [3, 2, 1, 0, 0])


def test_what_differs_in_the_last_bit_is_a_tie():
    third = 0.1 + 0.2
    for first, second in ((third, 0.3), (0.3, third)):
        centers = np.array([[first, 2.0], [second, 1.0]])
        np.testing.assert_array_equal(order_ids(centers, np.array([2.0, 2.0])), [1, 0])


def test_fewer_distinct_rows_than_clusters_is_said_and_ids_stay_dense(spread):
    with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 distinct rows"):
        model = KMeans(5, random_state=0).fit(spread(np.repeat(np.eye(3), 200, axis=0)))
    assert set(np.asarray(model.labels_)) == {0, 1, 2}


@pytest.mark.parametrize("solver", ["lloyd", "vendor", "auto"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_given_centres_are_said_and_ids_stay_dense(solver, dtype):
    x = np.repeat(np.eye(3), 20, axis=0).astype(dtype)
    with pytest.warns(FewerSegments, match="n_clusters=4 is more than the 3 distinct rows"):
        model = KMeans(4, init=np.vstack([np.eye(3), np.eye(3)[:1]]), solver=solver).fit(x)
    assert set(model.labels_) == {0, 1, 2}
    assert len(model.cluster_centers_) == 3


def test_nan_in_a_block_is_refused_with_its_column(blobs, spread):
    x, _ = blobs
    model = KMeans(3).fit(spread(x))
    x[400, 1] = np.nan
    for refused in (model.fit, lambda x: np.asarray(model.predict(x))):
        with pytest.raises(InvalidInput, match=r"holds NaN or infinity in column \(rows\): 1 \((at least )?1\)"):
            refused(spread(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "cdua"}, "backend='cdua' is not known"),
        ({"engine": "ray"}, "engine='ray' is not known; allowed are 'auto', 'local', 'dask'"),
        ({"solver": "loyd"}, "solver='loyd' is not known; .*did you mean 'lloyd'"),
        ({"n_clusters": 0}, "n_clusters=0 is not allowed; give a whole number of at least 1"),
        ({"n_clusters": "three"}, "n_clusters='three' is not allowed"),
        ({"n_clusters": 700}, "n_clusters=700 is more than the rows, n_samples=600; use at most 600"),
        ({"n_init": 0}, "n_init=0 is not allowed"),
        ({"tol": -1.0}, "tol=-1.0 is not allowed; give a number of at least 0"),
        ({"init": "random"}, "init='random' is not known; give 'k-means\\+\\+'"),
        ({"init": np.zeros((2, 3))}, r"init has shape \(2, 3\); give .* shape \(8, 3\)"),
    ],
)
def test_a_wrong_parameter_is_said(blobs, options, message):
    with pytest.raises((InvalidInput, ImportError), match=message):
        KMeans(**{"n_clusters": 8, **options}).fit(blobs[0])


def test_a_dask_array_is_never_pulled_in_unsaid(blobs):
    with pytest.raises(InvalidInput, match=r"pass X.compute\(\)"):
        KMeans(engine="local").fit(da.from_array(blobs[0]))


@pytest.mark.parametrize("solver", ["lloyd", "vendor"])
def test_few_distinct_rows_far_from_zero_in_float32(solver):
    x = (np.repeat(np.eye(3), 200, axis=0) + 1.2e6).astype(np.float32)
    with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 distinct rows"):
        model = KMeans(5, random_state=0, solver=solver, backend="cpu").fit(x)
    assert model.inertia_ == 0.0


def test_a_restored_model_knows_the_names_of_columns(blobs):
    frame = pl.DataFrame(blobs[0], schema=["a", "b", "c"])
    model = KMeans.from_state(KMeans(4, random_state=0).fit(frame).state())
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.select("c", "b", "a"))


def test_training_rows_of_a_pair_are_not_novel():
    x = np.repeat(np.arange(20.0) * 100, 2)[:, None] + np.tile([0.0, 1.0], 20)[:, None]
    model = KMeans(20, init=np.arange(20.0)[:, None] * 100).fit(x)
    assert model.assign(x).novelty.max() == 0.0
    np.testing.assert_array_equal(model.assign(x + 2.0).novelty > 0.99, np.tile([True, True], 20))


@pytest.mark.parametrize("seed", [-1, "x", 1.5])
def test_a_wrong_seed_is_said(blobs, seed):
    with pytest.raises(InvalidInput, match="is no seed; give a whole number from 0 up"):
        KMeans(2, random_state=seed).fit(blobs[0])


def test_a_missing_file_and_a_dask_table_are_said(blobs):
    with pytest.raises(OSError, match=r"none\.parquet does not exist"):
        KMeans(2).fit("none.parquet")


def test_text_is_refused_with_its_column():
    with pytest.raises(
        InvalidInput, match="X holds no numbers in column 'c'; pass numbers, use Preprocessor first, or KPrototypes"
    ):
        KMeans(2).fit(pl.DataFrame({"a": [1.0, 2, 3], "c": ["x", "y", "z"]}))
