"""What only all parts together can tell: how many values differ, how often each word comes, which rows repeat.

Values that are equal meet in one shard, chosen by a hash; a part alone needs no exchange.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.engines.parts import Parts
from gpuseg.engines.shards import count_for, stacked
from gpuseg.preprocessing.looks import without_gaps
from gpuseg.preprocessing.text import WORDS, Series, numbers_in, on_host, values_of, without_blanks
from gpuseg.settings import log

WHOLE = 2.0**62
"""Whole floats below this size have the key of the integer."""
COLUMN, KEY, ROWS, PART, ROW = "column", "key", "rows", "part", "row"


class Words(NamedTuple):
    """The levels of a column as text: how many differ, their rows, rows without one, and some with their rows."""

    different: int
    rows: int
    missing: int
    counts: dict[str, int]


def words_of(series: Series) -> Series:
    """Return any column as text by which levels are told apart: 1 and 1.0 are the same level."""
    dtype = series.dtype
    if dtype in WORDS:
        return without_blanks(series.cast(nw.String))
    if dtype == nw.Boolean:
        return series.cast(nw.String).str.to_lowercase()
    if dtype.is_float():
        return series.fill_nan(None).cast(nw.String).str.replace_all(r"\.0$", "")
    return series.cast(nw.String)


def count_different(parts: Parts, columns: Mapping[str, bool], values: int) -> dict[str, int]:
    """Return how many values differ in each column, ``values`` in all at most; those marked are numbers.

    Text is told apart by hashes of 64 bits: of 20 million texts two have one hash once in 100,000 tables.
    """
    if not columns:
        return {}
    if parts.count == 1:
        (found,) = parts.collect(_alone, columns)
        return dict(found)
    met = parts.exchange(_cut_values, _one_of_each, count_for(values), columns)
    found = np.sum(met.collect(_heights, len(columns)), axis=0)
    return dict(zip(columns, map(int, found), strict=True))


def count_words(parts: Parts, columns: Sequence[str], most: int, asked: Sequence[str], values: int) -> list[Words]:
    """Return the ``most`` frequent levels of each column, by count and then by name, and those ``asked`` for."""
    if not columns:
        return []
    met = parts.exchange(_cut_words, _summed, count_for(values), tuple(columns))
    found = met.collect(_frequent, len(columns), most, tuple(asked))
    return [_all_words(column, most, asked) for column in zip(*found, strict=True)]


def repeated_rows(parts: Parts, names: Sequence[str], rows: int) -> Parts:
    """Return the numbers of the rows of each part that repeat an earlier row of the table in some columns.

    Rows are told apart by hashes of 64 bits: of 20 million rows two have one hash once in 100,000 tables.
    """
    if parts.count == 1:
        return parts.map(_repeated, tuple(names))
    met = parts.exchange(_cut_rows, _rows_met, count_for(rows), tuple(names))
    return met.exchange(_by_part, _rows_of_part, parts.count)


def _numbers_or_text(part: nw.DataFrame[Any], name: str, *, numbers: bool) -> pl.Series:
    there = without_gaps(values_of(part, name))
    if numbers and there.dtype != nw.String:
        return there.to_polars()
    text = on_host(there)
    return numbers_in(text) if numbers else text


def _alone(part: nw.DataFrame[Any], columns: Mapping[str, bool]) -> dict[str, int]:
    return {name: _numbers_or_text(part, name, numbers=n).n_unique() for name, n in columns.items()}


def _cut_values(part: nw.DataFrame[Any], count: int, columns: Mapping[str, bool]) -> list[pl.DataFrame]:
    """Return the different values of each column by the shard of their hashes; text as its hash."""
    series = [_numbers_or_text(part, name, numbers=numbers).unique() for name, numbers in columns.items()]
    keys = [_exactly(one) if one.dtype.is_numeric() else one.hash() for one in series]
    frames = [pl.DataFrame({COLUMN: np.full(len(key), i, np.int32), KEY: key}) for i, key in enumerate(keys)]
    return _by_hash(pl.concat(frames), count)


def _exactly(numbers: pl.Series) -> pl.Series:
    """Return a key a number, the same for 1 and 1.0 and another for every other number."""
    if numbers.dtype.is_integer() and numbers.dtype != pl.UInt64:
        return numbers.cast(pl.Int64).reinterpret(signed=False)
    exact = pl.col("values").cast(pl.Float64)
    whole = pl.when((exact == exact.round()) & (exact.abs() < WHOLE)).then(exact)
    key = whole.cast(pl.Int64, strict=False).reinterpret(signed=False)
    there = pl.when(exact.is_not_null())
    return numbers.to_frame("values").select(there.then(pl.coalesce(key, exact.hash())))["values"]


def _one_of_each(frames: list[nw.DataFrame[Any]]) -> pl.DataFrame:
    return stacked(frames).to_native().unique()


def _heights(shard: nw.DataFrame[Any], columns: int) -> Host:
    return np.bincount(shard[COLUMN].to_numpy(), minlength=columns)


def _cut_words(part: nw.DataFrame[Any], count: int, columns: Sequence[str]) -> list[pl.DataFrame]:
    """Return how often each word comes in each column, by the shard of the words."""
    frames = []
    for i, name in enumerate(columns):
        found = words_of(values_of(part, name)).alias(KEY).value_counts(name=ROWS).to_polars()
        frames.append(found.select(pl.lit(i, pl.Int32).alias(COLUMN), pl.col(KEY), pl.col(ROWS).cast(pl.Int64)))
    return _by_hash(pl.concat(frames), count)


def _summed(frames: list[nw.DataFrame[Any]]) -> pl.DataFrame:
    return stacked(frames).to_native().group_by(COLUMN, KEY).agg(pl.col(ROWS).sum())


def _frequent(shard: nw.DataFrame[Any], columns: int, most: int, asked: Sequence[str]) -> list[Words]:
    frame = shard.to_native()
    return [_words(frame.filter(pl.col(COLUMN) == i), most, asked) for i in range(columns)]


def _words(counts: pl.DataFrame, most: int, asked: Sequence[str]) -> Words:
    there = counts.filter(pl.col(KEY).is_not_null()).sort(ROWS, KEY, descending=[True, False])
    kept = pl.concat([there.head(most), there.filter(pl.col(KEY).is_in(list(asked)))])
    missing = int(counts.filter(pl.col(KEY).is_null())[ROWS].sum())
    return Words(len(there), int(there[ROWS].sum()), missing, dict(kept.select(KEY, ROWS).iter_rows()))


def _all_words(shards: Sequence[Words], most: int, asked: Sequence[str]) -> Words:
    counts = {word: rows for shard in shards for word, rows in shard.counts.items()}
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    kept = {word: counts[word] for place, word in enumerate(ranked) if place < most or word in asked}
    different, rows, missing = (sum(each) for each in zip(*(shard[:3] for shard in shards), strict=True))
    return Words(different, rows, missing, kept)


def _cut_rows(part: nw.DataFrame[Any], count: int, names: Sequence[str]) -> list[pl.DataFrame]:
    """Return the hash and the number of every row, by the shard of the hashes."""
    return _by_hash(pl.DataFrame({KEY: _hashes(part, names)}).with_row_index(ROW), count)


def _hashes(part: nw.DataFrame[Any], names: Sequence[str]) -> pl.Series:
    """Return a hash a row, the same for the same values whatever the types of other parts."""
    if not part.implementation.is_polars():
        log.info("rows are compared on the host, %d of them in %s", len(part), part.implementation)
    frame = part.to_polars()
    return frame.select([_comparable(frame[name]).alias(f"c{i}") for i, name in enumerate(names)]).hash_rows()


def _comparable(series: pl.Series) -> pl.Series:
    if series.dtype in (pl.Categorical, pl.Enum, pl.Null):
        return series.cast(pl.String)
    return _exactly(series) if series.dtype.is_numeric() else series


def _rows_met(frames: list[nw.DataFrame[Any]]) -> pl.DataFrame:
    """Return the part and the number of every row but the first of its hash."""
    met = pl.concat([f.to_native().with_columns(pl.lit(i, pl.Int32).alias(PART)) for i, f in enumerate(frames)])
    return met.filter(~pl.col(KEY).is_first_distinct()).select(PART, ROW)


def _by_part(shard: nw.DataFrame[Any], count: int) -> list[pl.DataFrame]:
    return _split(shard.to_native(), PART, count)


def _rows_of_part(frames: list[nw.DataFrame[Any]]) -> Host:
    return np.sort(stacked(frames)[ROW].to_numpy())


def _repeated(part: nw.DataFrame[Any], names: Sequence[str]) -> Host:
    return np.flatnonzero(~first_of_each(part, names))


def first_of_each(frame: nw.DataFrame[Any], names: Sequence[str]) -> Host:
    """Return which rows are the first with their values in the named columns, as a mask.

    >>> first_of_each(nw.from_native(pl.DataFrame({"a": [1, 1, 2]})), ["a"]).tolist()
    [True, False, True]
    """
    mask = np.ones(len(frame), dtype=bool)
    if not names:
        return mask
    numbered = frame.select(*[frame[name].alias(f"c{i}") for i, name in enumerate(names)])
    indexed = numbered.with_row_index("row")
    first = indexed.unique(numbered.columns, keep="first", maintain_order=True)["row"]
    mask[:] = False
    mask[first.to_numpy()] = True
    return mask


def _by_hash(frame: pl.DataFrame, count: int) -> list[pl.DataFrame]:
    if count == 1:
        return [frame]
    shard = (pl.col(KEY).hash() % count).cast(pl.Int32).alias("shard")
    return _split(frame.with_columns(shard), "shard", count, drop=True)


def _split(frame: pl.DataFrame, by: str, count: int, *, drop: bool = False) -> list[pl.DataFrame]:
    found = frame.partition_by(by, as_dict=True, include_key=not drop)
    empty = frame.clear().drop(by) if drop else frame.clear()
    return [found.get((number,), empty) for number in range(count)]
