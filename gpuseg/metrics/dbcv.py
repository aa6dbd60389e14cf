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
from gpuseg.errors import InvalidInput
from gpuseg.metrics._checks import checked, finite_rows
from gpuseg.neighbors.sample import rows_of, sample_rows

SAMPLE = 20_000
"""Rows that the index is worked out on at most: the time grows with the square of a cluster's rows."""
CELLS = 1 << 15
"""Distances held at a time by a thread: 256 kB, which took half the time of 1 MB and more."""
ALIKE = 1e-5
"""Edges whose lengths differ by less, as a share, are alike to the hdbscan package: the first row is joined to."""


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


def dbcv(x: Array, labels: Array, *, sample_size: int | None = SAMPLE, random_state: Any = 0) -> float:
    """Return the index of density-based clustering validation, in [-1, 1]: larger is better, for clusters of any shape.

    Moulavi, Jaskowiak, Campello, Zimek and Sander, SDM 2014. The mean of the clusters' validities, each weighing its
    share of all rows: noise (-1) lowers it. ``x``: (n_samples, n_features); ``labels``: (n_samples,). Above
    ``sample_size`` rows in clusters, of a random sample of that many, where clusters are thinner: compare only values
    of as many rows. Edges are often as long as each other; as in the hdbscan package the first row is then joined, so
    that the index may hang on the order of the rows. Raises InvalidInput for fewer than 2 clusters of 2 rows or more,
    for NaN in the rows used, and for other shapes.

    >>> import numpy as np
    >>> round(dbcv(np.array([[0.0], [1.0], [2.0], [9.0], [10.0], [11.0]]), np.array([0, 0, 0, 1, 1, 1])), 4)
    0.8519
    """
    return dbcv_clusters(x, labels, sample_size=sample_size, random_state=random_state).value


def dbcv_clusters(x: Array, labels: Array, *, sample_size: int | None = SAMPLE, random_state: Any = 0) -> Validity:
    """Return the index of ``dbcv`` with sparseness, separation and validity of each cluster.

    A cluster of one row has no inside: its validity is 0, and it separates nothing, as noise.

    >>> import numpy as np
    >>> found = dbcv_clusters(np.array([[0.0], [1.0], [2.0], [9.0], [10.0], [11.0]]), np.array([0, 0, 0, 1, 1, 1]))
    >>> found.clusters.select("size", "sparseness", "separation").rows()
    [(3, 1.333..., 9.0), (3, 1.333..., 9.0)]
    """
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
    insides = [_inside(rows_of(taken, members[number])) for number in whole]
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


def _inside(rows: Array) -> Inside:
    """Return what a cluster's tree of mutual reachability tells (definitions 1 to 5 of the paper)."""
    xp = array_namespace(rows)
    core = _core_distances(rows)
    order, length = _grown(rows, core)
    ends = np.stack([order[1:], _joined_to(rows, core, order, length)])
    inner = np.bincount(ends.ravel(), minlength=len(order)) > 1
    if not np.any(inner):  # two rows: the first stands for both
        inner[0] = True
    between = np.all(inner[ends], axis=0)
    longest = np.max(length[1:][between] if np.any(between) else length[1:])
    picked = xp.asarray(np.flatnonzero(inner), device=device(rows))
    return Inside(xp.take(rows, picked, axis=0), xp.take(core, picked), float(longest))


def _core_distances(rows: Array) -> Array:
    """Return the all-points core distance of each row: the mean of d^-D over the others, to the power of -1/D.

    Rows that are equal to it are left out of the sum, as in the hdbscan package.
    """
    xp, parts = array_namespace(rows), each(partial(_core_of, rows), _cuts(rows.shape[0], rows.shape[0]))
    return xp.concat(parts, axis=0)


def _core_of(rows: Array, cut: slice) -> Array:
    xp: Any = array_namespace(rows)
    squared = _squared(rows[cut, :], rows)
    squared = xp.where(squared > 0, squared, xp.full_like(squared, xp.inf))
    least = xp.min(squared, axis=1)
    some = xp.isfinite(least)
    near = xp.where(some, least, xp.ones_like(least))
    # As shares of the nearest one's: no power of them is too large for a number.
    mean = xp.sum((near[:, None] / squared) ** (rows.shape[1] / 2), axis=1) / (rows.shape[0] - 1)
    core = xp.sqrt(near) * xp.where(some, mean, xp.ones_like(mean)) ** (-1.0 / rows.shape[1])
    return xp.where(some, core, xp.zeros_like(core))


def _grown(rows: Array, core: Array) -> tuple[Host, Host]:
    """Return the order in which Prim's algorithm joins the rows from the first one on, and each edge's length."""
    xp: Any = array_namespace(rows)
    count, here = rows.shape[0], 0
    order, length = np.zeros(count, dtype=np.int64), np.zeros(count)
    columns, left, number = xp.asarray(rows.T, copy=True), xp.asarray(core, copy=True), np.arange(count)
    best = xp.full_like(core, xp.inf)
    for step in range(1, count):
        own, at = left[here], columns[:, here]
        # What is joined stays infinitely far; half of the rows gone, the rest move together, in their order.
        left[here] = best[here] = xp.inf
        if 2 * (count - step) < len(number):
            kept = xp.nonzero(xp.isfinite(left))[0]
            number = number[to_host(kept)]
            columns, left, best = xp.take(columns, kept, axis=1), xp.take(left, kept), xp.take(best, kept)
        away = xp.sqrt(xp.sum((columns - at[:, None]) ** 2, axis=0))
        best = xp.minimum(best, xp.maximum(xp.maximum(away, left), own))
        here = int(xp.argmin(best))
        order[step], length[step] = number[here], float(best[here])
    return order, length


def _joined_to(rows: Array, core: Array, order: Host, length: Host) -> Host:
    """Return the row that each one after the first was joined to: the first of those that are near enough."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    on = {"device": device(rows)}
    xp = array_namespace(rows)
    given = rows, core, xp.asarray(place, **on), xp.asarray(order, **on), xp.asarray(length * (1 + ALIKE), **on)
    parts = each(partial(_first_of, given), _cuts(len(order), len(order), start=1))
    return np.concatenate([to_host(part) for part in parts])


def _first_of(given: tuple[Array, ...], cut: slice) -> Array:
    rows, core, place, order, most = given
    xp = array_namespace(rows)
    new = order[cut]
    long = _reachable(xp.take(rows, new, axis=0), xp.take(core, new), rows, core)
    near = (place[None, :] < xp.take(place, new)[:, None]) & (long <= most[cut][:, None])
    return xp.argmax(xp.astype(near, xp.int8), axis=1)


def _separations(insides: Sequence[Inside]) -> Host:
    """Return the least mutual reachability of each cluster's inner rows and those of any other (definition 6)."""
    xp = array_namespace(insides[0].rows)
    rows, core = (xp.concat([one[field] for one in insides], axis=0) for field in (0, 1))
    cluster = np.repeat(np.arange(len(insides)), [one.rows.shape[0] for one in insides])
    of = xp.asarray(cluster, device=device(rows))
    nearest = np.concatenate(each(partial(_nearest_other, rows, core, of), _cuts(len(cluster), len(cluster))))
    apart = np.full(len(insides), np.inf)
    np.minimum.at(apart, cluster, nearest)
    return apart


def _nearest_other(rows: Array, core: Array, of: Array, cut: slice) -> Host:
    xp = array_namespace(rows)
    long = _reachable(rows[cut, :], core[cut], rows, core)
    return to_host(xp.min(xp.where(of[cut][:, None] == of[None, :], xp.full_like(long, xp.inf), long), axis=1))


def _reachable(some: Array, own: Array, rows: Array, core: Array) -> Array:
    """Return the mutual reachability of some rows and all."""
    xp = array_namespace(rows)
    return xp.maximum(xp.maximum(xp.sqrt(_squared(some, rows)), core[None, :]), own[:, None])


def _squared(some: Array, rows: Array) -> Array:
    """Return squared distances by the differences themselves: equal rows are 0 apart, and no digits are lost."""
    xp = array_namespace(rows)
    total = xp.zeros((some.shape[0], rows.shape[0]), dtype=rows.dtype, device=device(rows))
    for at in range(rows.shape[1]):
        away = some[:, at][:, None] - rows[:, at][None, :]
        away *= away
        total += away
    return total


def _cuts(rows: int, against: int, *, start: int = 0) -> list[slice]:
    """Return runs of rows whose distances to all others are CELLS or fewer."""
    step = max(1, CELLS // against)
    return [slice(at, min(at + step, rows)) for at in range(start, rows, step)]
