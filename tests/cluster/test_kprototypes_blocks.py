"""The law of blocks for rows of numbers and categories: however they come, the prototypes have the same bits."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from gpuseg.backends import exact_grid, get_backend
from gpuseg.cluster import KMedoids, KPrototypes, _prototypes
from gpuseg.cluster._distinct import extent_of, in_order, lowest, sketch_of, widest
from gpuseg.engines import Block
from gpuseg.errors import InvalidFile, InvalidInput

MODEL = ("cluster_centers_", "modes_", "gamma_", "cost_", "segment_weight_", "n_iter_")


@pytest.fixture(scope="module")
def customers():
    """Four kinds of customers by numbers and words together; numbers as rough as money is, so that some rows repeat."""
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 4, 900)
    spent = np.round(np.array([1.0, 1.5, 6.0, 6.5])[kind] + rng.normal(size=900), 1)
    visits = np.round(rng.normal(size=900), 1)
    pays = np.where(rng.random(900) < 0.15, "bill", np.array(["card", "cash", "card", "cash"])[kind])
    way = rng.choice(["web", "shop", "phone"], size=900)
    return pl.DataFrame({"pays": pays, "spent": spent, "plus": kind % 2 == 1, "way": way, "visits": visits})


def codes(table):
    """Return a table as numbers alone, and the positions of its categories."""
    return np.column_stack([table[name].rank("dense").to_numpy() for name in table.columns]), [0, 2, 3]


@pytest.fixture(params=[65_536, 120], ids=["all rows", "a sketch"])
def sketch(request, monkeypatch):
    """Let all distinct rows be moved one by one, or starts be drawn on some of them."""
    monkeypatch.setattr("gpuseg.cluster.kprototypes.SKETCHED", request.param)
    return request.param


def alike(one, other):
    for name in MODEL:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_array_equal(np.asarray(one.labels_), np.asarray(other.labels_))
    # Between two rows they are interpolated by sums of weights, which are of floats.
    np.testing.assert_allclose(one.distance_quantiles_, other.distance_quantiles_, rtol=1e-11)


@pytest.mark.parametrize("cut", [90, 899])
def test_files_and_dask_give_the_bits_of_memory(customers, sketch, tmp_path, cut):
    here = KPrototypes(4, random_state=0).fit(customers)
    assert (
        adjusted_rand_score(here.labels_, customers["plus"].to_numpy() + 2 * (customers["spent"] > 3.7).to_numpy())
        > 0.5
    )
    customers.write_parquet(tmp_path / "x.parquet", row_group_size=cut)
    for given in (tmp_path / "x.parquet", dd.from_pandas(customers.to_pandas(), chunksize=cut)):
        there = KPrototypes(4, random_state=0).fit(given)
        alike(here, there)
        np.testing.assert_array_equal(np.asarray(there.predict(given)), here.labels_)
        for mine, theirs in zip(here.assign(customers), there.assign(given), strict=True):
            np.testing.assert_array_equal(mine, np.asarray(theirs))


@pytest.mark.parametrize("cut", [90])
def test_a_dask_array_of_codes_gives_the_bits_of_memory(customers, sketch, cut):
    x, categorical = codes(customers)
    weight = np.random.default_rng(1).random(len(x))  # sums of these hang on their order, were they not exact
    given = {"categorical": categorical, "random_state": 3}
    here = KPrototypes(4, **given).fit(x, sample_weight=weight)
    lazy, weights = da.from_array(x, chunks=(cut, 2)), da.from_array(weight, chunks=cut)
    alike(here, KPrototypes(4, **given).fit(lazy, sample_weight=weights))
    np.testing.assert_array_equal(np.asarray(here.predict(lazy)), here.labels_)


def test_neither_blocks_nor_the_order_of_rows_change_a_bit(customers, sketch, monkeypatch):
    rng = np.random.default_rng(2)
    order, weight = rng.permutation(len(customers)), rng.random(len(customers))
    one = KPrototypes(4, random_state=1).fit(customers, sample_weight=weight)
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 31)
    monkeypatch.setattr("gpuseg.engines.local.TOGETHER", 3)
    other = KPrototypes(4, random_state=1).fit(customers[order], sample_weight=weight[order])
    for name in MODEL:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_array_equal(one.labels_[order], other.labels_)
    start = customers[[0, 5, 9, 14]]
    ends = [
        KPrototypes(4, init=start, random_state=0).fit(rows).cluster_centers_ for rows in (customers, customers[order])
    ]
    np.testing.assert_array_equal(*ends)


def test_weight_two_is_the_row_twice(customers, sketch):
    weight = np.random.default_rng(4).integers(1, 4, len(customers))
    one = KPrototypes(4, random_state=0).fit(customers, sample_weight=weight)
    twice = KPrototypes(4, random_state=0).fit(customers[np.repeat(np.arange(len(customers)), weight)])
    np.testing.assert_array_equal(np.repeat(one.labels_, weight), twice.labels_)
    np.testing.assert_array_equal(one.segment_weight_, twice.segment_weight_)
    np.testing.assert_allclose(one.cluster_centers_, twice.cluster_centers_, rtol=1e-12)


def test_a_sketch_of_distinct_rows_ends_near_what_all_of_them_give(customers, monkeypatch):
    whole = KPrototypes(4, random_state=0).fit(customers)
    monkeypatch.setattr("gpuseg.cluster.kprototypes.SKETCHED", 120)
    part = KPrototypes(4, random_state=0).fit(customers)
    assert whole.cost_ <= part.cost_ <= 1.02 * whole.cost_
    assert "starts on 120 distinct rows" in part.dispatch_.reason
    assert "starts on" not in whole.dispatch_.reason


def test_a_sketch_is_of_rows_alone():
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(300, 2)), 1)
    weight, order = rng.random(300), rng.permutation(300)
    grid = exact_grid(np.array([1.0]), 300)[:, 0]

    def sketch(rows, weights, cut, most=60):
        blocks = [Block(0, rows[at : at + cut], weights[at : at + cut]) for at in range(0, 300, cut)]
        return lowest([sketch_of(block, most, 9, grid) for block in blocks], most=most)

    one, other = sketch(x, weight, 300), sketch(x[order], weight[order], 17)
    assert not one.whole
    for mine, theirs in zip(in_order(one), in_order(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    rows, found = in_order(sketch(x, weight, 40, most=300))
    expected, place = np.unique(x, axis=0, return_inverse=True)
    np.testing.assert_array_equal(rows, expected + 0.0)
    np.testing.assert_allclose(found, np.bincount(place.ravel(), weight))


def test_a_backends_passes_are_those_of_the_array_code(backend):
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=(500, 3)), rng.integers(0, 3, (500, 2))])
    weight = rng.random(500)
    prototypes = _prototypes.Prototypes(rng.normal(size=(5, 3)), rng.integers(0, 3, (5, 2)), 0.7)
    block = Block(0, *map(backend.to_device, (x, weight)))
    extent = widest([extent_of(block)])
    sums = _prototypes.Sums.of(np.append(extent.wide[:3], extent.heaviest), [3, 3], 500)
    known = prototypes, sums.with_cost(prototypes), sums.edges
    apart = ((x[:, None, :3] - prototypes.means) ** 2).sum(axis=2)
    apart += 0.7 * (x[:, None, 3:] != prototypes.modes).sum(axis=2)
    label = apart.argmin(axis=1)
    for kernels in (backend, get_backend("cpu")):
        at = block if kernels is backend else Block(0, x, weight)
        search, step = (kernels.kernel_or(body) for body in (_prototypes.mixed_two_nearest, _prototypes.mixed_step))
        found, first, second = map(kernels.to_host, search(at, prototypes))
        np.testing.assert_array_equal(found, label)
        two = np.sqrt(np.sort(apart, axis=1)[:, :2])
        np.testing.assert_allclose(np.column_stack([first, second]), two, rtol=1e-12)
        masses = _prototypes.masses_in(step(at, *known)[0], 3)
        np.testing.assert_allclose(masses.weight, np.bincount(label, weight, 5), rtol=1e-13)
        np.testing.assert_allclose(masses.cost, np.bincount(label, weight * apart.min(axis=1), 5), rtol=1e-13)
        for j, k in np.ndindex(2, 3):
            counts = np.bincount(label, weight * (x[:, 3 + j] == k), 5)
            np.testing.assert_allclose(masses.counts[:, 3 * j + k], counts, rtol=1e-13, atol=1e-15)
    bodies = _prototypes.mixed_step(Block(0, x, weight), *known)[0]
    np.testing.assert_array_equal(get_backend("cpu").kernels["mixed_step"](Block(0, x, weight), *known)[0], bodies)


def test_a_prototype_without_rows_goes_to_the_farthest(customers, monkeypatch):
    monkeypatch.setattr("gpuseg.cluster.kprototypes.SKETCHED", 1)  # the start that is given is what all rows move
    far = pl.concat([customers[:1]] * 2 + [customers[:1].with_columns(spent=pl.lit(1e3))])
    assert len(KPrototypes(3, init=far).fit(customers).cluster_centers_) == 3


def test_words_in_files_serve_gowers_distance_too(customers, tmp_path):
    customers.write_parquet(tmp_path / "x.parquet", row_group_size=200)
    here = KMedoids(4, metric="gower", random_state=0).fit(customers)
    np.testing.assert_array_equal(here.predict(tmp_path / "x.parquet"), here.labels_)
    there = KMedoids(4, metric="gower", method="sample", sample_size=300, random_state=0).fit(tmp_path / "x.parquet")
    assert there.levels_.keys() == {"pays", "plus", "way"}
    assert adjusted_rand_score(there.labels_, here.labels_) > 0.5


def test_a_category_that_is_missing_in_a_block_is_said(customers, tmp_path):
    gaps = customers.with_columns(pl.when(pl.col("spent") < 6).then(pl.col("way")).alias("way"))
    gaps.write_parquet(tmp_path / "x.parquet", row_group_size=200)
    for given in (tmp_path / "x.parquet", dd.from_pandas(gaps.to_pandas(), npartitions=3), gaps):
        for model in (KPrototypes(3), KMedoids(3, metric="gower", method="sample", sample_size=300)):
            with pytest.raises(InvalidInput, match=r"X holds no category in column \(rows\): 'way' \(\d+\); fill them"):
                model.fit(given)


def test_files_that_it_cannot_take_are_refused(customers, tmp_path):
    customers.write_parquet(tmp_path / "a.parquet")
    customers.rename({"way": "path"}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(InvalidFile, match="differ in the columns 'path', 'way'"):
        KPrototypes(3).fit([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    model = KPrototypes(3, random_state=0).fit(customers)
    with pytest.raises(InvalidInput, match=r"b\.parquet has no column 'way'"):
        model.predict(tmp_path / "b.parquet")
    with pytest.raises(InvalidInput, match="sample_weight is an array and X is files or a Dask DataFrame"):
        model.fit(tmp_path / "a.parquet", sample_weight=np.ones(900))
    with pytest.raises(InvalidInput, match="sample_weight is zero for every row"):
        KPrototypes(3).fit(da.ones((90, 2)), sample_weight=np.zeros(90))
