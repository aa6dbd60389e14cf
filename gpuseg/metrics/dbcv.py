"""Density-based clustering validation: how sparse clusters are inside, against how far they are from each other."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from array_api_compat import array_namespace, device

from gpuseg._checks import check_count
from gpuseg._estimator import seed_of
from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import each
from gpuseg.errors import InvalidInput, unknown
from gpuseg.metrics._checks import checked, finite_rows
from gpuseg.metrics._reachability import core_distances, cuts_of, reachable, tree_by_first, tree_by_nearest
from gpuseg.neighbors.sample import rows_of, sample_rows

SAMPLE = 20_000
"""Rows that the index is worked out on at most: the time grows with the square of a cluster's rows."""
TREES = {"first": tree_by_first, "nearest": tree_by_nearest}
"""Which of edges of one length a tree has, and what grows it."""


class Validity(NamedTuple):
    """The index, what it is made of for each cluster, and how many rows it was worked out on.

    ``clusters``: cluster, size and share (of all rows, noise too), sparseness (the longest edge inside), separation
    (the shortest edge to another cluster), both in the units of the rows, and validity, in [-1, 1].
    """

    value: float
    clusters: pl.DataFrame
    rows: int


class Inside(NamedTuple):
    """A cluster's inner rows, those of two edges or more in its tree, their core distances, and its sparseness."""

    rows: Array
    core: Array
    sparseness: float


def dbcv(
    x: Array, labels: Array, *, ties: str = "first", sample_size: int | None = SAMPLE, random_state: Any = 0
) -> float:
    """Return the index of density-based clustering validation, in [-1, 1]: larger is better, for clusters of any shape.

    Moulavi, Jaskowiak, Campello, Zimek and Sander, SDM 2014. The mean of the clusters' validities, each weighing its
    share of all rows: noise (-1) lowers it. ``x``: (n_samples, n_features); ``labels``: (n_samples,). Above
    ``sample_size`` rows in clusters, of a random sample of that many, where clusters are thinner: compare only values
    of as many rows. Raises InvalidInput for fewer than 2 clusters of 2 rows or more, for NaN in the rows used, and for
    other shapes.

    Edges of mutual reachability are often of one length, and the paper leaves open which of them a tree has. ``ties``:
    "first" takes the first row's, as the hdbscan package does: then the index is that of its ``validity_index``, and
    hangs on the order of the rows (-0.05 to 0.31 in twelve orders of 1,000 rows in two moons). "nearest" takes the one
    between the nearer rows: the order changes nothing.

    >>> import numpy as np
    >>> round(dbcv(np.array([[0.0], [1.0], [2.0], [9.0], [10.0], [11.0]]), np.array([0, 0, 0, 1, 1, 1])), 4)
    0.8519
    """
    return dbcv_clusters(x, labels, ties=ties, sample_size=sample_size, random_state=random_state).value


def dbcv_clusters(
    x: Array, labels: Array, *, ties: str = "first", sample_size: int | None = SAMPLE, random_state: Any = 0
) -> Validity:
    """Return the index of ``dbcv`` with sparseness, separation and validity of each cluster.

    A cluster of one row has no inside: its validity is 0, and it separates nothing, as noise.

    >>> import numpy as np
    >>> found = dbcv_clusters(np.array([[0.0], [1.0], [2.0], [9.0], [10.0], [11.0]]), np.array([0, 0, 0, 1, 1, 1]))
    >>> found.clusters.select("size", "sparseness", "separation").rows()
    [(3, 1.333..., 9.0), (3, 1.333..., 9.0)]
    """
    if ties not in TREES:
        raise unknown("ties", ties, TREES)
    if sample_size is not None:
        check_count("sample_size", sample_size, low=2)
    rows, of = checked(x, labels)
    there = array_namespace(of).nonzero(of >= 0)[0]
    picked = rows_of(there, sample_rows(there.shape[0], sample_size, seed_of(random_state)))
    found, label = np.unique(to_host(rows_of(of, picked)), return_inverse=True)
    members = [np.flatnonzero(label == number) for number in range(len(found))]
    whole = [number for number, inside in enumerate(members) if len(inside) > 1]
    if len(whole) < 2:  # noqa: PLR2004 - clusters to tell apart
        raise InvalidInput(
            f"labels hold {len(whole)} cluster(s) of 2 rows or more among {len(label)} rows that are no noise; pass at "
            "least 2 clusters"
        )
    taken, scale = _scaled(finite_rows(rows, picked))
    insides = [_inside(rows_of(taken, members[number]), ties) for number in whole]
    sparse, apart = np.full(len(found), np.nan), np.full(len(found), np.nan)
    sparse[whole], apart[whole] = [one.sparseness for one in insides], _separations(insides)
    return _validity(found, to_host(of), sparse * scale, apart * scale, len(label))


def _validity(found: Host, labels: Host, sparse: Host, apart: Host, rows: int) -> Validity:
    """Return the index of clusters whose sparseness and separation are known, NaN of a row alone."""
    longest = np.fmax(sparse, apart)
    values = np.divide(apart - sparse, longest, out=np.zeros(len(found)), where=longest > 0)
    sizes = np.array([np.count_nonzero(labels == cluster) for cluster in found])
    shares = sizes / len(labels)
    table = {"cluster": found.astype(np.int64), "size": sizes, "share": shares}
    table |= {"sparseness": sparse, "separation": apart, "validity": values}
    return Validity(float(shares @ values), pl.DataFrame(table).with_columns(pl.selectors.float().fill_nan(None)), rows)


def _scaled(rows: Array) -> tuple[Array, float]:
    """Return rows divided by a power of two, which rounds nothing: squares are then within what a number holds."""
    xp = array_namespace(rows)
    scale = float(np.exp2(np.frexp(float(xp.max(xp.abs(rows))))[1]))
    return rows / scale, scale


def _inside(rows: Array, ties: str) -> Inside:
    """Return what a cluster's tree of mutual reachability tells (definitions 1 to 5 of the paper)."""
    xp = array_namespace(rows)
    core = core_distances(rows)
    ends, length = TREES[ties](rows, core)
    inner = np.bincount(ends.ravel()) > 1
    if not np.any(inner):  # two rows
        inner[: 1 if ties == "first" else 2] = True
    between = np.all(inner[ends], axis=0)
    longest = np.max(length[between] if np.any(between) else length)
    picked = xp.asarray(np.flatnonzero(inner), device=device(rows))
    return Inside(xp.take(rows, picked, axis=0), xp.take(core, picked), float(longest))


def _separations(insides: Sequence[Inside]) -> Host:
    """Return the least mutual reachability of each cluster's inner rows and those of any other (definition 6)."""
    xp = array_namespace(insides[0].rows)
    rows, core = (xp.concat([one[field] for one in insides], axis=0) for field in (0, 1))
    cluster = np.repeat(np.arange(len(insides)), [one.rows.shape[0] for one in insides])
    of = xp.asarray(cluster, device=device(rows))
    nearest = np.concatenate(each(partial(_nearest_other, rows, core, of), cuts_of(len(cluster), len(cluster))))
    apart = np.full(len(insides), np.inf)
    np.minimum.at(apart, cluster, nearest)
    return apart


def _nearest_other(rows: Array, core: Array, of: Array, cut: slice) -> Host:
    xp = array_namespace(rows)
    long = reachable(rows[cut, :], core[cut], rows, core)
    return to_host(xp.min(xp.where(of[cut][:, None] == of[None, :], xp.full_like(long, xp.inf), long), axis=1))
