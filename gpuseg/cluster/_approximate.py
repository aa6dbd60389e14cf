"""Approximate prediction for new rows by HDBSCAN: where a row would hang in the condensed tree.

As ``approximate_predict`` of the hdbscan package (McInnes, Healy and Astels 2017): the row is joined to the nearest
training row by mutual reachability, at its lambda, and belongs to the cluster of that row which exists there. The
package takes the core distance one neighbour further: here the row itself counts, as it does among training rows.
"""

from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Backend, Host, to_host
from gpuseg.cluster._assignment import novelty
from gpuseg.cluster._condensed import SLACK, CondensedTree, Selection, lambda_of, memberships
from gpuseg.cluster._training import placed
from gpuseg.engines import Block
from gpuseg.neighbors.rows import nearest_rows

CELLS = 1 << 22
"""Distances to training rows held at a time: 32 MiB, and as much again for their numbers."""


class Trained(NamedTuple):
    """The training rows' segments, strengths and core distances, their tree, and each cluster's segment.

    ``segments`` has one more value than there are clusters, -1, for noise. ``reach`` is min_samples. ``weight``: how
    many rows each counts as; ``extent``: how far the rows that it stands for reach, which is taken off distances.
    """

    label: Host
    strength: Host
    core: Host
    weight: Host
    extent: Host
    tree: CondensedTree
    selection: Selection
    segments: Host
    reach: int

    @property
    def looked_at(self) -> int:
        """Return how many training rows are looked at: twice as many as weigh ``reach`` in the middle."""
        return 2 * self._of(int(np.ceil(self.reach / np.median(self.weight))))

    @property
    def looked_at_most(self) -> int:
        """Return how many are looked at where those do not tell: twice as many as surely weigh ``reach``."""
        return max(self.looked_at, 2 * self._of(1 + int(np.searchsorted(np.cumsum(np.sort(self.weight)), self.reach))))

    def _of(self, count: int) -> int:
        return max(1, min(count, len(self.weight)))


class Searches(NamedTuple):
    """The searches for nearest training rows: for as many as mostly tell, and for more, None where that is no more."""

    few: Any
    most: Any


def searches_of(backend: Backend, rows: Host, trained: Trained) -> Searches:
    """Return the searches of a model's training rows."""
    search, few, most = backend.kernel_or(nearest_rows), trained.looked_at, trained.looked_at_most
    return Searches(search(rows, few), search(rows, most) if most > few else None)


def approximate_predict(numbers: Host, distance: Host, trained: Trained) -> tuple[Host, Host, Host]:
    """Return segment and strength of rows from their nearest training rows and the distances to these, (n, count).

    A row that equals a training row gets what that one has. The third field says whether these were enough: they weigh
    what is asked for, and the nearest by mutual reachability is nearer than the last of them.
    """
    known, same, last = numbers[:, 0], distance[:, 0] == 0, distance[:, -1]
    if np.any(trained.extent):
        distance = np.maximum(distance - trained.extent[numbers], 0.0)
        order = np.argsort(distance, axis=1, kind="stable")
        numbers, distance = np.take_along_axis(numbers, order, axis=1), np.take_along_axis(distance, order, axis=1)
    rows, (core, enough) = np.arange(len(numbers)), own_core(numbers, distance, trained)
    reachability = np.maximum(np.maximum(core[:, None], trained.core[numbers]), distance)
    nearest = np.argmin(reachability, axis=1)
    neighbor, height = numbers[rows, nearest], reachability[rows, nearest]
    lambdas = lambda_of(height)
    chosen, strength = memberships(existing(neighbor, lambdas, trained.tree), lambdas, trained.selection)
    segment = np.where(same, trained.label[known], trained.segments[chosen])
    strength = np.where(same, trained.strength[known], strength)
    return segment.astype(np.int32), np.where(segment >= 0, strength, 0.0), same | (enough & (height < last))


def own_core(numbers: Host, distance: Host, trained: Trained) -> tuple[Host, Host]:
    """Return the distance of each row within which training rows weigh one less than ``reach``: it counts itself.

    The second field says whether those looked at weigh so much; else the distance is that of the last.
    """
    if trained.reach == 1:
        return np.zeros(len(numbers)), np.ones(len(numbers), dtype=bool)
    enough = np.cumsum(trained.weight[numbers], axis=1) >= (trained.reach - 1) * (1 - SLACK)
    told = enough[:, -1].copy()
    enough[:, -1] = True
    return distance[np.arange(len(numbers)), np.argmax(enough, axis=1)], told


def existing(neighbor: Host, lambdas: Host, tree: CondensedTree) -> Host:
    """Return the cluster that holds each neighbour at lambda: the one it falls out of, or an ancestor of that."""
    cluster = tree.row_cluster[neighbor]
    climbing = np.flatnonzero(tree.row_lambda[neighbor] > lambdas)
    while climbing.size:
        climbing = climbing[(cluster[climbing] > 0) & (tree.birth[cluster[climbing]] >= lambdas[climbing])]
        cluster[climbing] = tree.parent[cluster[climbing]]
    return cluster


def placed_by(x: Any, searches: Searches, trained: Trained) -> tuple[Host, Host]:
    """Return segment and strength of rows, so many at a time that few distances are held."""
    step, found = max(1, CELLS // trained.looked_at_most), []
    for start in range(0, x.shape[0], step):
        run = x[start : min(start + step, x.shape[0]), :]
        segment, strength, told = _looked(run, searches.few, trained)
        left = np.flatnonzero(~told)
        if searches.most is not None and left.size:
            segment[left], strength[left] = placed_by(_taken(run, left), Searches(searches.most, None), trained)
        found.append((segment, strength))
    segment, strength = (np.concatenate(field) for field in zip(*found, strict=True))
    return segment, strength


def _looked(run: Any, search: Any, trained: Trained) -> tuple[Host, Host, Host]:
    numbers, distance = search(run)
    return approximate_predict(to_host(numbers), to_host(distance), trained)


def _taken(x: Any, rows: Host) -> Any:
    xp = array_namespace(x)
    return xp.take(x, xp.asarray(rows, device=device(x)), axis=0)


def label_block(block: Block, searches: Searches, trained: Trained) -> tuple[Any, ...]:
    """Return a block's segments and strengths."""
    return placed(block, *placed_by(block.x, searches, trained))


def assign_block(block: Block, searches: Searches, within: Any, trained: Trained, quantiles: Host) -> tuple[Any, ...]:
    """Return the fields of a block's Assignment; ``within`` finds the nearest row of a segment."""
    label, sure = placed(block, *placed_by(block.x, searches, trained))
    found, away = within(block.x, label)
    return label, away, sure, novelty(found, away, quantiles)


def distance_block(block: Block, searches: Searches, within: Any, trained: Trained) -> tuple[Any, ...]:
    """Return a block's segments, the distances to the nearest row of each one's, and the strengths."""
    label, sure = placed(block, *placed_by(block.x, searches, trained))
    return label, within(block.x, label)[1], sure
