import dask.array as da
import numpy as np
import polars as pl
import pytest

from gpuseg.errors import InvalidInput
from gpuseg.metrics import calinski_harabasz, davies_bouldin, segment_quality, silhouette, simplified_silhouette

INDICES = [calinski_harabasz, davies_bouldin, silhouette, simplified_silhouette]
X = np.array([[0.0, 1.0], [1.0, 0.0], [9.0, 9.0], [10.0, 8.0]])
LABELS = np.array([0, 0, 1, 1])


@pytest.mark.parametrize("index", INDICES)
def test_rows_and_labels_of_any_host_kind(index):
    expected = index(X, LABELS)
    assert index(X.tolist(), LABELS.tolist()) == expected
    assert index(pl.DataFrame(X, schema=["a", "b"]).to_pandas(), pl.Series(LABELS)) == expected
    assert index(X.astype(int), LABELS.astype(float)) == expected


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (np.where(X == 9, np.nan, X), LABELS, "holds NaN or infinity in column"),
        (X, LABELS[:3], r"labels are int64 of shape \(3,\); pass a number a row"),
        (X, np.repeat(LABELS, 2), r"labels are int64 of shape \(8,\); pass a number a row"),
        (X, np.array(list("aabb")), "labels are <U1 of shape"),
        (X[:, 0], LABELS, r"x has shape \(4,\); pass two dimensions"),
        (X[:, :0], LABELS, r"x has shape \(4, 0\); pass two dimensions"),
        (X.astype(str), LABELS, "x holds <U32; pass an array of numbers"),
    ],
)
def test_what_is_no_pair_of_rows_and_labels_is_said(index, x, labels, message):
    with pytest.raises(InvalidInput, match=message):
        index(x, labels)


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 1, 1], r"sample_weight has shape \(3,\); give one a row, \(4,\)"),
        ([1, 1, -1, 1], "sample_weight holds a negative, missing or infinite number"),
        ([0, 0, 0, 0], "sample_weight is zero for every row"),
        (list("abcd"), "sample_weight holds <U1; give a number"),
    ],
)
def test_what_are_no_weights_is_said(index, weight, message):
    with pytest.raises(InvalidInput, match=message):
        index(X, LABELS, sample_weight=weight)


@pytest.mark.parametrize("index", [silhouette, segment_quality])
def test_pairs_of_rows_need_rows_in_memory(index):
    with pytest.raises(InvalidInput, match=r"pass rows in memory, as x.compute\(\)"):
        index(da.from_array(X), LABELS)
