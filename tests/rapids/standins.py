"""CuPy and cuML without a device: CuPy's names over NumPy's arrays, and estimators with cuML's own signatures.

What an estimator does with its parameters is what cuML 26.10's sources say that it does, and no more of it than the
meaning of the parameters: float32, which rows min_samples counts, when k-means stops.
"""

import inspect
from functools import partial
from types import SimpleNamespace
from unittest.mock import create_autospec

import numpy as np
import sklearn.cluster

FREE, ALL = 8 << 30, 16 << 30
"""Bytes of a device that is not there."""


class NumpyAsCupy:
    """CuPy's functions by NumPy's of the same name."""

    asnumpy = staticmethod(np.asarray)
    cuda = SimpleNamespace(runtime=SimpleNamespace(memGetInfo=lambda: (FREE, ALL)))

    def __getattr__(self, name):
        return getattr(np, name)


def stand_in(real, fit, made):
    """Return a class that takes what ``real`` takes, fits by ``fit`` and puts each model that it makes in ``made``."""

    def build(*args, **kwargs):
        given = inspect.signature(real).bind(*args, **kwargs)
        given.apply_defaults()
        model = create_autospec(real, instance=True)
        for name, value in given.arguments.items():
            setattr(model, name, value)
        model.fit.side_effect = partial(fit, model)
        made.append(model)
        return model

    return create_autospec(real, side_effect=build)


def fit_kmeans(model, X, y=None, sample_weight=None):
    """Walk by Lloyd's steps as cuML: it stops at a sum of squared shifts below tol or a cost above 1 - tol of the last.

    Neither is a share of the variance. Labels and inertia are those of the last centres.
    """
    assert model.n_init == 1
    assert model.tol > 0
    centers, before = np.array(model.init, dtype=X.dtype), np.inf
    weight = np.ones(len(X), X.dtype) if sample_weight is None else sample_weight
    steps = 0
    while steps < model.max_iter:
        steps += 1
        labels, cost = nearest(X, centers, weight)
        mass = np.bincount(labels, weight, len(centers))[:, None]
        sums = np.stack([np.bincount(labels, weight * column, len(centers)) for column in X.T], axis=1)
        moved = np.where(mass > 0, sums / np.maximum(mass, 1e-30), centers).astype(X.dtype)
        shift, centers = float(((moved - centers) ** 2).sum()), moved
        if shift < model.tol or cost > (1 - model.tol) * before:
            break
        before = cost
    model.cluster_centers_, model.n_iter_ = centers, steps
    model.labels_, model.inertia_ = nearest(X, centers, weight)
    return model


def nearest(x, centers, weight):
    """Return the number of each row's nearest centre, and the weighted sum of squared distances."""
    away = ((x[:, None] - centers) ** 2).sum(axis=2)
    return away.argmin(axis=1), float(weight @ away.min(axis=1))


def fit_dbscan(model, X, y=None, sample_weight=None, *, out_dtype="int32"):
    """Fit by scikit-learn: min_samples counts the row itself in both."""
    assert np.dtype(out_dtype) in (np.dtype("int32"), np.dtype("int64"))
    found = sklearn.cluster.DBSCAN(eps=model.eps, min_samples=model.min_samples).fit(X, sample_weight=sample_weight)
    model.labels_, model.core_sample_indices_ = (
        part.astype(out_dtype) for part in (found.labels_, found.core_sample_indices_)
    )
    return model


def fit_hdbscan(model, X, y=None):
    """Fit by scikit-learn, whose min_samples counts the row itself: one more than cuML's of the same meaning."""
    assert 1 <= model.min_samples <= 1023
    found = sklearn.cluster.HDBSCAN(min_cluster_size=2, min_samples=model.min_samples + 1, copy=True).fit(X)
    tree = found._single_linkage_tree_
    columns = [tree[name] for name in ("left_node", "right_node", "value", "cluster_size")]
    model._single_linkage_tree = np.stack(columns, axis=1).astype(np.float64)
    return model


FITS = {"KMeans": fit_kmeans, "DBSCAN": fit_dbscan, "HDBSCAN": fit_hdbscan}
