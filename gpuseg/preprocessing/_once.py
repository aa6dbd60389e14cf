"""Which rows of a table repeat an earlier one, and the table without them."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from gpuseg.backends import Host
from gpuseg.engines.blocks import itself
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput
from gpuseg.preprocessing._intake import Intake, duplicates_of, rows_of
from gpuseg.preprocessing.meeting import repeated_rows


class Once(NamedTuple):
    """The rows to learn from, which of the input they are, and how many repeat an earlier one; None: not compared.

    ``rows`` is a mask, or the masks of parts; None: all.
    """

    intake: Intake
    rows: Host | Parts | None
    duplicates: int | None


def compared(intake: Intake, names: list[str], duplicates: str) -> Once:
    """Return the rows to learn from: all with ``duplicates`` "keep", the first of each with "drop"."""
    drop = duplicates == "drop"
    return _array(intake, drop=drop) if intake.parts is None else _table(intake, intake.parts, names, drop=drop)


def used_rows(once: Host | Parts | None, kept: Any) -> Any:
    """Return which rows of the input are used: ``kept``, a mask or masks of parts, are those among ``once``."""
    if once is None:
        return kept
    return _among(once, kept) if isinstance(once, np.ndarray) else once.beside(kept, _among).kept()


def _array(intake: Intake, *, drop: bool) -> Once:
    first = duplicates_of(intake.array)
    if first is None and drop:
        raise InvalidInput("duplicates='drop' compares rows, which only tables and NumPy arrays allow; use 'keep'")
    if first is None:
        return Once(intake, None, None)
    count = int(np.count_nonzero(~first))
    if not drop:
        return Once(intake, None, count)
    return Once(intake._replace(array=rows_of(intake.array, first), sizes=(len(first) - count,)), first, count)


def _table(intake: Intake, parts: Parts, names: list[str], *, drop: bool) -> Once:
    repeated = repeated_rows(parts, names, intake.rows).kept()
    repeats = repeated.collect(len)
    if not drop or not any(repeats):
        return Once(intake, None, sum(repeats))
    left = parts.beside(repeated, _without)
    sizes = tuple(size - count for size, count in zip(intake.sizes, repeats, strict=True))
    reload = partial(_only, left) if intake.away else None
    masks = parts.beside(repeated, _mask).kept()
    return Once(
        intake._replace(parts=left, sizes=sizes, reload=reload),
        masks if intake.away else masks.collect(itself)[0],
        sum(repeats),
    )


def _only(parts: Parts, names: Sequence[str]) -> Parts:
    return parts.map(_columns_of, tuple(names))


def _columns_of(part: nw.DataFrame[Any], names: Sequence[str]) -> nw.DataFrame[Any]:
    return part.select(*(part[name] for name in names))


def _mask(part: nw.DataFrame[Any], repeated: Host) -> Host:
    mask = np.ones(len(part), dtype=bool)
    mask[repeated] = False
    return mask


def _without(part: nw.DataFrame[Any], repeated: Host) -> nw.DataFrame[Any]:
    return part[np.flatnonzero(_mask(part, repeated)).tolist(), :]


def _among(once: Host, kept: Host) -> Host:
    mask = once.copy()
    mask[mask] = kept
    return mask
