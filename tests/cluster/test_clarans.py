import kmedoids
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gpuseg.cluster import CLARANS
from gpuseg.cluster.clarans import LEAST, SHARE
from gpuseg.errors import InvalidInput
from tests.reference import points


def fasterpam(x, k):
    """Return the least loss of ten random starts of the package kmedoids."""
    return min(kmedoids.fasterpam(cdist(x, x), k, random_state=seed, n_cpu=1).loss for seed in range(10))


@pytest.mark.parametrize("k", [2, 4, 9])
def test_the_loss_is_within_two_percent_of_fasterpam(blobs, k):
    for seed in range(3):
        assert CLARANS(k, random_state=seed).fit(blobs[0]).inertia_ <= fasterpam(blobs[0], k) * 1.02


def test_the_loss_is_within_two_percent_of_fasterpam_on_real_sets(data):
    for battery, name, k in (("fcps", "hepta", 7), ("sipu", "jain", 2), ("sipu", "aggregation", 7)):
        x = points(data, battery, name)
        assert CLARANS(k, random_state=0).fit(x).inertia_ <= fasterpam(x, k) * 1.02


def test_it_stops_after_the_papers_number_of_rows_in_vain(blobs):
    same = np.repeat([[0.0], [5.0], [9.0]], 4, axis=0)
    assert CLARANS(3, random_state=0).fit(same).n_iter_ == LEAST  # the three distinct rows: nothing to swap
    x = np.random.default_rng(0).normal(size=(3000, 2))
    most = int(SHARE * 8 * (3000 - 8))
    model = CLARANS(8, numlocal=1, random_state=0).fit(x)
    assert most > LEAST
    assert model.n_iter_ >= most
    assert model.n_iter_ % most == 0


def test_more_rows_in_vain_and_more_starts_end_lower(blobs):
    x = np.random.default_rng(3).normal(size=(800, 3))
    losses = [
        CLARANS(12, numlocal=n, maxneighbor=m, random_state=0).fit(x).inertia_ for n, m in ((1, 3), (1, 300), (4, 300))
    ]
    assert losses[0] > losses[1] >= losses[2]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"numlocal": 0}, "numlocal=0 is not allowed"),
        ({"maxneighbor": 0}, "maxneighbor=0 is not allowed"),
        ({"maxneighbor": "all"}, "maxneighbor='all' is not known; give 'auto' or a whole number"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(InvalidInput, match=message):
        CLARANS(3, **parameters).fit(np.eye(8))
