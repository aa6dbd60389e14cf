"""Approximate prediction for new rows by HDBSCAN: where a row would hang in the condensed tree.

As ``approximate_predict`` of the hdbscan package (McInnes, Healy and Astels 2017): the row is joined to the nearest
training row by mutual reachability, at its lambda, and belongs to the cluster of that row which exists there. The
package takes the core distance one neighbour further: here the row itself counts, as it does among training rows.
"""

from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Host, to_host
from gpuseg.cluster._assignment import novelty
from gpuseg.cluster._condensed import CondensedTree, Selection, lambda_of, memberships
from gpuseg.cluster._training import placed
from gpuseg.engines import Block


class Trained(NamedTuple):
    """The training rows' segments, strengths and core distances, their tree, and each cluster's segment.

    ``segments`` has one more value than there are clusters, -1, for noise. ``reach`` is min_samples.
    """

    label: Host
    strength: Host
    core: Host
    tree: CondensedTree
    selection: Selection
    segments: Host
    reach: int


def approximate_predict(numbers: Host, distance: Host, trained: Trained) -> tuple[Host, Host]:
    """Return segment and strength of rows from their nearest training rows and the distances to these, (n, count).

    A row that equals a training row gets what that one has.
    """
    rows = np.arange(len(numbers))
    core = distance[:, trained.reach - 2] if trained.reach > 1 else np.zeros(len(numbers))
    reachability = np.maximum(np.maximum(core[:, None], trained.core[numbers]), distance)
    nearest = np.argmin(reachability, axis=1)
    neighbor, lambdas = numbers[rows, nearest], lambda_of(reachability[rows, nearest])
    chosen, strength = memberships(existing(neighbor, lambdas, trained.tree), lambdas, trained.selection)
    known, same = numbers[:, 0], distance[:, 0] == 0
    segment = np.where(same, trained.label[known], trained.segments[chosen])
    return segment.astype(np.int32), np.where(same, trained.strength[known], strength)


def existing(neighbor: Host, lambdas: Host, tree: CondensedTree) -> Host:
    """Return the cluster that holds each neighbour at lambda: the one it falls out of, or an ancestor of that."""
    cluster = tree.row_cluster[neighbor]
    climbing = np.flatnonzero(tree.row_lambda[neighbor] > lambdas)
    while climbing.size:
        climbing = climbing[(cluster[climbing] > 0) & (tree.birth[cluster[climbing]] >= lambdas[climbing])]
        cluster[climbing] = tree.parent[cluster[climbing]]
    return cluster


def label_block(block: Block, search: Any, trained: Trained) -> tuple[Any, ...]:
    """Return a block's segments and strengths."""
    numbers, distance = search(block.x)
    return placed(block, *approximate_predict(to_host(numbers), to_host(distance), trained))


def assign_block(block: Block, search: Any, within: Any, trained: Trained, quantiles: Host) -> tuple[Any, ...]:
    """Return the fields of a block's Assignment; ``within`` finds the nearest row of a segment."""
    numbers, distance = search(block.x)
    segment, strength = approximate_predict(to_host(numbers), to_host(distance), trained)
    label, sure = placed(block, segment, strength)
    found, away = within(block.x, label)
    return label, away, sure, novelty(found, away, quantiles)


def core_block(block: Block, search: Any) -> tuple[Any, ...]:
    """Return the distances of a block's rows to the farthest of the rows searched for."""
    return (search(block.x)[1][:, -1],)
