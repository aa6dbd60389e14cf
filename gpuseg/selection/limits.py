"""What a business asks of segments: none too small, not too many, and certain customers not in the same one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import Engine
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.sample import rows_at, sample_rows

PAIR = 2
LEVELLED = 10_000
"""Rows, at most, that tell in which segment the most of a level are."""
MOST = 100
"""Levels at most, of which each pair is looked at and may be named: a column of more is one of ids or of amounts."""


class Separation(NamedTuple):
    """Groups of customers, two of which are not to have the most of their customers in the same segment.

    ``x``: (rows, features), as the algorithm takes it; ``groups``: (rows,), a number each; ``pairs`` of their numbers,
    and what each pair is called, in a sentence that a model file may hold. A group may be one customer.
    """

    x: Array
    groups: Host
    pairs: Sequence[tuple[int, int]]
    called: Sequence[str]

    def joined(self, labels: Host) -> str | None:
        """Return the first pair that these segments, (rows,), do not separate; noise (-1) is no segment."""
        homes = [self._home(labels[self.groups == group]) for group in range(int(self.groups.max()) + 1)]
        pairs = zip(self.pairs, self.called, strict=True)
        return next((said for (a, b), said in pairs if homes[a] is not None and homes[a] == homes[b]), None)

    @staticmethod
    def _home(labels: Host) -> int | None:
        counts = Counter(labels[labels >= 0].tolist())
        return min(counts, key=lambda segment: (-counts[segment], segment)) if counts else None


def lacking(min_share: float | None, smallest_share: float | None, joined: str | None) -> str | None:
    """Return what segments lack of the limits, to be said after "has"; None where they meet them.

    ``joined``: who are in one segment and must not be, as ``Separation.joined`` gives it.

    >>> lacking(0.05, 0.031, None), lacking(0.05, 0.05, None)
    ('a segment of 3.1% of the customers, less than min_share=0.05', None)
    """
    if min_share is not None and smallest_share is not None and smallest_share < min_share:
        return f"a segment of {smallest_share:.1%} of the customers, less than min_share={min_share:g}"
    return None if joined is None else f"{joined} in one segment, which must_separate forbids"


def check_limits(min_share: Any, max_segments: Any) -> None:
    """Raise InvalidInput for a limit that is none."""
    number = isinstance(min_share, int | float | np.number) and not isinstance(min_share, bool)
    if min_share is not None and not (number and 0 < min_share <= 1 / PAIR):
        raise InvalidInput(f"min_share={min_share!r} is not allowed; give a share above 0 and up to 0.5, or None")
    whole = isinstance(max_segments, int | np.integer) and not isinstance(max_segments, bool)
    if max_segments is not None and not (whole and max_segments >= PAIR):
        raise InvalidInput(f"max_segments={max_segments!r} is not allowed; give a whole number from 2 up, or None")


def within(ks: Sequence[int], max_segments: int | None) -> list[int]:
    """Return the numbers that ``max_segments`` allows; raise InvalidInput where it allows none."""
    allowed = [k for k in ks if max_segments is None or k <= max_segments]
    if not allowed:
        raise InvalidInput(
            f"max_segments={max_segments} allows none of k_range, which starts at {min(ks)}; raise max_segments, or "
            "lower k_range"
        )
    return allowed


def separation_of(engine: Engine, sizes: Sequence[int], asked: Any, seed: int) -> Separation | None:
    """Return what ``must_separate`` asks of rows in blocks of these sizes: as ``choose_k`` takes it, or one as it is.

    A row without a level (None, NaN or an empty text) is in no group. Raises InvalidInput for what is neither.
    """
    if asked is None or isinstance(asked, Separation):
        return asked
    rows, given = sum(sizes), _array_of(asked)
    if given.ndim == PAIR and given.shape[1] == PAIR and given.dtype.kind in "iu":
        return _of_pairs(engine, sizes, given, rows)
    if given.shape != (rows,):
        raise InvalidInput(
            f"must_separate has shape {given.shape}; give pairs of row numbers, as in [(0, 7), (3, 5)], or a level a "
            f"row, ({rows},)"
        )
    words = [None if one is None or one != one else str(one) for one in given.tolist()]  # noqa: PLR0124 - NaN
    there = np.array([place for place, word in enumerate(words) if word], dtype=np.int64)
    if len(names := sorted({words[place] or "" for place in there})) < PAIR:
        raise InvalidInput(f"must_separate has {len(names)} level(s); give at least 2, or None")
    picked = there[sample_rows(len(there), LEVELLED, seed)]
    return levelled(_rows(engine, sizes, picked), [words[place] or "" for place in picked])


def levelled(x: Array, levels: Sequence[str]) -> Separation:
    """Return the separation of all levels from each other; each row has one. Raises InvalidInput for too many."""
    names, groups = np.unique(np.asarray(levels, dtype=str), return_inverse=True)
    if len(names) > MOST:
        raise InvalidInput(
            f"must_separate has {len(names):,} different levels in {len(levels):,} rows; give a column of at most "
            f"{MOST}, as of personas, or pairs of customers"
        )
    pairs = [(a, b) for a in range(len(names)) for b in range(a + 1, len(names))]
    called = [f"{str(names[a])!r} and {str(names[b])!r}" for a, b in pairs]
    return Separation(x, groups.ravel(), pairs, called)


def _of_pairs(engine: Engine, sizes: Sequence[int], given: Host, rows: int) -> Separation:
    if len(odd := given[(given < 0) | (given >= rows)]):
        raise InvalidInput(f"must_separate has row {odd[0]}, and there are {rows} rows; give numbers from 0 on")
    if len(same := given[given[:, 0] == given[:, 1]]):
        raise InvalidInput(f"must_separate has row {same[0, 0]} beside itself; give two rows a pair")
    picked, places = np.unique(given, return_inverse=True)
    pairs = [(int(a), int(b)) for a, b in places.reshape(-1, PAIR)]
    called = [f"row {a} and row {b}" for a, b in given.tolist()]
    return Separation(_rows(engine, sizes, picked), np.arange(len(picked)), pairs, called)


def _rows(engine: Engine, sizes: Sequence[int], picked: Host) -> Array:
    """Return rows of these rising numbers, in this process."""
    parts = engine.collect(rows_at, picked, np.cumsum([0, *sizes]))
    return np.concatenate([to_host(x) for x, _ in parts], axis=0)


def _array_of(asked: Any) -> Host:
    try:
        return np.asarray(asked.to_numpy() if hasattr(asked, "to_numpy") else asked)
    except ValueError as error:  # rows of unlike lengths
        raise InvalidInput(
            f"must_separate={asked!r} is neither pairs of row numbers, as in [(0, 7)], nor a level a row"
        ) from error
