"""k-means ends as well as the published labels and as scikit-learn, on every labelled set.

benchmarks/kmeans_reference.py does the same on birch1 too, in minutes.
"""

import numpy as np
import pytest
from sklearn.cluster import KMeans as Reference

from gpuseg.cluster import KMeans
from tests.reference import points, table

SEEDS = range(10)


def medians(x, k):
    models = [(KMeans(k, n_init=10, random_state=s), Reference(k, n_init=10, random_state=s)) for s in SEEDS]
    return np.median([[model.fit(x).inertia_ for model in pair] for pair in models], axis=0)


@pytest.mark.parametrize("battery", ["fcps", "sipu", "other"])
def test_inertia_on_the_labelled_sets(data, battery):
    rows = [r for r in table(data, "published_kmeans_inertia") if r["battery"] == battery and r["dataset"] != "birch1"]
    assert len(rows) >= 5
    worse = {}
    for row in rows:
        ours, theirs = medians(points(data, battery, row["dataset"]), row["k"])
        ratio = ours / max(theirs, row["kmeans_inertia_of_published_labels"])
        if ratio > 1.001:
            worse[row["dataset"], row["k"]] = ratio
    assert worse == {}
