"""The next better segment is the nearest, and the change that leads there is the smallest that does."""

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Segmenter
from gpuseg.errors import InvalidInput


def customers(n=240):
    rng = np.random.default_rng(4)
    group = np.arange(n) % 3
    return pl.DataFrame(
        {
            "id": [f"c{at}" for at in range(n)],
            "orders": rng.poisson(np.array([3, 20, 60])[group]),
            "score": np.array([0.0, 5.0, 10.0])[group] + rng.normal(size=n),
            "plan": np.array(["basic", "basic", "gold"])[group],
            "spend": np.array([10.0, 50.0, 500.0])[group] + rng.normal(size=n),
        }
    )


def fitted(algorithm="kmeans", table=None, **parameters):
    given = {"n_clusters": 3, "columns": ["orders", "score", "plan"], "value_column": "spend"} | parameters
    with gpuseg.config(notices="off"):
        return Segmenter("id", algorithm=algorithm, **given).fit(customers() if table is None else table)


@pytest.fixture(scope="module")
def segmenter():
    return fitted()


@pytest.fixture(scope="module")
def found(segmenter):
    return segmenter.next_segment(customers())


def worth(segmenter):
    profile = segmenter.profile_
    return dict(zip(profile["segment"], profile["value_share"] / profile["size"], strict=True))


def changed(row, value):
    """Return a customer with the change that was found."""
    number = row["feature"] in ("orders", "score")
    return pl.lit(float(value.replace(",", "")) if number else value).alias(row["feature"])


def test_who_is_in_the_best_segment_has_no_better_one(segmenter, found):
    best = max(worth(segmenter), key=worth(segmenter).get)
    for row in found.iter_rows(named=True):
        arrived = row["segment"] == best
        assert (row["next_segment"] is None) == arrived
        assert (row["distance"] is None) == arrived
        if not arrived:
            assert worth(segmenter)[row["next_segment"]] > worth(segmenter)[row["segment"]]
        if row["feature"] is not None:
            assert worth(segmenter)[row["reaches"]] > worth(segmenter)[row["segment"]]


def test_the_distance_is_that_to_the_nearest_customer_who_is_better_off(segmenter, found):
    evidence = segmenter.evidence_
    own = dict(zip(evidence.ids, evidence.matrix, strict=True))
    value = np.array([worth(segmenter)[segment] for segment in evidence.segments.tolist()])
    for row in found.filter(pl.col("distance").is_not_null()).iter_rows(named=True):
        better = value > worth(segmenter)[row["segment"]]
        apart = np.linalg.norm(evidence.matrix - own[row["id"]], axis=1)
        assert row["distance"] == pytest.approx(apart[better].min())
        assert row["next_segment"] in evidence.segments[better & (apart <= apart[better].min() * (1 + 1e-9))]


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "kprototypes", "agglomerative", "hdbscan"])
def test_the_change_leads_where_it_says(algorithm):
    own = {"n_clusters": "auto", "algorithm_params": {"min_cluster_size": 30}} if algorithm == "hdbscan" else {}
    segmenter, table = fitted(algorithm, **own), customers()
    found = segmenter.next_segment(table)
    moved = found.filter(pl.col("feature").is_not_null())
    assert len(moved) > 0
    # What is shown is rounded: orders are whole, and levels are themselves.
    for row in moved.filter(pl.col("feature") != "score").head(20).iter_rows(named=True):
        one = table.filter(pl.col("id") == row["id"]).with_columns(changed(row, row["new_value"]))
        with gpuseg.config(notices="off"):
            assert segmenter.assign(one)["segment"].item() == row["reaches"]


def test_no_smaller_single_change_leads_to_a_better_segment(segmenter, found):
    table, value = customers(), worth(segmenter)
    with gpuseg.config(notices="off"):
        for row in found.filter(pl.col("feature").is_not_null())[:6].iter_rows(named=True):
            one = table.filter(pl.col("id") == row["id"])
            start = segmenter.preprocessor_.transform(one)
            tries = [one.with_columns(orders=pl.lit(k)) for k in range(80)]
            tries += [one.with_columns(score=pl.lit(x)) for x in np.linspace(-3, 13, 401)]
            tries += [one.with_columns(plan=pl.lit(level)) for level in ("basic", "gold")]
            every = pl.concat(tries, how="vertical_relaxed").with_columns(id=pl.Series(map(str, range(483))))
            sizes = np.linalg.norm(segmenter.preprocessor_.transform(every) - start, axis=1)
            better = [value[to] > value[row["segment"]] for to in segmenter.assign(every)["segment"]]
            assert row["change"] <= sizes[better].min() * 1.001


def test_only_what_may_change_is_changed_and_named_segments_are_reached(segmenter):
    found = segmenter.next_segment(customers(), features=["plan"])
    assert set(found["feature"].drop_nulls()) <= {"plan"}
    worst = min(worth(segmenter), key=worth(segmenter).get)
    found = segmenter.next_segment(customers(), better=[worst])
    assert set(found["next_segment"].drop_nulls()) == {worst}
    assert found.filter(pl.col("segment") == worst)["next_segment"].null_count() == 80
    assert set(found["reaches"].drop_nulls()) <= {worst}


def test_whole_numbers_stay_whole_and_values_are_those_of_the_table(segmenter):
    found = segmenter.next_segment(customers(), features=["orders"])
    moved = found.filter(pl.col("feature").is_not_null()).join(customers().select("id", "orders"), on="id")
    assert len(moved) > 0
    assert moved["new_value"].str.contains(r"^\d+$").all()
    assert (moved["value"].cast(pl.Int64) == moved["orders"]).all()


def test_customers_with_gaps_and_noise_are_looked_at():
    table = customers().with_columns(score=pl.when(pl.int_range(240) % 9 == 0).then(None).otherwise("score"))
    far = pl.DataFrame({"id": ["far"], "orders": [900], "score": [300.0], "plan": ["basic"], "spend": [1.0]})
    table = pl.concat([table, far], how="vertical_relaxed")
    own = {"n_clusters": "auto", "algorithm_params": {"eps": 1.2, "min_samples": 5}}
    segmenter = fitted("dbscan", table, **own)
    found = segmenter.next_segment(table)
    noise = found.filter(pl.col("segment") == -1)
    assert "far" in noise["id"].to_list()
    assert noise["next_segment"].null_count() == 0
    assert found["reaches"].drop_nulls().min() >= 0
    with gpuseg.config(notices="off"):
        steps = gpuseg.Preprocessor(missing={"score": "drop"})
        dropping = Segmenter("id", n_clusters=3, preprocessor=steps, value_column="spend").fit(table)
    gone = table["score"].null_count()
    assert len(dropping.next_segment(table)) == len(table) - gone


def test_without_ids_rows_are_numbered():
    with gpuseg.config(notices="off"):
        segmenter = Segmenter(n_clusters=3, columns=["orders", "score"], value_column="spend").fit(customers())
    assert segmenter.next_segment(customers()[5:9])["row"].to_list() == [0, 1, 2, 3]


def test_what_cannot_be_asked(segmenter):
    with pytest.raises(InvalidInput, match="customers has 1200 rows; give at most 1000"):
        segmenter.next_segment(pl.concat([customers()] * 5))
    with pytest.raises(InvalidInput, match="better=8 is not known; allowed are '0', '1', '2'"):
        segmenter.next_segment(customers(), better=[8])
    with pytest.raises(InvalidInput, match="features='spend' is not known; allowed are 'orders', 'score', 'plan'"):
        segmenter.next_segment(customers(), features=["spend"])
    with gpuseg.config(notices="off"):
        plain = Segmenter("id", n_clusters=2).fit(customers())
    with pytest.raises(InvalidInput, match=r"no segment is known to be worth more: the fit had no value_column; name"):
        plain.next_segment(customers())
