"""Placing rows by a tree of halvings: down it by the nearer of two centres at each."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from gpuseg.backends import Array, Host, Kernel
from gpuseg.cluster._assignment import Assignment, confidence, novelty
from gpuseg.engines import Block
from gpuseg.neighbors.centers import squared_distances, tiles


class Tree(NamedTuple):
    """Who was halved, in order, (k - 1,), and the centres of all nodes less offset, (2k - 1, d): 0 is all rows.

    The halves of split ``s`` are nodes 2s + 1 and 2s + 2.
    """

    splits: Host
    centers: Host
    offset: Host


class Led(NamedTuple):
    """A block's rows at the leaves of a tree: the leaf of each, int32, and its weight."""

    leaf: Array
    weight: Array


def led(block: Block, tree: Tree) -> Led:
    """Return a block's rows at the leaves of a tree."""
    xp, found = array_namespace(block.x), [leaf for leaf, _, _ in _descents(block, tree)]
    return Led(xp.astype(xp.concat(found, axis=0), xp.int32), block.weight)


def leaf_weights(block: Led, sums_by: Kernel, nodes: int) -> Host:
    """Return what the rows at each node weigh together, 0 where it is no leaf."""
    found: Host = sums_by(block.leaf, block.weight, nodes)
    return found


def leaves_of(block: Led) -> tuple[Array]:
    """Return the leaf of each row, to be joined."""
    return (block.leaf,)


def assigned_block(block: Block, tree: Tree, nodes: Host, quantiles: Host) -> Assignment:
    """Return one block's assignment to the leaves ``nodes``, on its device."""
    xp, there, found = array_namespace(block.x), device(block.x), []
    places = np.zeros(len(tree.centers), dtype=np.int64)
    places[nodes] = np.arange(len(nodes))
    place, leaves, centers = (xp.asarray(of, device=there) for of in (places, nodes, tree.centers))
    for leaf, x, d2 in _descents(block, tree):
        segment = xp.take(place, leaf)
        others = xp.where(
            leaf[:, None] == leaves[None, :], xp.full_like(d2[:, :1], xp.inf), xp.take(d2, leaves, axis=1)
        )
        first = xp.sqrt(xp.sum((x - xp.take(centers, leaf, axis=0)) ** 2, axis=1))
        second = xp.sqrt(xp.min(others, axis=1))
        found.append((xp.astype(segment, xp.int32), first, second))
    segment, first, second = (xp.concat(list(field), axis=0) for field in zip(*found, strict=True))
    return Assignment(segment, first, confidence(first, second), novelty(segment, first, quantiles))


def _descents(block: Block, tree: Tree) -> Iterator[tuple[Array, Array, Array]]:
    """Give runs of rows: the leaf of each, the rows less offset, and their squared distances to all nodes."""
    xp, there = array_namespace(block.x), device(block.x)
    centers = xp.asarray(tree.centers, device=there)
    for _, x in tiles(xp.astype(block.x, xp.float64, copy=False), tree.offset, len(tree.centers)):
        d2 = squared_distances(x, centers)
        leaf = xp.zeros(x.shape[0], dtype=xp.int64, device=there)
        for split, node in enumerate(tree.splits.tolist()):
            half = 2 * split + 1 + xp.astype(d2[:, 2 * split + 2] < d2[:, 2 * split + 1], xp.int64)
            leaf = xp.where(leaf == node, half, leaf)
        yield leaf, x, d2
