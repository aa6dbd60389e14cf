import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from gpuseg.errors import InvalidInput
from gpuseg.metrics import calinski_harabasz, davies_bouldin


@pytest.mark.parametrize("step", [1, 7, 50])
def test_equals_sklearn(blobs, backend, step):
    x, labels = blobs
    labels = (labels * 3 + np.arange(600) // step) % 11
    device = backend.to_device(x)
    assert calinski_harabasz(device, labels) == pytest.approx(calinski_harabasz_score(x, labels), rel=1e-9)
    assert davies_bouldin(device, labels) == pytest.approx(davies_bouldin_score(x, labels), rel=1e-9)


def test_noise_is_left_out(blobs):
    x, labels = blobs
    marked = np.where(np.arange(600) < 50, -1, labels)
    assert calinski_harabasz(x, marked) == pytest.approx(calinski_harabasz_score(x[50:], labels[50:]))
    assert davies_bouldin(x, marked) == pytest.approx(davies_bouldin_score(x[50:], labels[50:]))


def test_clusters_of_equal_rows():
    x, labels = np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 0, 1, 1])
    assert calinski_harabasz(x, labels) == np.inf
    assert davies_bouldin(x, labels) == 0
    assert davies_bouldin(np.array([[0.0], [2.0], [1.0], [1.0]]), labels) == np.inf  # one centre for both


@pytest.mark.parametrize("index", [calinski_harabasz, davies_bouldin])
def test_one_cluster_is_refused(blobs, index):
    with pytest.raises(InvalidInput, match=r"hold 1 cluster\(s\); pass at least 2"):
        index(blobs[0], np.zeros(600, int))
