import json
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gpuseg.cluster import KMeans, KPrototypes
from gpuseg.errors import FewerSegments, InvalidInput
from gpuseg.io.model import read_model, write_model

NUMBERS = ("Administrative", "Informational", "ProductRelated", "BounceRates", "ExitRates", "PageValues")
WORDS = ("Month", "OperatingSystems", "Region", "VisitorType", "Weekend")


def on_host(backend, arrays):
    return [backend.to_host(array) for array in arrays]


def fitted(x, backend, sample_weight=None, **parameters):
    """Fit where the backend offers k-prototypes; elsewhere let it predict with what the CPU fitted."""
    offered = "kprototypes" in backend.fits
    model = KPrototypes(**parameters, backend=backend.name if offered else "cpu").fit(x, sample_weight=sample_weight)
    return model if offered else model.set_params(backend=backend.name)


@pytest.fixture(scope="module")
def customers():
    """Three kinds of customers, told apart by numbers and words together, on a grid so that rows repeat."""
    rng = np.random.default_rng(3)
    kind = rng.integers(0, 3, size=400)
    numbers = np.round(np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]])[kind] + rng.normal(scale=0.7, size=(400, 2)))
    usual = np.array([["web", "card"], ["web", "cash"], ["shop", "cash"]])[kind]
    words = np.where(rng.random((400, 2)) < 0.2, rng.choice(["web", "card", "shop", "cash"], size=(400, 2)), usual)
    return pl.DataFrame(
        {"way": words[:, 0], "spent": numbers[:, 0], "pays": words[:, 1], "visits": numbers[:, 1]}
    ), kind


@parametrize_with_checks([KPrototypes(3)])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


# The costs of kmodes 0.12.2: KPrototypes(k, init=[numbers, codes], n_init=1) from these rows as starts.
PUBLISHED = [
    (3, 0, 7667.378137),
    (3, 50, 7667.08324),
    (6, 0, 5326.938383),
    (6, 7, 5327.020233),
    (9, 0, 4656.457585),
    (9, 7, 4702.106185),
    (9, 50, 4605.107633),
]


@pytest.mark.parametrize(("k", "first", "cost"), PUBLISHED)
def test_the_cost_is_not_above_that_of_kmodes_from_the_same_start(data, k, first, cost):
    table = pl.read_csv(data / "customers" / "online_shoppers_intention.csv", infer_schema_length=None).head(2000)
    scaled = [(pl.col(name) - pl.col(name).mean()) / pl.col(name).std(ddof=0) for name in NUMBERS]
    rows = table.select(*scaled, *[pl.col(name).cast(pl.String) for name in WORDS])
    model = KPrototypes(k, init=rows[np.arange(k) * (1900 // k) + first]).fit(rows)
    assert model.gamma_ == pytest.approx(0.5)
    assert 0.9 * cost < model.cost_ <= cost


# The costs of the same from the starts where they were the lower ones before prototypes were tried elsewhere.
@pytest.mark.parametrize(
    ("kind", "seed", "cost"),
    [(0, 1, 1558.7207297255), (1, 14, 1168.5121829008), (1, 21, 1066.2149760874), (2, 14, 1546.9924792551)],
)
def test_no_start_ends_above_kmodes(kind, seed, cost):
    rng = np.random.default_rng(1000 * kind + seed)
    group, (scale, share, columns, levels) = (
        rng.integers(0, 6, 400),
        ((3, 0.7, 3, 4), (1, 0.5, 5, 3), (1.5, 0.6, 4, 5))[kind],
    )
    width = 3 if kind == 0 else 2
    numbers = rng.normal(scale=scale, size=(6, width))[group] + rng.normal(size=(400, width))
    numbers = np.round(numbers) if kind == 2 else numbers
    usual = rng.random((400, columns)) < share, rng.integers(0, levels, size=(6, columns))[group]
    codes = np.where(*usual, rng.integers(0, levels, size=(400, columns)))
    k = int(rng.integers(3, 9))
    x, first = np.hstack([numbers, codes]), rng.choice(400, k, replace=False)
    model = KPrototypes(k, init=x[first], categorical=list(range(width, width + columns))).fit(x)
    assert 0.9 * cost < model.cost_ <= cost * (1 + 1e-9)


def test_without_categories_it_ends_where_k_means_does_or_lower(blobs):
    x = blobs[0]
    for seed in range(3):
        start = x[np.random.default_rng(seed).choice(600, 6, replace=False)]
        ours, theirs = KPrototypes(6, init=start).fit(x), KMeans(6, init=start, tol=0).fit(x)
        assert ours.cost_ <= theirs.inertia_ * (1 + 1e-9)
    assert adjusted_rand_score(KPrototypes(4, random_state=0).fit(x).labels_, blobs[1]) == 1


def test_categories_alone_are_the_best_modes():
    """Five rows and two segments: all pairs of modes are tried."""
    rows = pl.DataFrame({"a": ["x", "x", "y", "y", "z"], "b": ["p", "p", "q", "q", "q"], "c": list("uuvwv")})
    model = KPrototypes(2, n_init=5, random_state=0).fit(rows)
    grid = list(product("xyz", "pq", "uvw"))
    best = min(
        sum(min(sum(u != v for u, v in zip(row, mode, strict=True)) for mode in pair) for row in rows.iter_rows())
        for pair in product(grid, grid)
    )
    assert model.gamma_ == 1
    assert model.cost_ == best == 2
    assert model.cluster_modes_.tolist() == [["y", "q", "v"], ["x", "p", "u"]]
    np.testing.assert_array_equal(model.labels_, [1, 1, 0, 0, 0])


@pytest.mark.parametrize("gamma", ["auto", 0.5, 5.0])
def test_the_end_is_the_cost_of_nearest_prototypes_and_no_row_can_move(customers, gamma):
    rows, _ = customers
    model = KPrototypes(3, gamma=gamma, random_state=1).fit(rows)
    numbers, words = rows.select("spent", "visits").to_numpy(), rows.select("way", "pays").to_numpy()
    apart = (words[:, None, :] != model.cluster_modes_[None, :, :]).sum(axis=2)
    cost = ((numbers[:, None, :] - model.cluster_centers_) ** 2).sum(axis=2) + model.gamma_ * apart
    np.testing.assert_array_equal(model.labels_, cost.argmin(axis=1))
    assert model.cost_ == pytest.approx(cost.min(axis=1).sum())
    for k in range(3):
        mine = model.labels_ == k
        np.testing.assert_allclose(model.cluster_centers_[k], numbers[mine].mean(axis=0))
        for column, mode in enumerate(model.cluster_modes_[k]):
            assert np.sum(words[mine][:, column] == mode) == max(
                np.unique(words[mine][:, column], return_counts=True)[1]
            )
    spread = numbers.std(axis=0).mean()
    assert model.gamma_ == pytest.approx(spread / 2 if gamma == "auto" else gamma)
    assert f"gamma={model.gamma_:.4g}" in model.dispatch_.reason


def test_words_and_numbers_together_find_what_neither_finds_alone(customers):
    rows, kind = customers
    both = KPrototypes(3, gamma=2.0, random_state=0).fit(rows).labels_
    alone = KMeans(3, random_state=0, n_init=3).fit(rows.select("spent", "visits")).labels_
    assert adjusted_rand_score(both, kind) > adjusted_rand_score(alone, kind)


@pytest.mark.parametrize("seed", range(3))
def test_neither_the_order_of_rows_nor_how_weight_is_written_matters(customers, seed):
    rows, _ = customers
    rng = np.random.default_rng(seed)
    weight, order = rng.integers(1, 4, size=400), rng.permutation(400)
    one = KPrototypes(4, random_state=seed).fit(rows, sample_weight=weight)
    other = KPrototypes(4, random_state=seed).fit(rows[order], sample_weight=weight[order])
    twice = KPrototypes(4, random_state=seed).fit(rows[np.repeat(np.arange(400), weight)])
    np.testing.assert_array_equal(one.labels_[order], other.labels_)
    np.testing.assert_array_equal(np.repeat(one.labels_, weight), twice.labels_)
    assert one.cost_ == pytest.approx(other.cost_) == pytest.approx(twice.cost_)
    np.testing.assert_allclose(one.segment_weight_, twice.segment_weight_)


def test_every_library_and_type_of_category_gives_the_same(customers):
    rows, _ = customers
    model = KPrototypes(3, random_state=0).fit(rows)
    mixed, positions = rows.to_pandas().to_numpy(dtype=object), [0, 2]
    frames = (
        (rows.to_pandas(), None),
        (rows.lazy(), None),
        (pa.table(rows.to_dict(as_series=False)), None),
        (rows.with_columns(pl.col("way", "pays").cast(pl.Categorical)), None),
        (pd.DataFrame(rows.to_dict(as_series=False)).astype({"way": "category"}), ["way", "pays"]),
        (mixed, positions),
    )
    for table, categorical in frames:
        again = KPrototypes(3, categorical=categorical, random_state=0).fit(table)
        np.testing.assert_array_equal(again.labels_, model.labels_)
        np.testing.assert_array_equal(again.predict(mixed), model.labels_)
        np.testing.assert_array_equal(again.cluster_modes_, model.cluster_modes_)


def test_numbers_can_be_categories(customers):
    numbers = np.column_stack([customers[1], customers[0]["spent"].to_numpy()])
    model = KPrototypes(3, categorical=[0], gamma=50.0, random_state=0).fit(numbers)
    assert adjusted_rand_score(model.labels_, customers[1]) == 1
    assert sorted(model.cluster_modes_.ravel()) == ["0", "1", "2"]
    whole = pl.DataFrame(numbers, schema=["kind", "spent"]).with_columns(pl.col("kind").cast(pl.Int64))
    named = KPrototypes(3, categorical=["kind"], gamma=50.0, random_state=0).fit(whole)
    np.testing.assert_array_equal(named.labels_, model.labels_)


def test_assign_means_what_it_says(customers, backend):
    rows, _ = customers
    model = fitted(rows, backend, n_clusters=3, random_state=0)
    new = pl.concat([rows, pl.DataFrame({"way": ["fax"], "spent": [1.0], "pays": ["cash"], "visits": [9.0]})])
    segment, distance, confidence, novelty = on_host(backend, model.assign(new))
    labels = on_host(backend, [model.labels_])[0]
    np.testing.assert_array_equal(segment[:400], labels)
    np.testing.assert_array_equal(segment, on_host(backend, [model.predict(new)])[0])
    words = new.select("way", "pays").to_numpy()
    apart = (words[:, None, :] != model.cluster_modes_[None, :, :]).sum(axis=2)
    away = new.select("spent", "visits").to_numpy()[:, None, :] - model.cluster_centers_
    cost = np.sqrt((away**2).sum(axis=2) + model.gamma_ * apart)
    np.testing.assert_allclose(distance, cost.min(axis=1), atol=1e-9)
    two = np.sort(cost, axis=1)
    np.testing.assert_allclose(confidence, 1 - two[:, 0] / two[:, 1], atol=1e-9)
    training = np.sort(distance[:400][labels == 0])
    mine = segment == 0
    expected = np.searchsorted(training, distance[mine]) / len(training)
    np.testing.assert_allclose(novelty[mine], expected, atol=0.01 + 1 / len(training))


def test_blocks_change_nothing(customers, monkeypatch):
    rows, _ = customers
    whole = KPrototypes(3, random_state=0).fit(rows)
    monkeypatch.setattr("gpuseg.engines.blocks.ROWS", 37)
    monkeypatch.setattr("gpuseg.neighbors.centers.CELLS", 11)
    parts = KPrototypes(3, random_state=0).fit(rows)
    for left, right in zip(whole.assign(rows), parts.assign(rows), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_model_file_assigns_the_same(customers, backend, tmp_path):
    rows, _ = customers
    model = fitted(rows, backend, n_clusters=3, random_state=0)
    json.dumps(model.state()["parameters"])
    write_model(tmp_path / "m.gpuseg", {}, model.state())
    again = KPrototypes.from_state(read_model(tmp_path / "m.gpuseg")[1]).set_params(backend=backend.name)
    for left, right in zip(model.assign(rows), again.assign(rows), strict=True):
        np.testing.assert_array_equal(*on_host(backend, [left, right]))
    np.testing.assert_array_equal(again.cluster_modes_, model.cluster_modes_)


def test_more_clusters_than_distinct_rows_are_said(customers):
    rows = pl.DataFrame({"a": [1.0, 1.0, 2.0, 2.0], "b": ["x", "x", "y", "y"]})
    with pytest.warns(FewerSegments, match="n_clusters=3 is more than the 2 distinct rows; 2 segments are made"):
        np.testing.assert_array_equal(KPrototypes(3).fit(rows).labels_, [0, 0, 1, 1])
    with pytest.raises(InvalidInput, match="n_clusters=5 is more than the rows, n_samples=4; use at most 4"):
        KPrototypes(5).fit(rows)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gamma": -1}, "gamma=-1 is not allowed; give a number of at least 0"),
        ({"gamma": "huang"}, "gamma='huang' is not allowed; give 'auto' or a number"),
        ({"n_clusters": 0}, "n_clusters=0 is not allowed"),
        ({"n_init": 0}, "n_init=0 is not allowed"),
        ({"max_iter": 0}, "max_iter=0 is not allowed"),
        ({"init": "cao"}, "init='cao' is not known; give 'k-means\\+\\+' or n_clusters rows"),
        ({"categorical": ["wya"]}, "categorical='wya' is not a column of the table, .*; did you mean 'way'"),
        ({"categorical": [4]}, "categorical holds 4; give names of columns or positions from 0 to 3"),
    ],
)
def test_parameters_out_of_range_are_refused(customers, parameters, message):
    with pytest.raises(InvalidInput, match=message):
        KPrototypes(**{"n_clusters": 3, **parameters}).fit(customers[0])


def test_rows_that_it_cannot_take_are_refused(customers):
    rows, _ = customers
    model = KPrototypes(3, random_state=0).fit(rows)
    gaps = rows.with_columns(pl.when(pl.col("spent") > 3).then(None).otherwise(pl.col("way")).alias("way"))
    with pytest.raises(InvalidInput, match=r"X holds no category in column \(rows\): 'way' \(\d+\); fill them"):
        KPrototypes(3).fit(gaps)
    with pytest.raises(InvalidInput, match=r"NaN or infinity in column \(rows\): 'spent' \(400\)"):
        model.predict(rows.with_columns(spent=pl.lit(None, dtype=pl.Float64)))
    with pytest.raises(InvalidInput, match=r"X has columns .*; the model was fitted to"):
        model.predict(rows.select("spent", "way", "pays", "visits"))
    with pytest.raises(InvalidInput, match="init has 2 rows; give n_clusters=3 rows like those of X"):
        KPrototypes(3, init=rows[:2]).fit(rows)
    with pytest.raises(InvalidInput, match=r"words in columns \[0, 2\]; give categorical=\[0, 2\]"):
        KPrototypes(3).fit(rows.to_pandas().to_numpy(dtype=object))
    dated = rows.with_columns(pl.lit("2026-01-01").str.to_date().alias("since"))
    with pytest.raises(InvalidInput, match="X holds no numbers in column 'since'; name it in categorical, or leave"):
        KPrototypes(3).fit(dated)
