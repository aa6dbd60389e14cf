"""How far customers are from the next better segment, and the cheapest single change that takes them there."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.interpret.details import POOLED
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.profile import Field
from gpuseg.interpret.values import column_of, shown_raw

MOST = 1000
"""Customers of one call: each is tried with some dozens of values of every feature."""
TRIED = 33
"""Values of a feature that are tried, quantiles of the customers': between two neighbours lie 3 % of them."""
HALVINGS = 12
"""Times that the range between two of them is halved: the change is then known to 1 in 4,000 of it."""
BLOCK = 256
"""Customers of the evidence that are compared at once: with 1,000 others in 50 features that takes 100 MB."""


class Start(NamedTuple):
    """Customers as they are: the table, raw and scaled columns, segments, and of each the segments that are better.

    ``better``: (rows, segments of ``numbers``).
    """

    table: pl.DataFrame
    raw: Host
    matrix: Host
    segments: Host
    numbers: Host
    better: Host


Place = Callable[[pl.DataFrame], Host]
"""What gives each row of a customer table its segment."""
Scale = Callable[[pl.DataFrame], Host]
"""What gives each row of a customer table its scaled features."""


class Found(NamedTuple):
    """The cheapest change of one feature a customer: the new raw value, how large it is (inf: none), where it leads."""

    value: Host
    size: Host
    segment: Host


def next_segments(
    start: Start, ids: pl.Series, evidence: Evidence, fields: Sequence[Field], codes: Sequence[int], place: Place,
    scale: Scale,
) -> pl.DataFrame:  # fmt: skip
    """Return a row a customer: the next better segment, its distance, and the cheapest single change that leads there.

    Columns: the id; segment; next_segment, that of the nearest customer of the evidence who is in a better one, and
    distance to them, in the scaled features; feature, value, new_value (as text), change (in the scaled features) and
    reaches, the better segment that the change leads to; None where no single change of ``fields`` does. ``codes``:
    the places of features that are no amounts: they are alike or 1 apart.
    """
    segment, distance = nearest_better(start, evidence, codes)
    found = [cheapest(start, evidence, at, field, codes, place, scale) for at, field in _at(evidence, fields)]
    sizes = np.stack([one.size for one in found])
    best = np.argmin(sizes, axis=0)
    rows = [_told(start, fields[at], found[at], row, _place_of(evidence, fields[at])) for row, at in enumerate(best)]
    schema = {
        "feature": pl.String, "value": pl.String, "new_value": pl.String, "change": pl.Float64, "reaches": pl.Int32,
    }  # fmt: skip
    known = np.isfinite(distance)
    return pl.DataFrame(
        [
            ids,
            pl.Series("segment", start.segments, dtype=pl.Int32),
            pl.Series(
                "next_segment", [int(s) if k else None for s, k in zip(segment, known, strict=True)], dtype=pl.Int32
            ),
            pl.Series(
                "distance", [float(d) if k else None for d, k in zip(distance, known, strict=True)], dtype=pl.Float64
            ),
        ]
    ).hstack(pl.DataFrame(rows, schema=schema, orient="row"))


def better_than(segments: Host, numbers: Host, worth: Mapping[int, float]) -> Host:
    """Return which segments are better than each customer's own: worth more; noise is worth less than all.

    >>> better_than(np.array([0, 1, -1]), np.array([0, 1]), {0: 1.0, 1: 5.0}).tolist()
    [[False, True], [False, False], [True, True]]
    """
    own = np.array([worth.get(int(segment), -np.inf) for segment in segments])
    return np.array([worth.get(int(number), -np.inf) for number in numbers])[None, :] > own[:, None]


def nearest_better(start: Start, evidence: Evidence, codes: Sequence[int]) -> tuple[Host, Host]:
    """Return the segment of the nearest customer of a better one, and how far he is: infinitely, where none is."""
    segment, distance = np.full(len(start.raw), -1), np.full(len(start.raw), np.inf)
    for first in range(0, len(evidence.matrix), BLOCK):
        block = slice(first, first + BLOCK)
        place = np.searchsorted(start.numbers, np.maximum(evidence.segments[block], start.numbers[0]))
        allowed = start.better[:, place] & (evidence.segments[block] >= 0)
        apart = np.where(allowed, _apart(start.matrix[:, None], evidence.matrix[block][None], codes), np.inf)
        nearest = np.argmin(apart, axis=1)
        least = apart[np.arange(len(apart)), nearest]
        closer = least < distance
        segment[closer], distance[closer] = evidence.segments[block][nearest[closer]], least[closer]
    return segment, distance


def cheapest(
    start: Start, evidence: Evidence, at: int, field: Field, codes: Sequence[int], place: Place, scale: Scale
) -> Found:
    """Return the smallest change of a feature that takes each customer to a better segment, as far as it was tried."""
    own, values = start.raw[:, at], _values(evidence.raw[:, at], field)
    found = Found(np.full(len(own), np.nan), np.full(len(own), np.inf), np.full(len(own), -1))
    if not len(values):
        return found
    rows = np.repeat(np.arange(len(own)), len(values))
    tried = np.tile(values, len(own))
    segments, sizes = _reached(start, field, rows, tried, codes, place, scale)
    shape = (len(own), len(values))
    sizes = sizes.reshape(shape)
    best = np.argmin(sizes, axis=1)
    each = np.arange(len(own))
    found = Found(values[best], sizes[each, best], segments.reshape(shape)[each, best])
    if field.kind not in ("number", "date"):
        return found
    return _halved(start, field, own, values, found, codes, place, scale)


def _halved(
    start: Start, field: Field, own: Host, values: Host, found: Found, codes: Sequence[int], place: Place, scale: Scale
) -> Found:
    """Return the changes made smaller, by halving the range to the value before that did not lead there."""
    whole = bool(np.all(values == np.round(values))) and field.kind == "number"
    rows = np.flatnonzero(np.isfinite(found.size) & np.isfinite(own))
    good, bad = found.value[rows].copy(), _before(own[rows], found.value[rows], values)
    value, size, segment = (part.copy() for part in found)
    for _ in range(HALVINGS if len(rows) else 0):
        middle = (good + bad) / 2
        middle = np.where(good > bad, np.ceil(middle), np.floor(middle)) if whole else middle
        reached, sizes = _reached(start, field, rows, middle, codes, place, scale)
        there = np.isfinite(sizes)
        bad = np.where(there, bad, middle)
        better = there & (sizes < size[rows])
        good = np.where(there, middle, good)
        value[rows[better]], size[rows[better]] = middle[better], sizes[better]
        segment[rows[better]] = reached[better]
    return Found(value, size, segment)


def _before(own: Host, found: Host, values: Host) -> Host:
    """Return the value before the one found on the way from the customers' own."""
    up = found > own
    places = np.searchsorted(values, found)
    lower = np.maximum(values[np.maximum(places - 1, 0)], own)
    upper = np.minimum(values[np.minimum(places + 1, len(values) - 1)], own)
    return np.where(up, lower, upper)


def _reached(
    start: Start, field: Field, rows: Host, values: Host, codes: Sequence[int], place: Place, scale: Scale
) -> tuple[Host, Host]:
    """Return the segment of customers with other values, and how large the change is: infinite for no better one."""
    table = start.table[rows.tolist()].with_columns(column_of(field, values).alias(field.name))
    segments = place(table)
    sizes = _apart(scale(table), start.matrix[rows], codes)
    places = np.searchsorted(start.numbers, np.maximum(segments, start.numbers[0]))
    there = start.better[rows, places] & (segments >= 0)
    return segments, np.where(there, sizes, np.inf)


def _apart(one: Host, other: Host, codes: Sequence[int]) -> Host:
    """Return the distance of rows over the last axis; features that are no amounts are alike or 1 apart."""
    off = one - other
    if len(codes):
        off[..., list(codes)] = off[..., list(codes)] != 0
    return np.sqrt(np.sum(off * off, axis=-1))


def _values(column: Host, field: Field) -> Host:
    """Return the values of a feature to try, rising."""
    if field.kind == "category":
        # To what preprocessing made of several levels, or of none, nobody can change.
        return np.array([float(code) for code, level in enumerate(field.levels) if level not in POOLED])
    known = column[np.isfinite(column)]
    if field.kind == "boolean" or not len(known):
        return np.array([0.0, 1.0])[: 2 * bool(len(known))]
    return np.unique(np.quantile(known, np.linspace(0, 1, TRIED), method="nearest"))


def _at(evidence: Evidence, fields: Sequence[Field]) -> list[tuple[int, Field]]:
    return [(_place_of(evidence, field), field) for field in fields]


def _place_of(evidence: Evidence, field: Field) -> int:
    return [one.name for one in evidence.fields].index(field.name)


def _told(start: Start, field: Field, found: Found, row: int, at: int) -> tuple[str | float | None, ...]:
    """Return what is told of a customer's cheapest change."""
    if not np.isfinite(found.size[row]):
        return (None,) * 5
    now, then = (shown_raw(field, float(value)) for value in (start.raw[row, at], found.value[row]))
    return field.name, now, then, float(found.size[row]), int(found.segment[row])
