"""Tables of numbers and categories through the segmenter: categories are compared as such, on real tables too."""

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import KPrototypes, Preprocessor, Segmenter, load, read_table
from gpuseg.cluster import ALGORITHMS
from gpuseg.errors import InvalidInput
from gpuseg.metrics import adjusted_rand

GOWER = {"metric": "gower"}
WAYS = {"kprototypes": {"gamma": 3.0}, "kmedoids": GOWER, "clarans": GOWER}
RNG = np.random.default_rng(0)
GROUP = np.repeat([0, 1, 2], [90, 70, 50])
TOWNS = np.array(["Rome", "Oslo", "Bern"])
CUSTOMERS = pl.DataFrame(
    {
        "id": [f"c{i:03}" for i in range(210)],
        "spend": RNG.normal(size=210).round(3),
        "town": np.where(RNG.random(210) < 0.9, TOWNS[GROUP], RNG.choice(TOWNS, 210)),
        "pays": np.where(RNG.random(210) < 0.9, np.array(["cash", "card", "bill"])[GROUP], "none"),
        "member": (GROUP == 1) ^ (RNG.random(210) < 0.05),
    }
)


@pytest.fixture(autouse=True)
def quiet():
    with gpuseg.config(notices="off"):
        yield


@pytest.fixture(scope="module", params=WAYS)
def fitted(request):
    with gpuseg.config(notices="off"):
        return Segmenter("id", algorithm=request.param, algorithm_params=WAYS[request.param]).fit(CUSTOMERS)


def again(fitted, table):
    return Segmenter("id", algorithm=fitted.algorithm, algorithm_params=WAYS[fitted.algorithm]).fit(table)


def test_categories_tell_the_segments(fitted):
    assert fitted.choice_.k == 3
    assert adjusted_rand(fitted.labels_, GROUP) > 0.8
    assert fitted.preprocessor_.get_feature_names_out().tolist() == ["spend", "town", "pays", "member"]
    assert fitted.model_.categorical == [1, 2, 3]
    assert fitted.profile_["town_top"].to_list() == ["Rome", "Oslo", "Bern"]
    assert fitted.choose_k(CUSTOMERS)._replace(candidates=[]) == fitted.choice_._replace(candidates=[])
    assert len(fitted.choice_.stability) == 3
    assert min(fitted.choice_.stability) > 0.9
    best = max(fitted.choice_.candidates, key=lambda one: one.silhouette)
    assert fitted.score_.mean == pytest.approx(best.silhouette)


def test_neither_the_order_of_rows_nor_the_names_of_categories_matter(fitted):
    names = {"Rome": "a", "Bern": "b", "Oslo": "zz"}  # another order of the codes
    order = np.random.default_rng(1).permutation(210)
    other = again(fitted, CUSTOMERS.with_columns(pl.col("town").replace_strict(names))[order])
    joined = fitted.segments_.join(other.segments_, on="id")
    assert joined["segment"].equals(joined["segment_right"], check_names=False)
    np.testing.assert_allclose(joined["distance"], joined["distance_right"], atol=1e-9)


def test_placing_training_and_new_customers_here_and_from_the_file(fitted, tmp_path):
    np.testing.assert_array_equal(fitted.predict(CUSTOMERS), fitted.labels_)
    back = load(fitted.save(tmp_path / "m.gpuseg"))
    new = CUSTOMERS.with_columns(town=pl.lit("Lima"))
    assert back.assign(new).equals(fitted.assign(new))
    assert back._repr_html_() == fitted._repr_html_()
    assert f"by {fitted.algorithm}" in fitted._repr_html_()
    assert "in its own distance" in fitted.report(tmp_path / "r.html").read_text()


def test_a_category_that_was_not_seen_differs_from_all(fitted):
    placed = fitted.assign(CUSTOMERS.with_columns(town=pl.lit("Lima")))
    kept = fitted.segments_["segment"] == placed["segment"]
    assert kept.mean() > 0.8
    assert (placed["distance"] >= fitted.segments_["distance"] - 1e-12).all()
    whole = {name: pl.lit("new") for name in ("town", "pays")}
    odd = fitted.assign(CUSTOMERS.with_columns(spend=pl.lit(90.0), **whole))
    assert (odd["novelty"] > 0.99).all()


def test_k_prototypes_makes_of_a_table_what_it_makes_of_its_words():
    segmenter = Segmenter("id", algorithm="kprototypes", n_clusters=3).fit(CUSTOMERS)
    spend = segmenter.preprocessor_.transform(CUSTOMERS)[:, 0]
    words = CUSTOMERS.drop("id").with_columns(pl.Series("spend", spend))
    model = KPrototypes(3, random_state=0).fit(words)
    assert segmenter.model_.gamma_ == pytest.approx(model.gamma_)
    assert segmenter.model_.cost_ == pytest.approx(model.cost_)
    assert adjusted_rand(segmenter.labels_, model.labels_) == 1


@pytest.mark.parametrize("name", ["Mall_Customers.csv", "marketing_campaign.csv", "online_shoppers_intention.csv"])
@pytest.mark.parametrize("algorithm", ["kprototypes", "kmedoids"])
def test_real_tables(data, name, algorithm, tmp_path):
    table = read_table(data / "customers" / name)[:1500]
    segmenter = Segmenter(algorithm=algorithm, algorithm_params=WAYS[algorithm], k_range=(2, 4)).fit(table)
    words = [column["name"] for column in segmenter.preprocessor_.schema_ if column["kind"] == "category"]
    assert words
    features = segmenter.preprocessor_.get_feature_names_out()[segmenter.model_.categorical]
    assert set(words) <= set(features)
    assert segmenter.profile_["size"].sum() == len(table)
    assert -1 < segmenter.score_.mean < 1
    order = np.random.default_rng(0).permutation(len(table))
    np.testing.assert_array_equal(segmenter.predict(table[order]), segmenter.labels_[order])
    placed = load(segmenter.save(tmp_path / "m.gpuseg")).assign(table)
    assert placed["segment"].to_list() == segmenter.segments_["segment"].to_list()


def told(capsys, **parameters):
    with gpuseg.config(notices="stdout"):
        segmenter = Segmenter("id", n_clusters=2, **parameters).fit(CUSTOMERS)
    return segmenter, capsys.readouterr().out


def test_what_categories_are_taken_for_is_said(capsys):
    own = Preprocessor(categories="onehot")
    segmenter, out = told(capsys, algorithm="kprototypes", preprocessor=own)
    assert "kprototypes takes column 'town', 'pays' for amounts, as categories asks; categories='auto' keeps" in out
    assert segmenter.model_.categorical == [8]  # yes or no is one all the same
    _, out = told(capsys, algorithm="kprototypes", columns=["spend"])
    assert "no column holds categories, so kprototypes takes all for amounts; name codes as in categorical=[" in out
    own = Preprocessor(scale="minmax", missing="mode")
    segmenter, out = told(capsys, algorithm="kmedoids", algorithm_params=GOWER, preprocessor=own)
    assert "amounts" not in out
    assert segmenter.model_.categorical == [1, 2, 3]


def test_numbers_alone_are_segmented_as_by_k_means():
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.normal(size=90) + np.repeat([0, 9, 30], 30)})
    mixed, plain = (Segmenter(algorithm=name, n_clusters=3).fit(table) for name in ("kprototypes", "kmeans"))
    assert adjusted_rand(mixed.labels_, plain.labels_) == 1
    assert mixed.score_.mean == pytest.approx(plain.score_.mean)


def test_categories_alone_are_segmented():
    segmenter = Segmenter("id", algorithm="kprototypes", columns=["town", "pays"], k_range=(2, 5)).fit(CUSTOMERS)
    assert segmenter.choice_.k >= 3
    assert segmenter.model_.gamma_ == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "kprototypes", "algorithm_params": {"categorical": ["town"]}},
         r"algorithm_params sets 'categorical'.*give preprocessor=Preprocessor\(categorical=\['town'\]\)"),
        ({"preprocessor": Preprocessor(categories="codes")},
         r"columns 'town', 'pays' are codes .*kmeans would take for amounts; use categories='auto', or algorithm"),
        ({"algorithm": "dbscan", "preprocessor": Preprocessor(categories={"town": "codes"})}, "'kprototypes'"),
    ],
)  # fmt: skip
def test_bad_input(options, message):
    with pytest.raises(InvalidInput, match=message):
        Segmenter("id", **options).fit(CUSTOMERS)


@pytest.mark.parametrize("algorithm", [name for name in WAYS if ALGORITHMS[name].in_blocks])
def test_parts_come_to_the_same_segments(algorithm, tmp_path, monkeypatch):
    monkeypatch.setattr("gpuseg.segmenter.ROWS", 60)
    CUSTOMERS[:100].write_parquet(tmp_path / "0.parquet")
    CUSTOMERS[100:].write_parquet(tmp_path / "1.parquet")
    given = {"id_column": "id", "algorithm": algorithm, "algorithm_params": WAYS[algorithm], "k_range": (2, 5)}
    here, away = Segmenter(**given).fit(CUSTOMERS), Segmenter(**given, engine="dask").fit(tmp_path)
    found = away.segments_.to_polars().sort("id")
    assert away.choice_.k == here.choice_.k
    assert found["segment"].to_list() == here.segments_["segment"].to_list()
    silhouettes = [[one.silhouette for one in each.choice_.candidates] for each in (here, away)]
    np.testing.assert_allclose(*silhouettes)
    assert away.score_.mean == pytest.approx(here.score_.mean)
