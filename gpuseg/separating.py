"""Customers who are not to be in one segment: found in the table by their ids, or by the levels of a column."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from gpuseg.backends import Host, to_host
from gpuseg.customers import Customers
from gpuseg.engines.blocks import itself
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput, missing_column
from gpuseg.interpret.evidence import picked
from gpuseg.io.tables import Frame
from gpuseg.neighbors.sample import rows_of
from gpuseg.placing import Ready, rows_in
from gpuseg.selection.limits import LEVELLED, Separation, levelled

PAIR = 2


class Found(NamedTuple):
    """Customers of a part: what each is known by, an id or a level, and their matrix."""

    known: list[Any]
    matrix: Host


def separation_of(asked: Any, ready: Parts, customers: Customers) -> Separation | None:
    """Return what ``must_separate`` asks of customers who are ``Ready``; raise InvalidInput for who is not there."""
    if asked is None:
        return None
    if isinstance(asked, str):
        if asked not in customers.names:
            raise missing_column("must_separate", asked, customers.names)
        share = LEVELLED / max(sum(customers.sizes), 1)
        found = _joined(ready.beside(customers.parts, _levels, asked, share).collect(itself))
        separation = levelled(found.matrix, [str(level) for level in found.known])
        if not separation.pairs:
            raise InvalidInput(f"must_separate={asked!r} has fewer than 2 levels; name a column of at least 2")
        return separation
    wanted = {one for pair in asked for one in pair}
    found = _joined(ready.collect(_of_ids, wanted))
    if lost := sorted(map(repr, wanted - set(found.known))):
        raise InvalidInput(f"must_separate has {lost[0]}, which is no id of a customer here; give ids of the table")
    places = {known: place for place, known in enumerate(found.known)}
    pairs = [(places[one], places[other]) for one, other in asked]
    # No ids: the reason of a choice is written into model files and reports.
    called = [f"the customers of pair {number}" for number in range(1, len(pairs) + 1)]
    return Separation(found.matrix, np.arange(len(places)), pairs, called)


def _levels(ready: Ready, frame: Frame, column: str, share: float) -> Found:
    """Return a sample of the customers of a part who have a level."""
    rows = picked(ready.raw, share)
    levels = rows_in(frame, np.flatnonzero(ready.kept))[column].to_list()
    rows = np.array([row for row in rows if levels[row] not in (None, "") and levels[row] == levels[row]], dtype=int)
    return Found([levels[row] for row in rows], to_host(rows_of(ready.matrix, rows)))


def _of_ids(ready: Ready, wanted: set[Any]) -> Found:
    ids = nw.from_native(ready.ids, eager_only=True)
    known = ids[ids.columns[0]].to_list()
    rows = np.array([row for row, one in enumerate(known) if one in wanted], dtype=int)
    return Found([known[row] for row in rows], to_host(rows_of(ready.matrix, rows)))


def _joined(parts: Sequence[Found]) -> Found:
    return Found([one for part in parts for one in part.known], np.concatenate([part.matrix for part in parts]))
