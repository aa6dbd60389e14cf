import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from gpuseg.errors import InvalidInput
from gpuseg.metrics import adjusted_rand


@given(st.lists(st.tuples(st.integers(-1, 4), st.sampled_from("abc")), min_size=1, max_size=40))
def test_equals_sklearn(pairs):
    one, other = (np.array(labels) for labels in zip(*pairs, strict=True))
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def test_millions_of_rows_do_not_overflow():
    labels = np.arange(3_000_000) % 7
    assert adjusted_rand(labels, labels[::-1]) == pytest.approx(adjusted_rand_score(labels, labels[::-1]))


@pytest.mark.parametrize("other", [np.zeros(3), np.zeros((4, 1)), np.zeros(0)])
def test_labels_of_other_rows_are_refused(other):
    with pytest.raises(InvalidInput, match="pass one label a row"):
        adjusted_rand(np.zeros(4), other)
