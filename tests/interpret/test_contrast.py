"""Two segments, or one and the rest, are compared from the details alone: as their customers would be."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest

import gpuseg
from gpuseg import Segmenter
from gpuseg.errors import InvalidInput
from gpuseg.interpret.contrast import contrast


def table(n=300):
    rng = np.random.default_rng(1)
    group = np.arange(n) % 3
    spend = np.array([10.0, 100.0, 1000.0])[group] + rng.normal(size=n)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "spend": np.where(rng.random(n) < 0.1, np.nan, spend),
            "size": spend + rng.normal(size=n),
            "member": rng.random(n) < np.array([0.1, 0.5, 0.9])[group],
            "plan": np.array(["basic", "gold"])[(rng.random(n) < np.array([0.2, 0.2, 0.9])[group]).astype(int)],
            "joined": [dt.date(2020, 1, 1) + dt.timedelta(days=int(400 * g)) for g in group],
            "noise": rng.random(n) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def segmenter():
    with gpuseg.config(notices="off"):
        return Segmenter("id", n_clusters=3, columns=["spend", "size", "member", "plan", "joined", "noise"]).fit(
            table()
        )


def groups(segmenter, *segments):
    both = (
        segmenter.segments_.select("id", "segment").join(table(), on="id").with_columns(pl.col("spend").fill_nan(None))
    )
    return [both.filter(pl.col("segment").is_in(list(one))) for one in segments]


def cohens_d(one, other):
    pooled = ((len(one) - 1) * one.var() + (len(other) - 1) * other.var()) / (len(one) + len(other) - 2)
    return (one.mean() - other.mean()) / pooled**0.5


def test_two_segments_are_compared_as_their_customers_are(segmenter):
    one, other = groups(segmenter, [0], [2])
    found = segmenter.contrast(0, 2)
    assert (found.customers, found.other_customers) == (len(one), len(other))
    told = {each.feature: each for each in found.differences}
    for name in ("spend", "size"):
        a, b = (group[name].drop_nulls() for group in (one, other))
        assert told[name].effect == pytest.approx(cohens_d(a, b))
        assert (told[name].mean, told[name].other_mean) == pytest.approx((a.mean(), b.mean()))
        assert (told[name].median, told[name].other_median) == pytest.approx((a.median(), b.median()))
    a, b = one["member"].mean(), other["member"].mean()
    assert told["member"].effect == pytest.approx(2 * np.arcsin(a**0.5) - 2 * np.arcsin(b**0.5))
    assert told["plan"].level in {"basic", "gold"}
    assert told["plan"].mean == pytest.approx((one["plan"] == told["plan"].level).mean())


def test_one_against_the_rest_is_against_all_others(segmenter):
    (rest,) = groups(segmenter, [0, 2])
    found = segmenter.contrast(1)
    assert (found.other, found.other_customers) == (None, len(rest))
    told = {each.feature: each for each in found.differences}
    assert told["spend"].other_mean == pytest.approx(rest["spend"].mean())
    assert told["spend"].other_median is None
    details = segmenter.details_.filter(pl.col("segment") == 1)
    for name, effect in details.select("feature", "effect").rows():
        assert told[name].effect == pytest.approx(effect)


def test_the_largest_differences_come_first_and_what_differs_not_is_not_told(segmenter):
    found = segmenter.contrast(0, 1)
    assert "noise" in [each.feature for each in found.differences if each.size is None]
    assert found.differences[0].size == "large"
    assert found.sentence.startswith("segment 0 (100 customers) against segment 1 (100 customers): ")
    assert found.differences[0].sentence in found.sentence
    assert "noise is" not in found.sentence
    back = segmenter.contrast(1, 0)
    effects = {each.feature: each.effect for each in back.differences if each.kind != "category"}
    assert {each.feature: -each.effect for each in found.differences if each.feature in effects} == pytest.approx(
        effects
    )


def test_dates_and_shares_read_as_such(segmenter):
    told = {each.feature: each.sentence for each in segmenter.contrast(0, 1).differences}
    assert "2020-01-01" in told["joined"] or "2021-02-04" in told["joined"]
    assert "%" in told["member"]
    assert told["plan"].startswith("plan = ")


def test_a_model_file_is_enough(segmenter, tmp_path):
    loaded = gpuseg.load(segmenter.save(tmp_path / "m.gpuseg"))
    found = loaded.contrast(0, 2)
    assert found == segmenter.contrast(0, 2)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["other"] == 2
    assert found.table.columns[:2] == ["feature", "kind"]
    assert len(found.table) == 6
    page = found._repr_html_()
    assert "segment 2" in page
    assert "plan = " in page


def test_parts_of_a_split_and_noise_are_segments():
    with gpuseg.config(notices="off"):
        split = Segmenter("id", n_clusters=3, columns=["spend", "size"]).fit(table()).split(0, n_clusters=2)
        rows = table().with_columns(size=pl.when(pl.col("id") == 7).then(9999.0).otherwise(pl.col("size")))
        dense = Segmenter("id", columns=["size"], algorithm="dbscan", algorithm_params={"eps": 0.3}).fit(rows)
    assert split.contrast(3, 4).differences[0].size is not None
    assert "noise (1 customer)" in dense.contrast(-1).sentence
    with pytest.raises(InvalidInput, match=r"a=0 is no segment; those that are: 1, 2, 3, 4"):
        split.contrast(0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((7,), r"a=7 is no segment; those that are: 0, 1, 2"),
        ((0, True), r"b=True is no segment"),
        ((1, 1), r"a=1 and b=1 are the same segment; give two, or leave b out for the rest"),
    ],
)
def test_what_is_no_pair_of_segments(segmenter, asked, said):
    with pytest.raises(InvalidInput, match=said):
        segmenter.contrast(*asked)


def test_one_segment_has_no_rest():
    with gpuseg.config(notices="off"):
        alone = Segmenter(n_clusters=1).fit(pl.DataFrame({"a": [1.0, 2.0, 3.0]}))
    with pytest.raises(InvalidInput, match="segment 0 is the only one"):
        alone.contrast(0)


def test_a_feature_without_values_in_a_segment_has_no_effect():
    plain = {
        "segments": [0, 1], "sizes": [3, 3],
        "features": [{"name": "a", "kind": "number", "effect_name": "Cliff's delta", "n": [0, 3], "mean": [None, 2.0],
                      "std": [None, 1.0], "median": [None, 2.0], "effect": [None, None]}],
    }  # fmt: skip
    found = contrast(plain, 0, 1)
    assert (found.differences[0].effect, found.differences[0].mean, found.differences[0].other_mean) == (
        None,
        None,
        2.0,
    )
    assert found.sentence.endswith("no feature differs by as much as a small effect")


def test_no_level_of_few_customers_tells_segments_apart():
    plan = {"name": "plan", "kind": "category", "levels": ["gold", "rare", "(other)"], "effect_name": "Cramer's V"}
    plan |= {"counts": [[40, 9, 1], [0, 0, 50]], "all_counts": [40, 9, 51]}
    few = {**plan, "counts": [[2, 9, 39], [0, 0, 50]], "all_counts": [2, 9, 89]}
    one, other = (
        contrast({"segments": [0, 1], "sizes": [50, 50], "features": [feature]}, 0, 1).differences[0]
        for feature in (plan, few)
    )
    assert (one.level, one.mean, one.other_mean) == ("gold", 0.8, 0.0)
    assert other.level is None
    assert other.sentence == "plan has other levels, none of them of enough customers to be told of"
