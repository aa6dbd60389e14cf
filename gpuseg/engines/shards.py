"""Shards, in which rows that belong together meet: how many, and which one an id belongs to.

An id goes by a hash that is the same in every process, library and version.
"""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np

from gpuseg.backends import Host

Frame = nw.DataFrame[Any]

ROWS = 1_000_000
"""Rows of a shard, about: what is made of them takes a few hundred megabytes at most."""
PRIME = np.uint64(0x100000001B3)
"""The prime of the hash of Fowler, Noll and Vo for 64 bits."""


def count_for(rows: int) -> int:
    """Return the number of shards, which the rows alone decide.

    >>> count_for(1), count_for(2_500_000)
    (1, 3)
    """
    return max(1, -(-rows // ROWS))


def shards_of(ids: nw.Series[Any], count: int) -> Host:
    """Return the number of the shard of every id, whole numbers or text of which none is missing.

    >>> import polars as pl
    >>> whole, text = (nw.from_native(pl.Series(ids), series_only=True) for ids in ([1, 2, 3, 1], ["1", "2", "ü", "1"]))
    >>> shards_of(whole, 4).tolist(), shards_of(text, 4).tolist()
    ([1, 2, 0, 1], [0, 2, 2, 0])
    """
    keys = _text_keys(ids) if ids.dtype == nw.String else ids.to_numpy().astype(np.uint64)
    return (_mixed(keys) % np.uint64(count)).astype(np.min_scalar_type(count))  # NumPy sorts small numbers by radix


def cut_by(rows: Frame, count: int, key: str) -> list[Frame]:
    """Return rows as a piece for each shard of the keys, each in the order of the rows."""
    numbers = shards_of(rows[key], count)
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(count + 1, dtype=numbers.dtype))
    rows = rows[order]
    return [rows[int(ends[at]) : int(ends[at + 1])] for at in range(count)]


def stacked(pieces: Sequence[Frame]) -> Frame:
    """Return pieces as one table."""
    return nw.concat(list(pieces))


def _mixed(keys: Host) -> Host:
    """Return whole numbers stirred by the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _text_keys(ids: nw.Series[Any]) -> Host:
    """Return a whole number for each text: its bytes as the digits of a number to the base PRIME, in 64 bits."""
    array = ids.to_arrow().cast("large_string")
    starts = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(array.buffers()[2], dtype=np.uint8)[starts[0] : starts[-1]].astype(np.uint64)
    lengths = np.diff(starts)
    powers = np.cumprod(np.full(int(lengths.max(initial=0)) + 1, PRIME), dtype=np.uint64)
    digits = (data + np.uint64(1)) * powers[np.arange(len(data)) - np.repeat(starts[:-1] - starts[0], lengths)]
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(digits, dtype=np.uint64)])
    ends = starts - starts[0]
    return sums[ends[1:]] - sums[ends[:-1]]
