"""How stable the segments of a fit are: parameters that count rows count those that differ in a resample."""

import numpy as np
import pytest

from gpuseg import DBSCAN, HDBSCAN
from gpuseg.interpret.stability import stable_segments


@pytest.mark.parametrize("model", [HDBSCAN(30, min_samples=5), DBSCAN(0.9, min_samples=30)])
def test_a_niche_that_the_parameters_just_allow_is_found_again_in_resamples(model):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(at, 0.3, (n, 2)) for at, n in ((0, 400), (9, 100), (18, 40))])
    labels = model.fit(x).labels_
    assert sorted(np.unique(labels[labels >= 0]).tolist()) == [0, 1, 2]
    found = stable_segments(model, x, labels, len(x))
    assert [one.segment for one in found] == [0, 1, 2]
    assert min(one.jaccard for one in found) > 0.7  # unscaled, 30 rows are more than differ in a resample of 40
