import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import gpuseg
from gpuseg import Preprocessor, Segmenter, load
from gpuseg.cluster import ALGORITHMS
from gpuseg.errors import FewerSegments, InvalidInput, InvalidModel
from gpuseg.io.model import read_model, write_model
from gpuseg.metrics import sampled_silhouette
from gpuseg.selection import takes_number
from tests.devices import CUDF

GROUP = np.repeat([0, 1, 2], [50, 40, 30])
RNG = np.random.default_rng(0)
CUSTOMERS = pl.DataFrame(
    {
        "id": [f"c{i:03}" for i in range(120)],
        "spend": np.array([10.0, 200.0, 900.0])[GROUP] + RNG.normal(size=120),
        "joined": np.array(["2020-01-01", "2023-06-01", "2026-01-01"], dtype="datetime64[us]")[GROUP],
        "member": np.array([True, False, True])[GROUP],
        "plan": np.array(["basic", "gold", "trial"])[GROUP],
    }
)
LIBRARIES = {
    "polars": (lambda: CUSTOMERS, pl.DataFrame),
    "lazy": (CUSTOMERS.lazy, pl.DataFrame),
    "pandas": (CUSTOMERS.to_pandas, pd.DataFrame),
    "pyarrow": (CUSTOMERS.to_arrow, pa.Table),
    **{name: (lambda give=give: give(CUSTOMERS), type(give(CUSTOMERS))) for name, give in CUDF.items()},
}


@pytest.fixture(autouse=True)
def quiet():
    with gpuseg.config(notices="off"):
        yield


@pytest.fixture(scope="module")
def fitted():
    with gpuseg.config(notices="off"):
        return Segmenter(id_column="id").fit(CUSTOMERS)


@pytest.mark.parametrize("library", LIBRARIES)
def test_results_are_in_the_callers_library(library, fitted):
    give, expected = LIBRARIES[library]
    segmenter = Segmenter(id_column="id").fit(give())
    assert isinstance(segmenter.segments_, expected)
    assert isinstance(segmenter.profile_, expected)
    assert isinstance(segmenter.assign(give()), expected)
    segments = pl.DataFrame(pa.table(segmenter.segments_))
    assert segments.columns == ["id", "segment", "distance", "confidence", "novelty"]
    assert segments["segment"].to_list() == fitted.segments_["segment"].to_list()


def test_segments_and_profile(fitted):
    segments, profile = fitted.segments_, fitted.profile_
    assert segments["segment"].dtype == pl.Int32
    assert segments["segment"].to_list() == GROUP.tolist()
    assert profile["size"].to_list() == [50, 40, 30]
    assert profile["share"].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(
        profile["spend_mean"], [CUSTOMERS["spend"].to_numpy()[g == GROUP].mean() for g in range(3)]
    )
    assert profile["plan_top"].to_list() == ["basic", "gold", "trial"]
    assert profile["plan_top_share"].to_list() == [1.0, 1.0, 1.0]
    assert profile["member_share"].to_list() == [1.0, 0.0, 1.0]
    assert [day.year for day in profile["joined_median"]] == [2020, 2023, 2026]
    assert fitted.choice_.k == 3
    assert "highest silhouette" in fitted.choice_.reason
    assert fitted.score_.mean > 0.8
    assert fitted.backend_ == fitted.dispatch_.backend


def test_the_order_of_rows_does_not_matter(fitted):
    order = np.random.default_rng(1).permutation(120)
    again = Segmenter(id_column="id").fit(CUSTOMERS[order])
    assert again.segments_.sort("id")["segment"].equals(fitted.segments_.sort("id")["segment"])
    assert again.card_["training_data_sha256"] == fitted.card_["training_data_sha256"]


@pytest.mark.parametrize("algorithm", ["kmeans", "dbscan", "hdbscan"])
def test_predicting_the_training_customers_gives_their_segments(algorithm):
    rng = np.random.default_rng(2)
    table = pl.DataFrame(rng.normal(size=(300, 4)), schema=list("abcd"))  # no clusters: every tie and border counts
    options = {"dbscan": {"eps": 0.9}, "hdbscan": {"min_cluster_size": 5}}.get(algorithm)
    segmenter = Segmenter(algorithm=algorithm, algorithm_params=options).fit(table)
    np.testing.assert_array_equal(segmenter.predict(table), segmenter.segments_["segment"])
    assert segmenter.assign(table).equals(segmenter.segments_)
    np.testing.assert_array_equal(segmenter.fit_predict(table), segmenter.labels_)


@pytest.mark.parametrize("algorithm", ["kmeans", "dbscan", "hdbscan"])
def test_there_and_back_through_a_file(algorithm, tmp_path):
    options = {"hdbscan": {"min_cluster_size": 10}, "dbscan": {"eps": 1.0}}.get(algorithm)
    segmenter = Segmenter(id_column="id", algorithm=algorithm, algorithm_params=options).fit(CUSTOMERS)
    path = segmenter.save(tmp_path / "m.gpuseg")
    again = gpuseg.load(path)
    new = CUSTOMERS.with_columns(pl.col("spend") + 3)
    assert again.assign(new).equals(segmenter.assign(new))
    assert again.profile_.equals(segmenter.profile_)
    assert again.card_ == segmenter.card_
    names = segmenter.preprocessor_.get_feature_names_out()
    np.testing.assert_array_equal(again.preprocessor_.get_feature_names_out(), names)
    assert not any(name in path.read_bytes().decode("latin-1") for name in ("c000", "c119"))
    assert again._repr_html_() == segmenter._repr_html_()
    assert again.choice_ == segmenter.choice_
    assert again.score_ == segmenter.score_
    assert again.dispatch_ == segmenter.dispatch_
    assert again.get_params() == {**segmenter.get_params(), "backend": "auto"}
    again.save(tmp_path / "again.gpuseg")
    assert (tmp_path / "again.gpuseg").read_bytes() == path.read_bytes()


def test_a_model_fitted_under_a_named_backend_loads_anywhere(tmp_path):
    segmenter = Segmenter(id_column="id", backend="cpu").fit(CUSTOMERS)
    again = gpuseg.load(segmenter.save(tmp_path / "m.gpuseg"))
    assert again.model_.backend == again.preprocessor_.backend == again.backend == "auto"
    assert again.card_["backend"]["backend"] == "cpu"


def test_the_card_says_what_the_model_is_made_of(fitted):
    card = fitted.card_
    assert card["rows"] == {"read": 120, "kept": 120, "noise": 0}
    assert card["segments"] == 3
    assert card["parameters"]["n_init"] == 10
    assert card["metrics"]["silhouette"]["rows"] == 120
    assert card["metrics"]["inertia"] == fitted.model_.inertia_
    assert [c["name"] for c in card["preprocessing"]["columns"]] == ["spend", "joined", "member", "plan"]
    assert {"gpuseg", "numpy", "scikit-learn", "python"} <= set(card["versions"])
    assert len(card["training_data_sha256"]) == 64


def test_a_number_of_segments(fitted):
    two = Segmenter(id_column="id", n_clusters=2).fit(CUSTOMERS)
    assert two.profile_["size"].to_list() in ([90, 30], [80, 40], [70, 50])
    one = Segmenter(id_column="id", n_clusters=1).fit(CUSTOMERS)
    assert one.score_ is None
    assert one.segments_["confidence"].to_list() == [1.0] * 120


def test_rows_dropped_for_a_gap_are_not_assigned_and_said(capsys):
    table = CUSTOMERS.with_columns(spend=pl.when(pl.int_range(pl.len()) > 1).then("spend"))
    segmenter = Segmenter(id_column="id", preprocessor=Preprocessor(missing="drop")).fit(table)
    assert segmenter.segments_.height == 118
    assert segmenter.card_["rows"]["read"] == 120
    with gpuseg.config(notices="stdout"):
        assert segmenter.assign(table).height == 118
    assert "2 of 120 rows are not assigned" in capsys.readouterr().out
    with pytest.raises(InvalidInput, match="2 of 120 rows are dropped"):
        segmenter.predict(table)


def test_an_array_of_numbers(blobs):
    x, labels = blobs
    segmenter = Segmenter().fit(x)
    assert segmenter.segments_.columns == ["row", "segment", "distance", "confidence", "novelty"]
    assert segmenter.choice_.k == 4
    np.testing.assert_array_equal(segmenter.predict(x), segmenter.labels_)
    assert len(np.unique(labels * 10 + segmenter.labels_)) == 4


def test_noise_has_its_row_at_the_end_of_the_profile():
    far = pl.DataFrame({"spend": [5000.0], "joined": CUSTOMERS["joined"][:1], "member": [True], "plan": ["gold"]})
    table = pl.concat([CUSTOMERS.drop("id"), far])
    segmenter = Segmenter(algorithm="dbscan", algorithm_params={"eps": 1.0}).fit(table)
    assert segmenter.profile_["segment"].to_list() == [0, 1, 2, -1]
    assert segmenter.profile_["size"].to_list() == [50, 40, 30, 1]
    last = segmenter.segments_.row(-1, named=True)
    assert (last["segment"], last["confidence"], last["novelty"]) == (-1, 0.0, 1.0)
    assert "noise" in segmenter._repr_html_()


def test_shows_itself_and_names_cannot_inject_markup():
    table = CUSTOMERS.rename({"spend": "<script>alert(1)</script>"})
    segmenter = Segmenter(id_column="id", n_clusters=3)
    assert "Segmenter" in segmenter._repr_html_()
    html = segmenter.fit(table)._repr_mimebundle_()["text/html"]
    assert "3 segments of 120 customers by kmeans" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "c000" not in html


def test_it_is_an_estimator(fitted):
    copy = clone(Segmenter(id_column="id", n_clusters=3, k_range=(2, 5)))
    assert copy.get_params()["k_range"] == (2, 5)
    with pytest.raises(NotFittedError):
        copy.predict(CUSTOMERS)
    with pytest.raises(NotFittedError):
        copy.save("x.gpuseg")
    own = Preprocessor(scale="robust")
    Segmenter(id_column="id", preprocessor=own, n_clusters=3).fit(CUSTOMERS)
    assert not hasattr(own, "plan_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "kmean"}, "algorithm='kmean' is not known; .*did you mean 'kmeans'"),
        ({"n_clusters": 0}, "n_clusters=0 is not allowed"),
        ({"n_clusters": np.array([2, 3])}, "n_clusters=.* is not allowed"),
        ({"algorithm": ["kmeans"]}, "algorithm=.* is not known"),
        ({"n_clusters": "many"}, "n_clusters='many' is not allowed"),
        ({"n_clusters": 3, "algorithm": "hdbscan"}, "n_clusters=3 is not for hdbscan, which finds the number itself"),
        ({"k_range": (5, 3)}, r"k_range=\(5, 3\) is no range"),
        ({"algorithm_params": {"n_int": 3}}, "did you mean 'n_init'"),
        (
            {"algorithm": "diana", "algorithm_params": {"metric": "precomputed"}},
            "metric='precomputed' is for a matrix of distances, .* fit DIANA itself to the matrix",
        ),
        ({"algorithm_params": {"n_clusters": 3}}, "give n_clusters to Segmenter itself"),
        ({"algorithm_params": ["n_init"]}, r"algorithm_params=\['n_init'\] holds no names and values; give a dict"),
        ({"id_column": "di"}, "id_column='di' is not a column"),
        ({"id_column": "segment"}, "id_column='segment' is also a column of the result"),
        ({"random_state": -1}, "random_state=-1 is no seed"),
        ({"k_range": 5}, "k_range=5 is no range"),
        ({"k_range": (2.5, 4)}, r"k_range=\(2.5, 4\) is no range"),
        ({"preprocessor": "robust"}, "preprocessor='robust' is not a Preprocessor"),
        ({"backend": "cpu", "preprocessor": Preprocessor(backend="cuda")}, "backend='cpu' and the .*'cuda' differ"),
        ({"columns": ["spend"], "preprocessor": Preprocessor(columns=["plan"])}, "differ; give one of the two"),
        ({"columns": ["spnd"]}, "did you mean 'spend'"),
    ],
)
def test_a_wrong_parameter_is_said(options, message):
    with pytest.raises(InvalidInput, match=message):
        Segmenter(**options).fit(CUSTOMERS)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (CUSTOMERS.head(0), "no rows"),
        (CUSTOMERS.head(1), "1 row"),
        (pl.concat([CUSTOMERS, CUSTOMERS.head(1)]), "repeats ids in 1 of 121 rows, such as 'c000'"),
        (CUSTOMERS.with_columns(id=None), "missing in 120 of 120 rows"),
        (CUSTOMERS.with_columns(id=pl.Series([" ", *CUSTOMERS["id"][1:]])), "missing in 1 of 120 rows"),
        (CUSTOMERS.with_columns(id=pl.Series([float("nan"), *range(119)], strict=False)), "missing in 1 of 120 rows"),
        (CUSTOMERS.with_columns(id=pl.concat_list("id")), "give a column of numbers or text as ids"),
        (CUSTOMERS.select("id", spend=1.0), "constant"),
        ({"a": [1]}, "no table"),
    ],
)
def test_a_wrong_table_is_said(table, message):
    with pytest.raises(InvalidInput, match=message):
        Segmenter(id_column="id").fit(table)


def test_more_segments_than_distinct_customers_warns():
    table = pl.DataFrame({"a": [1.0, 2.0, 9.0] * 5})
    with pytest.warns(FewerSegments, match="n_clusters=5 is more than the 3 distinct rows"):
        segmenter = Segmenter(n_clusters=5).fit(table)
    assert segmenter.choice_.k == 3


@pytest.mark.parametrize("name", [name for name, algorithm in ALGORITHMS.items() if takes_number(algorithm)])
def test_segments_that_are_told_are_those_that_there_are(name):
    with pytest.warns(FewerSegments):
        segmenter = Segmenter(algorithm=name, n_clusters=4).fit(pl.DataFrame({"a": [1.0, 1.0, 1.0, 2.0, 2.0]}))
    assert segmenter.choice_.k == segmenter.card_["segments"] == len(segmenter.profile_) == 2


def test_a_refused_fit_leaves_an_earlier_one_whole():
    segmenter = Segmenter(n_clusters=2, algorithm="kmedoids").fit(pl.DataFrame({"a": [1.0, 2.0, 8.0, 9.0]}))
    few = pl.DataFrame({"a": [1000.0, 2000.0, 9000.0]})
    with pytest.raises(InvalidInput, match="n_clusters=5 is more than the rows"):
        segmenter.set_params(n_clusters=5).fit(few)
    assert segmenter.predict(pl.DataFrame({"a": [1.0, 2.0, 8.0, 9.0]})).tolist() == segmenter.labels_.tolist()


def test_two_distinct_customers_are_two_segments():
    assert Segmenter().fit(pl.DataFrame({"a": [1.0, 2.0, 1.0, 2.0]})).choice_.k == 2


def test_a_model_whose_state_does_not_fit_is_one_error(fitted, tmp_path):
    card, state = read_model(fitted.save(tmp_path / "m.gpuseg"))
    del state["model"]
    with pytest.raises(InvalidModel, match="holds no segmenter that can be rebuilt"):
        gpuseg.load(write_model(tmp_path / "n.gpuseg", card, state))


def test_a_segment_that_the_sample_misses_is_no_error():
    table = pl.DataFrame({"a": [*np.random.default_rng(0).normal(size=20_000), 1e6]})
    segmenter = Segmenter(n_clusters=2, preprocessor=Preprocessor(skew="none")).fit(table)
    assert segmenter.profile_["size"].to_list() == [20_000, 1]
    assert segmenter.score_ is None or segmenter.score_.mean > 0.9


def test_a_range_of_k_above_the_distinct_customers_warns():
    table = pl.DataFrame({"a": [1.0, 2.0, 9.0] * 5})
    with pytest.warns(FewerSegments, match=r"k_range=\(5, 8\) starts above the 3 distinct rows"):
        assert Segmenter(k_range=(5, 8)).fit(table).choice_.k == 3


def test_given_starts_are_not_kept_in_the_model(tmp_path):
    starts = np.array([[0.1] * 6, [0.2] * 6, [0.3] * 6])
    segmenter = Segmenter(id_column="id", n_clusters=3, algorithm_params={"init": starts}).fit(CUSTOMERS)
    again = gpuseg.load(segmenter.save(tmp_path / "m.gpuseg"))
    assert again.assign(CUSTOMERS).equals(segmenter.segments_)
    assert "init" not in again.card_["parameters"]


def test_a_column_called_row_is_no_id():
    table = CUSTOMERS.drop("id").with_columns(row=pl.col("spend") * 2)
    segmenter = Segmenter().fit(table)
    assert segmenter.segments_["row"].to_list() == list(range(120))
    assert "row_mean" in segmenter.profile_.columns


def test_one_new_customer_of_whom_little_is_known(fitted):
    new = pd.DataFrame({"id": ["n"], "spend": [None], "joined": [None], "member": [None], "plan": ["gold"]})
    assert len(fitted.assign(new)) == 1


def test_a_preprocessors_own_backend_is_kept():
    own = Preprocessor(backend="cpu", id_column="id", columns=["spend"])
    segmenter = Segmenter(id_column="id", preprocessor=own).fit(CUSTOMERS)
    assert segmenter.preprocessor_.backend == "cpu"
    assert segmenter.preprocessor_.columns == ["spend"]


def test_choosing_k_is_by_k_means_for_algorithms_that_do_not_choose():
    given = {"algorithm": "optics", "algorithm_params": {"min_samples": 9}}
    ours = Segmenter(id_column="id", k_range=(2, 4), **given).choose_k(CUSTOMERS)
    assert ours == Segmenter(id_column="id", k_range=(2, 4)).choose_k(CUSTOMERS)


def test_a_loaded_segmenter_keeps_a_preprocessor_of_the_users_own(tmp_path):
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60) * 100})
    own = Segmenter(preprocessor=Preprocessor(scale="none"), n_clusters=2).fit(table)
    loaded = gpuseg.load(own.save(tmp_path / "m.gpuseg"))
    assert loaded.preprocessor.scale == "none"
    assert loaded.choose_k(table) == own.choose_k(table)


def test_the_share_of_value_is_of_all_that_customers_are_worth():
    table = pl.DataFrame({"x": [0.0, 0.1, 0.2, 9.0, 9.1], "worth": [1.0, 2.0, None, 90.0, 7.0]})
    fitted = Segmenter(columns=["x"], n_clusters=2, value_column="worth").fit(table)
    assert fitted.profile_["value_share"].to_list() == pytest.approx([0.03, 0.97])
    assert fitted.card_["value_column"] == "worth"
    with pytest.raises(InvalidInput, match=r"value_column='wort' is not a column of the table.*did you mean 'worth'"):
        Segmenter(n_clusters=2, value_column="wort").fit(table)
    with pytest.raises(InvalidInput, match="give a column of numbers as value_column"):
        Segmenter(columns=["x"], n_clusters=2, value_column="worth").fit(table.cast({"worth": pl.String}))


def test_report_and_choice_are_methods_of_a_segmenter(tmp_path):
    table = pl.DataFrame({"id": range(40), "x": [0.0, 9.0] * 20, "y": [float(i % 5) for i in range(40)]})
    segmenter = Segmenter("id")
    choice = segmenter.choose_k(table)
    assert not hasattr(segmenter, "model_")
    fitted = segmenter.fit(table).choice_
    # A fit works out the stability of the numbers that compete alone.
    assert fitted._replace(candidates=[]) == choice._replace(candidates=[])
    assert [c.k for c in fitted.candidates] == [c.k for c in choice.candidates]
    assert all(c.stability is not None for c in choice.candidates)
    page = segmenter.report(tmp_path / "r.html", title="Ours <2026>").read_text()
    assert "Ours &lt;2026&gt;" in page
    assert choice.reason.split(";")[0] in page


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_segments_and_comes_back_from_its_file(name, tmp_path):
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, size=300)
    table = pl.DataFrame(
        {"id": range(300), "spend": groups * 40 + rng.normal(size=300), "visits": rng.normal(size=300)}
    )
    number = {"n_clusters": 3} if takes_number(ALGORITHMS[name]) else {}
    own = {"dbscan": {"eps": 0.8}, "hdbscan": {"min_cluster_size": 30}, "optics": {"min_samples": 30}}.get(name, {})
    segmenter = Segmenter("id", algorithm=name, algorithm_params=own, **number).fit(table)
    assert segmenter.profile_["size"].sum() == 300
    path = segmenter.save(tmp_path / "model.gpuseg")
    again = load(path)
    np.testing.assert_array_equal(again.predict(table), segmenter.predict(table))
    assert again.assign(table)["novelty"].is_between(0, 1).all()
    assert segmenter.report(tmp_path / "report.html").exists()


def test_methods_that_are_told_the_number_choose_it_themselves():
    segmenter = Segmenter("id", algorithm="agglomerative", k_range=(2, 5)).fit(CUSTOMERS)
    assert segmenter.choice_.reason.endswith("(by agglomerative itself)")
    assert segmenter.model_.n_clusters_ == segmenter.choice_.k


def test_the_score_is_that_of_the_segments_that_are_told():
    rng = np.random.default_rng(3)
    customers = pl.DataFrame({"id": np.arange(300), "a": rng.normal(size=300), "b": rng.normal(size=300)})
    segmenter = Segmenter("id", algorithm="optics").fit(customers)
    x = np.asarray(segmenter.preprocessor_.transform(customers))
    assert not np.array_equal(np.sort(segmenter.labels_), np.sort(segmenter.model_.labels_))
    assert segmenter.score_.mean == pytest.approx(sampled_silhouette(x, segmenter.labels_).mean)


def test_a_tree_cut_at_a_distance_finds_the_number_itself():
    segmenter = Segmenter("id", algorithm="agglomerative", algorithm_params={"distance_threshold": 9.0}).fit(CUSTOMERS)
    assert segmenter.model_.n_clusters is None
    assert segmenter.choice_.k == segmenter.model_.n_clusters_ == len(segmenter.profile_)
    with pytest.raises(InvalidInput, match=r"n_clusters=2 and distance_threshold=9.0 are not allowed together"):
        clone(segmenter).set_params(n_clusters=2).fit(CUSTOMERS)
