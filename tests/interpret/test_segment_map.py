import json

import numpy as np
import pytest
from scipy.stats import binom

from gpuseg.errors import InvalidInput
from gpuseg.interpret.segment_map import fewest_of, segment_map

FEATURES = ["recency", "visits", "spend"]


def customers(rows, seed=0):
    """Return customers of three segments that differ along a line of visits and spend, and their segments."""
    rng = np.random.default_rng(seed)
    segments = rng.integers(0, 3, rows)
    line = np.array([0.0, 1.0, 1.0]) / np.sqrt(2)
    return segments[:, None] * 6 * line + rng.normal(size=(rows, 3)), segments


def test_the_axes_are_the_principal_components():
    x, segments = customers(4000)
    found = segment_map(x, segments, rows=4000, features=FEATURES)
    spread = np.linalg.eigvalsh(np.cov(x.T))[::-1]
    assert [axis["share"] for axis in found["axes"]] == pytest.approx((spread[:2] / spread.sum()).tolist())
    first = found["axes"][0]
    assert (sorted(first["more"]), first["less"]) == (["spend", "visits"], [])
    assert first["words"] in ("more visits, spend", "more spend, visits")


def test_every_square_holds_as_many_as_asked_for_and_its_segment_is_that_of_most():
    x, segments = customers(4000)
    found = segment_map(x, segments, rows=4000, features=FEATURES, least=10)
    bins = found["bins"]
    assert min(bins["count"]) >= 10
    assert sum(bins["count"]) == pytest.approx(found["shown"] * 4000)
    assert found["shown"] >= 0.9
    centers = {center["segment"]: center["x"] for center in found["centers"]}
    nearest = [min(centers, key=lambda s, at=at: abs(centers[s] - at)) for at in bins["x"]]
    assert np.mean(np.array(nearest) == bins["segment"]) > 0.9
    assert json.loads(json.dumps(found)) == found


def test_more_customers_have_smaller_squares_and_all_are_within_the_ends():
    widths = []
    for rows in (300, 3000, 30_000):
        x, segments = customers(rows)
        found = segment_map(x, segments, rows=rows, features=FEATURES)
        widths.append(found["width"])
        reach = np.ptp(found["bins"]["x"]) + found["width"]
        assert reach <= np.ptp(x @ np.array([0, 1, 1]) / np.sqrt(2)) + 1e-6
    assert widths[0] > widths[1] > widths[2]


def test_of_a_sample_counts_stand_for_all():
    x, segments = customers(5000)
    found = segment_map(x, segments, rows=1_000_000, features=FEATURES)
    assert sum(found["bins"]["count"]) == pytest.approx(found["shown"] * 1_000_000)
    assert min(found["bins"]["count"]) >= 200


@pytest.mark.parametrize(("least", "share"), [(10, 0.9), (10, 0.3), (10, 0.02), (100, 0.1), (1, 0.5)])
def test_a_sample_hardly_shows_a_square_of_fewer(least, share):
    needed = fewest_of(least, share)
    assert binom.sf(needed - 1, least - 1, share) <= 0.001
    assert needed == 1 or binom.sf(needed - 2, least - 1, share) > 0.001


def test_far_customers_and_small_segments_are_in_no_square_and_no_center():
    x, segments = customers(2000)
    x[:4], segments[:4] = 1000.0, 7
    found = segment_map(x, segments, rows=2000, features=FEATURES)
    assert max(np.abs(found["bins"]["x"])) < 100
    assert [center["segment"] for center in found["centers"]] == [0, 1, 2]
    assert 7 not in found["bins"]["segment"]


def test_noise_has_squares_and_no_center():
    x, segments = customers(2000)
    found = segment_map(x, np.where(segments == 2, -1, segments), rows=2000, features=FEATURES)
    assert set(found["bins"]["segment"]) == {-1, 0, 1}
    assert [center["segment"] for center in found["centers"]] == [0, 1]


def test_the_order_of_the_rows_changes_nothing():
    x, segments = customers(2000)
    order = np.random.default_rng(1).permutation(2000)
    one = segment_map(x, segments, rows=2000, features=FEATURES)
    other = segment_map(x[order], segments[order], rows=2000, features=FEATURES)
    assert one["bins"]["segment"] == other["bins"]["segment"]
    assert one["bins"]["x"] == pytest.approx(other["bins"]["x"], abs=1e-3)


def test_codes_are_categories_and_no_amounts():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 900)
    x = np.column_stack([codes * 50.0, rng.normal(scale=0.1, size=900)])
    found = segment_map(x, codes, rows=900, features=["channel", "spend"], codes=[0])
    assert found["axes"][0]["words"].count("channel") <= 2
    assert found["axes"][0]["share"] == pytest.approx(0.5, abs=0.05)  # three equal groups lie on two axes alike


@pytest.mark.parametrize("columns", [1, 2])
def test_one_column_and_equal_rows(columns):
    x = np.random.default_rng(0).normal(size=(500, 1)).repeat(columns, axis=1)
    found = segment_map(x, (x[:, 0] > 0).astype(int), rows=500, features=FEATURES[:columns])
    assert [axis["share"] for axis in found["axes"]] == pytest.approx([1.0, 0.0])
    flat = segment_map(np.ones((50, columns)), np.zeros(50, int), rows=50, features=FEATURES[:columns])
    assert flat["bins"]["count"] == [50]
    assert [axis["words"] for axis in flat["axes"]] == ["", ""]


def test_too_few_customers_are_refused():
    with pytest.raises(InvalidInput, match="9 customers are too few for a map with least=10; give more"):
        segment_map(np.ones((9, 2)), np.zeros(9, int), rows=9, features=FEATURES[:2])
