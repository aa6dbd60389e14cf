import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import gpuseg
from gpuseg import Preprocessor, Segmenter, load
from gpuseg.cluster import ALGORITHMS
from gpuseg.errors import FewerSegments, InvalidInput
from gpuseg.io.model import read_model, write_model
from gpuseg.selection import takes_number

RNG = np.random.default_rng(0)
GROUP = np.repeat([0, 1, 2, 3], [60, 40, 30, 20])
CUSTOMERS = pl.DataFrame(
    {
        "id": [f"c{i:03}" for i in range(150)],
        # Two far groups, the first of two nearer ones, and one of these of two by country alone.
        "spend": np.array([10.0, 10.0, 14.0, 900.0])[GROUP] + RNG.normal(size=150) * 0.1,
        "visits": np.array([3.0, 3.0, 9.0, 50.0])[GROUP] + RNG.normal(size=150) * 0.1,
        "country": np.array(["de", "fr", "de", "de"])[GROUP],
    }
)
WHOLE = {"id_column": "id", "columns": ["spend", "visits"], "n_clusters": 2, "k_range": (2, 4)}
PLAIN = {"preprocessor": Preprocessor(skew="none")}


@pytest.fixture(autouse=True)
def quiet():
    with gpuseg.config(notices="off"):
        yield


def fitted(table=CUSTOMERS, **options):
    return Segmenter(**{**WHOLE, **PLAIN, **options}).fit(table)


def test_the_parts_are_those_of_the_segment_and_the_others_stay():
    segmenter = fitted()
    before = segmenter.segments_
    assert segmenter.profile_["size"].to_list() == [130, 20]
    assert segmenter.split(0) is segmenter
    after = segmenter.segments_
    assert after["segment"].to_list() == np.array([2, 2, 3, 1])[GROUP].tolist()
    others = before["segment"] != 0
    assert after.filter(others).equals(before.filter(others))
    assert segmenter.profile_["segment"].to_list() == [1, 2, 3]
    assert segmenter.profile_["size"].to_list() == [20, 100, 30]
    assert segmenter.labels_.tolist() == after["segment"].to_list()
    assert segmenter.hierarchy_.drop("share").rows() == [
        (0, None, "0", 130), (2, 0, "0/2", 100), (3, 0, "0/3", 30), (1, None, "1", 20)
    ]  # fmt: skip
    assert segmenter.card_["segments"] == 3


def test_a_part_is_split_again_by_a_column_of_its_own():
    segmenter = fitted().split(0).split(2, columns=["country"], n_clusters=2)
    assert segmenter.segments_["segment"].to_list() == np.array([4, 5, 3, 1])[GROUP].tolist()
    assert segmenter.hierarchy_["path"].to_list() == ["0", "0/2", "0/2/4", "0/2/5", "0/3", "1"]
    new = pl.DataFrame({"id": ["n", "m"], "spend": [10.0, 10.0], "visits": [3.0, 3.0], "country": ["fr", "de"]})
    assert segmenter.predict(new).tolist() == [5, 4]
    with pytest.raises(InvalidInput, match="the column that segment 2 was split by='country' is not a column"):
        segmenter.predict(new.drop("country"))


def test_new_customers_go_down_step_by_step():
    segmenter = fitted()
    above = segmenter.assign(CUSTOMERS)
    segmenter.split(0)
    placed, own = segmenter.assign(CUSTOMERS), segmenter.splits_[0].segmenter
    assert placed.equals(segmenter.segments_)
    np.testing.assert_array_equal(segmenter.predict(CUSTOMERS), segmenter.labels_)
    inside = above["segment"] == 0
    alone = own.assign(CUSTOMERS.filter(inside))
    found = placed.filter(inside)
    assert found["segment"].to_list() == (alone["segment"] + 2).to_list()
    assert found.select("distance", "novelty").equals(alone.select("distance", "novelty"))
    least = np.minimum(alone["confidence"], above.filter(inside)["confidence"])
    np.testing.assert_array_equal(found["confidence"], least)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_splits_and_places_the_customers_where_they_were(name, tmp_path):
    segmenter = fitted()
    number = {"n_clusters": 2} if takes_number(ALGORITHMS[name]) else {}
    own = {"dbscan": {"eps": 0.8}, "hdbscan": {"min_cluster_size": 15}, "optics": {"min_samples": 15}}.get(name, {})
    segmenter.split(0, algorithm=name, algorithm_params=own, **number)
    assert len(segmenter.splits_[0].into) >= 2
    assert segmenter.profile_["size"].sum() == 150
    np.testing.assert_array_equal(segmenter.predict(CUSTOMERS), segmenter.labels_)
    again = load(segmenter.save(tmp_path / "model.gpuseg"))
    assert again.assign(CUSTOMERS).equals(segmenter.segments_)


def test_categories_as_such_in_the_whole_and_in_a_part(tmp_path):
    columns = ["spend", "visits", "country"]
    segmenter = Segmenter("id", columns=columns, algorithm="kprototypes", n_clusters=2, **PLAIN).fit(CUSTOMERS)
    segmenter.split(0, n_clusters=3, algorithm_params={"gamma": 4.0}).split(1, algorithm="kmeans", n_clusters=2)
    assert segmenter.splits_[0].segmenter.model_.gamma_ == 4.0
    assert segmenter.profile_["size"].sum() == 150
    np.testing.assert_array_equal(segmenter.predict(CUSTOMERS), segmenter.labels_)
    again = load(segmenter.save(tmp_path / "m.gpuseg"))
    assert again.assign(CUSTOMERS).equals(segmenter.segments_)


def test_there_and_back_through_a_file(tmp_path):
    segmenter = fitted().split(0).split(2, columns=["country"], n_clusters=2)
    path = segmenter.save(tmp_path / "m.gpuseg")
    again = load(path)
    new = CUSTOMERS.with_columns(pl.col("spend") + 1)
    assert again.assign(new).equals(segmenter.assign(new))
    assert again.card_ == segmenter.card_
    assert again.hierarchy_.equals(segmenter.hierarchy_)
    assert again._repr_html_() == segmenter._repr_html_()
    again.save(tmp_path / "again.gpuseg")
    assert (tmp_path / "again.gpuseg").read_bytes() == path.read_bytes()
    assert b"c000" not in path.read_bytes()


def test_a_loaded_segmenter_is_split_with_the_table_of_its_fit(tmp_path):
    segmenter = fitted()
    again = load(segmenter.save(tmp_path / "m.gpuseg"))
    with pytest.raises(InvalidInput, match=r"loaded or copied has no customers; .*split\(0, customers\)"):
        again.split(0)
    with pytest.raises(InvalidInput, match="the customers are not those of the fit"):
        again.split(0, CUSTOMERS.with_columns(pl.col("spend") + 1))
    again.split(0, CUSTOMERS)
    assert_frame_equal(again.segments_, segmenter.split(0).segments_)
    assert again.split(2, columns=["country"]).hierarchy_["path"].to_list()[2] == "0/2/4"


def test_a_model_written_before_segments_were_split_loads(tmp_path):
    segmenter = fitted()
    card, state = read_model(segmenter.save(tmp_path / "m.gpuseg"))
    del card["splits"], state["splits"]
    again = load(write_model(tmp_path / "old.gpuseg", card, state))
    assert again.split(0, CUSTOMERS).card_["segments"] == 3


def test_unsplit_gives_back_what_was():
    segmenter = fitted()
    before, profile, hierarchy = segmenter.segments_, segmenter.profile_, segmenter.hierarchy_
    segmenter.split(0).split(1, n_clusters=2).split(2, columns=["country"])
    assert segmenter.splits_[1].into == (4, 5)
    segmenter.unsplit(0)
    assert segmenter.hierarchy_["path"].to_list() == ["0", "1", "1/4", "1/5"]
    segmenter.unsplit(1)
    assert segmenter.segments_.equals(before)
    assert segmenter.profile_.equals(profile)
    assert segmenter.hierarchy_.equals(hierarchy)
    with pytest.raises(InvalidInput, match="segment=0 is not split; those that are: none"):
        segmenter.unsplit(0)


def test_the_order_of_rows_does_not_matter():
    order = np.random.default_rng(1).permutation(150)
    here, there = (fitted(table).split(0).split(2, columns=["country"]) for table in (CUSTOMERS, CUSTOMERS[order]))
    assert_frame_equal(there.segments_.sort("id"), here.segments_, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("give", "kind"), [("to_pandas", pd.DataFrame), ("to_arrow", pa.Table), ("lazy", pl.DataFrame)]
)
def test_results_are_in_the_callers_library(give, kind):
    segmenter = fitted(getattr(CUSTOMERS, give)()).split(0)
    for table in (segmenter.segments_, segmenter.profile_, segmenter.hierarchy_):
        assert isinstance(table, kind)
    found = pl.DataFrame(pa.table(segmenter.segments_))
    assert found["segment"].to_list() == np.array([2, 2, 3, 1])[GROUP].tolist()


def test_an_array_of_numbers():
    x = CUSTOMERS.select("spend", "visits").to_numpy()
    segmenter = Segmenter(n_clusters=2, **PLAIN).fit(x).split(0)
    np.testing.assert_array_equal(segmenter.labels_, np.array([2, 2, 3, 1])[GROUP])
    np.testing.assert_array_equal(segmenter.predict(x), segmenter.labels_)


def test_rows_that_the_fit_dropped_stay_dropped():
    gaps = CUSTOMERS.with_columns(spend=pl.when(pl.int_range(pl.len()) != 7).then("spend"))
    segmenter = fitted(gaps, preprocessor=Preprocessor(skew="none", missing="drop")).split(0)
    assert "c007" not in segmenter.segments_["id"]
    assert segmenter.segments_["segment"].to_list() == np.delete(np.array([2, 2, 3, 1])[GROUP], 7).tolist()


def test_gaps_that_would_leave_customers_in_no_part_are_refused():
    gaps = CUSTOMERS.with_columns(country=pl.when(pl.int_range(pl.len()) != 7).then("country"))
    segmenter = fitted(gaps)
    with pytest.raises(InvalidInput, match="missing='drop' of column 'country' leaves customers in no part"):
        segmenter.split(0, columns=["country"], preprocessor=Preprocessor(missing="drop"))
    assert segmenter.splits_ == {}
    segmenter.split(0, columns=["country"])
    assert segmenter.profile_["size"].sum() == 150


def test_a_column_of_counts_stays_one_where_the_segment_has_two_of_them():
    table = CUSTOMERS.with_columns(visits=np.array([0.0, 0.0, 1.0, 50.0])[GROUP])
    segmenter = fitted(table).split(0)
    assert segmenter.predict(table.head(1).with_columns(visits=pl.lit(2.0))).tolist() == [3]


def test_noise_of_a_part_is_noise():
    table = CUSTOMERS.with_columns(visits=pl.when(pl.col("id") == "c000").then(20.0).otherwise("visits"))
    segmenter = fitted(table, n_clusters=2).split(0, algorithm="dbscan", algorithm_params={"eps": 0.5})
    first = segmenter.segments_.row(0, named=True)
    assert (first["segment"], first["confidence"], first["novelty"]) == (-1, 0.0, 1.0)
    assert segmenter.hierarchy_.rows()[-1][:4] == (-1, None, "noise", 1)
    assert segmenter.card_["rows"]["noise"] == 1
    with pytest.raises(InvalidInput, match="segment=-1 is noise, which is no segment"):
        segmenter.split(-1)


def test_the_customers_are_not_pickled_nor_copied():
    segmenter = fitted()
    assert b"spend" not in pickle.dumps(segmenter.__getstate__().get("_customers"))
    for other in (pickle.loads(pickle.dumps(segmenter)), copy.deepcopy(segmenter)):  # noqa: S301 - our own
        with pytest.raises(InvalidInput, match="has no customers"):
            other.split(0)
        assert other.split(0, CUSTOMERS).segments_.equals(fitted().split(0).segments_)


def test_a_table_that_changed_after_the_fit_is_refused():
    table = CUSTOMERS.to_pandas()
    segmenter = fitted(table)
    table.loc[0, "spend"] = 5.0
    with pytest.raises(InvalidInput, match="the customers are not those of the fit"):
        segmenter.split(0)


def test_a_new_fit_forgets_the_parts():
    segmenter = fitted().split(0)
    assert segmenter.fit(CUSTOMERS).splits_ == {}
    assert segmenter.profile_["segment"].to_list() == [0, 1]


@pytest.mark.parametrize(
    ("segment", "options", "message"),
    [
        (7, {}, "segment=7 is no segment; those that can be split: 0 and 1"),
        ("0", {}, "segment='0' is no segment"),
        (True, {}, "segment=True is no segment"),
        (0, {"n_clusters": 1}, "n_clusters=1 splits nothing; give 'auto' or a whole number from 2 up"),
        (0, {"n_clusters": 0}, "n_clusters=0 is not allowed"),
        (0, {"algorithm": "kmean"}, "did you mean 'kmeans'"),
        (0, {"columns": ["cuntry"]}, "segment 0 cannot be split: .*did you mean 'country'"),
        (0, {"columns": 5}, "segment 0 cannot be split: columns=5 is no list"),
        (0, {"columns": ["country"], "customers": CUSTOMERS.drop("country")}, "columns='country' is not a column"),
        (0, {"algorithm_params": {"n_int": 3}}, "did you mean 'n_init'"),
        (1, {"columns": ["country"]}, "segment 1 cannot be split: no column of X is left .* constant"),
        (
            0,
            {"algorithm": "dbscan", "algorithm_params": {"eps": 50.0}},
            "cannot be split: dbscan found .*, 1; use other",
        ),
    ],
)
def test_what_cannot_be_split_is_one_sentence_and_changes_nothing(segment, options, message):
    segmenter = fitted()
    before = segmenter.segments_
    with pytest.raises(InvalidInput, match=message):
        segmenter.split(segment, **options)
    assert segmenter.splits_ == {}
    assert segmenter.segments_ is before
    assert set(segmenter.split(0, columns=["country"]).splits_) == {0}


def test_a_segment_of_fewer_different_customers_has_fewer_parts():
    table = pl.DataFrame({"id": list("abcdefgh"), "spend": [0.0, 0, 0, 1, 1, 90, 90, 90]})
    segmenter = fitted(table, columns=["spend"])
    with pytest.warns(FewerSegments):
        segmenter.split(0, algorithm="kmedoids", n_clusters=4)
    assert segmenter.splits_[0].into == (2, 3)
    assert segmenter.hierarchy_["segment"].to_list() == [0, 2, 3, 1]
    with pytest.raises(InvalidInput, match="segment=4 is no segment; those that can be split: 1, 2 and 3"):
        segmenter.split(4)


def test_a_segment_is_split_once_and_one_customer_is_no_two_parts():
    table = pl.concat([CUSTOMERS, CUSTOMERS.head(1).with_columns(id=pl.lit("far"), spend=pl.lit(90_000.0))])
    segmenter = fitted(table)
    assert segmenter.profile_["size"].to_list() == [150, 1]
    with pytest.raises(InvalidInput, match=r"segment=1 has 1 customer\(s\); split one of at least 2"):
        segmenter.split(1)
    segmenter.split(0)
    with pytest.raises(InvalidInput, match=r"segment=0 is split already, into .* in Python, call unsplit\(0\) first"):
        segmenter.split(0)


def test_report_and_notebook_show_the_parts(tmp_path):
    segmenter = fitted(value_column="spend").split(0).split(2, columns=["country"], n_clusters=2)
    page = segmenter.report(tmp_path / "r.html").read_text()
    assert "Segments that were split further" in page
    for name in ("0/2/4", "0/2/5", "0/3"):
        assert f'<span class="quiet">{name}</span></h3>' in page  # its card
        assert f"({name})</bdi></th>" in page  # its row
        assert f"({name})</bdi><small>" in page  # its column beside the other parts
    assert "<h3><bdi>Segment 0/2</bdi>: 100 customers</h3>" in page
    assert page.count("n_clusters=2 was asked for") == 2  # of the whole, and of one split
    html = segmenter._repr_html_()
    assert "0/2/4" in html
    assert "segment 2 is split into 4 and 5 by kmeans" in html


def test_a_part_found_by_a_digest_says_so(tmp_path):
    segmenter = fitted().split(
        0, algorithm="agglomerative", n_clusters=2, algorithm_params={"method": "digest", "n_micro": 50}
    )
    model = segmenter.splits_[0].segmenter.model_
    told = f"by a digest of {model.digest_size_} points, whose error is {model.digest_error_:.2f}"
    assert told in segmenter._repr_html_()
    assert told in segmenter.report(tmp_path / "r.html").read_text()


def test_what_so_few_are_like_is_in_no_part_of_the_page(tmp_path):
    far = CUSTOMERS.head(1).with_columns(id=pl.lit("far"), visits=pl.lit(25.25))
    segmenter = fitted(pl.concat([CUSTOMERS, far])).split(0, n_clusters=3, columns=["visits"])
    assert segmenter.profile_["size"].to_list() == [20, 100, 30, 1]
    assert "25.25" not in segmenter.report(tmp_path / "r.html").read_text()
