import numpy as np
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.selection import choose_n_clusters


def test_finds_the_blobs_and_says_why(blobs, backend):
    x, _ = blobs
    found = choose_n_clusters(backend.to_device(x), range(2, 8), n_init=3, backend=backend.name)
    assert found.k == 4
    assert found.reason.startswith("4 segments have the highest silhouette 0.")
    assert [c.k for c in found.candidates] == [2, 3, 4, 5, 6, 7]
    assert np.all(np.diff([c.inertia for c in found.candidates]) < 0)
    assert found.model.n_clusters == 4


def test_prefers_the_fewest_within_one_standard_error():
    x = np.random.default_rng(0).normal(size=(400, 8))  # no clusters: scores differ by chance
    found = choose_n_clusters(x, range(2, 12), n_init=2)
    best = max(found.candidates, key=lambda c: c.silhouette)
    taken = next(c for c in found.candidates if c.k == found.k)
    assert taken.silhouette >= best.silhouette - best.standard_error
    assert all(c.silhouette < best.silhouette - best.standard_error for c in found.candidates if c.k < found.k)


def test_one_segment_alone_cannot_be_scored(blobs):
    with pytest.raises(InvalidInput, match="give k_range above 1"):
        choose_n_clusters(blobs[0], [1])
