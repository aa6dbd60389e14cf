"""The search for a rule: boxes whose bounds are moved and dropped while precision and recall gain by it.

Patient bump hunting of Friedman and Fisher 1999 (PRIM) peels a box from outside in and never looks back; here every
bound of a wide box is set anew in the light of the others, and bounds go, the least useful first, until few are left.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Host
from gpuseg.interpret._rule_columns import Column
from gpuseg.interpret._rule_worth import Search, Tally, mean_of, worth_of_rows

ROUNDS = 4
"""How often all bounds of a box are set anew: later rounds move hardly any."""
BY_CHANCE = 10.83
"""What twice the log of a likelihood ratio exceeds by chance once in 1,000 (chi-squared, one degree of freedom)."""
LEAST_GAIN = 0.003
"""What a bound must add to the mean of precision and recall."""
LEAST_OF_AN_ALTERNATIVE = 0.005
"""What a whole alternative must add to it: it takes longer to read than a bound."""

Box = dict[int, Any]
"""The state of each column that a box bounds, by the column's place."""


class Limits(NamedTuple):
    """How long a rule may be, and the precision and recall beyond which no condition is added."""

    conditions: int
    alternatives: int
    enough: float


class Rows(NamedTuple):
    """The columns of the rows that a rule is learnt of, and which rows are members of the segment.

    ``seen``: the columns among which these were chosen; chance had as many to work with.
    """

    columns: Sequence[Column]
    members: Host
    seen: int


def boxes_of(rows: Rows, limits: Limits) -> list[Box]:
    """Return the boxes whose rows are the segment's, nearly: one, and others while the first ones are not enough."""
    found: list[Box] = []
    for _ in range(limits.alternatives):
        before = worth(rows, found)
        if found and good(rows, found, limits.enough):
            break
        box = box_of(rows, found, limits)
        if not box or (found and worth(rows, [*found, box]) < before + LEAST_OF_AN_ALTERNATIVE):
            break
        found.append(box)
        found = sought_again(rows, found, limits) if len(found) > 1 else found
    found = plainer(rows, found)
    return [in_order(rows, found, at) for at in range(len(found))]


def sought_again(rows: Rows, boxes: list[Box], limits: Limits) -> list[Box]:
    """Return the boxes, each sought anew beside the others where that gains."""
    for at in range(len(boxes)):
        others = boxes[:at] + boxes[at + 1 :]
        box = box_of(rows, others, limits)
        if box and worth(rows, [*others, box]) > worth(rows, boxes):
            boxes = [*boxes[:at], box, *boxes[at + 1 :]]
    return boxes


def box_of(rows: Rows, others: Sequence[Box], limits: Limits) -> Box:
    """Return the box that adds most to others, empty where none does."""
    covered = chosen(rows, others)
    free = rows.members & ~covered
    if not free.any():
        return {}
    box = narrowed(rows, {at: column.first(free) for at, column in enumerate(rows.columns)}, covered, limits)
    return box or stump(rows, covered)


def stump(rows: Rows, covered: Host) -> Box:
    """Return the one condition that tells members from others best, empty where chance could have made it."""
    search = Search(~covered, rows.members, Tally(*counts(rows, covered)), apart=True)
    found = {at: state for at, column in enumerate(rows.columns) if (state := column.alone(search)) is not None}
    if not found:
        return {}
    at = max(found, key=lambda place: worth_of_rows(rows.columns[place].passes(found[place]), search))
    passes = rows.columns[at].passes(found[at])
    sure = above_chance(rows.members, passes & ~covered, ~passes & ~covered, 2 * rows.seen)
    return {at: found[at]} if sure else {}


def narrowed(rows: Rows, start: Mapping[int, Any], covered: Host, limits: Limits) -> Box:
    """Return the box that is left of a start: bounds are dropped one by one, as long as that costs next to nothing."""
    box = settled(rows, {at: state for at, state in start.items() if state is not None}, covered)
    while box:
        looser, sure = dropped(rows, box, covered)
        costs = worth_of(rows, box, covered) - worth_of(rows, looser, covered)
        enough = enough_of(counts(rows, covered | passing(rows, looser)), limits.enough)
        needed = sure and len(box) <= limits.conditions and (not looser or not (costs <= LEAST_GAIN or enough))
        if needed:
            break
        box = settled(rows, looser, covered)
    return box


def dropped(rows: Rows, box: Box, covered: Host) -> tuple[Box, bool]:
    """Return the box without the bound that is missed least, and whether more than chance speaks for that bound.

    A bound that chance may have made comes before all others.
    """
    inside = passing(rows, box) & ~covered
    found = []
    for at, state in box.items():
        rest = passing(rows, {place: one for place, one in box.items() if place != at}) & ~covered
        for looser in rows.columns[at].looser(state):
            after = rest if looser is None else rest & rows.columns[at].passes(looser)
            sure = above_chance(rows.members, inside, after & ~inside, 2 * rows.seen)
            smaller = {**box, at: looser} if looser is not None else {k: v for k, v in box.items() if k != at}
            hits, taken, members = counts(rows, covered | after)
            found.append(((not sure, float(mean_of(hits, taken, members))), smaller, sure))
    _, smaller, sure = max(found, key=lambda one: one[0])
    return smaller, sure


def above_chance(members: Host, rows: Host, others: Host, tries: int) -> bool:
    """Return whether members are more frequent among some rows than among others, beyond chance in so many tries.

    The G-test of a table of two by two.
    """
    table = np.array([[np.count_nonzero(some & who) for who in (members, ~members)] for some in (rows, others)])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / max(table.sum(), 1)
    there = table > 0
    g = 2 * float(np.sum(table[there] * np.log(table[there] / expected[there])))
    return bool(table[0, 0] > expected[0, 0]) and g > BY_CHANCE + 2 * np.log(tries)


def settled(rows: Rows, box: Box, covered: Host) -> Box:
    """Return the box with every bound where it is worth most beside the others."""
    box, masks = dict(box), {at: rows.columns[at].passes(state) for at, state in box.items()}
    failed = np.zeros(len(rows.members), dtype=np.int32)
    for mask in masks.values():
        failed += ~mask
    tally = Tally(*counts(rows, covered))
    for _ in range(ROUNDS):
        before = dict(box)
        for at in box:
            inside = ~covered & (failed == ~masks[at])
            box[at] = rows.columns[at].best(box[at], Search(inside, rows.members, tally))
            failed += masks[at]
            masks[at] = rows.columns[at].passes(box[at])
            failed -= masks[at]
        if box == before:
            break
    return box


def plainer(rows: Rows, boxes: list[Box]) -> list[Box]:
    """Return the boxes with thresholds that read well; each is set beside those that are set already."""
    for at, box in enumerate(boxes):
        covered = chosen(rows, boxes[:at] + boxes[at + 1 :])
        tally = Tally(*counts(rows, covered))
        for place in box:
            rest = {other: state for other, state in box.items() if other != place}
            search = Search(passing(rows, rest) & ~covered, rows.members, tally)
            box[place] = rows.columns[place].plainer(box[place], search)
    return boxes


def in_order(rows: Rows, boxes: Sequence[Box], at: int) -> Box:
    """Return a box with the column first without which it would lose most."""
    covered = chosen(rows, [*boxes[:at], *boxes[at + 1 :]])
    box = boxes[at]
    without = {place: worth_of(rows, {k: v for k, v in box.items() if k != place}, covered) for place in box}
    return {place: box[place] for place in sorted(box, key=lambda place: without[place])}


def passing(rows: Rows, box: Box) -> Host:
    """Return which rows are in a box."""
    mask = np.ones(len(rows.members), dtype=bool)
    for at, state in box.items():
        mask &= rows.columns[at].passes(state)
    return mask


def chosen(rows: Rows, boxes: Sequence[Box]) -> Host:
    """Return which rows are in a box or another."""
    mask = np.zeros(len(rows.members), dtype=bool)
    for box in boxes:
        mask |= passing(rows, box)
    return mask


def counts(rows: Rows, taken: Host) -> tuple[int, int, int]:
    """Return how many members are among the rows taken, how many rows these are, and how many members there are."""
    return tuple(int(np.count_nonzero(mask)) for mask in (taken & rows.members, taken, rows.members))  # type: ignore[return-value]


def worth_of(rows: Rows, box: Box, covered: Host) -> float:
    """Return what a box is worth beside rows that others cover."""
    return float(mean_of(*counts(rows, covered | passing(rows, box))))


def worth(rows: Rows, boxes: Sequence[Box]) -> float:
    """Return what boxes are worth together."""
    return float(mean_of(*counts(rows, chosen(rows, boxes))))


def enough_of(tally: tuple[int, int, int], enough: float) -> bool:
    """Return whether precision and recall are both enough."""
    hits, taken, members = tally
    return hits >= enough * taken and hits >= enough * members


def good(rows: Rows, boxes: Sequence[Box], enough: float) -> bool:
    """Return whether precision and recall of boxes are both enough."""
    return enough_of(counts(rows, chosen(rows, boxes)), enough)
