"""What a summary says of each segment: its size, what it is like, and what is known beyond; small ones are pooled."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from gpuseg.card import profile_of
from gpuseg.notebook import shown
from gpuseg.plot.measures import KEYS, VALUE, Measure, contrasts, frame_of, mean_of_all, measures, moment
from gpuseg.report.insight import of_segment
from gpuseg.report.traits import traits_of
from gpuseg.report.words import called


def likeness(
    card: Mapping[str, Any], insight: Mapping[str, Any], numbers: Mapping[int, str], fewest: int
) -> dict[str, Any]:
    """Return the segments of a card with their names and sizes, those that are too small, and what they are like.

    ``numbers``: what each segment is called; the card's ``insight`` may be that of another numbering, or nothing.
    """
    whole = frame_of(profile_of(card["profile"]))
    small = whole.filter(pl.col("size") < fewest)["segment"].to_list()
    joined = [number for number in small if number >= 0]
    frame, pool = _withheld(_pooled(whole, joined), fewest), f"{len(joined)} small segments"
    profile = [_profiled(frame, measure, gaps=_has_gaps(card, measure.name)) for measure in measures(frame)]
    keys = [name for name in ("segment", "size", "share", VALUE) if name in frame.columns]
    segments = []
    for at, row in enumerate(frame.select(keys).to_dicts()):
        segment = row["segment"]
        known = of_segment({} if segment is None or segment in small else insight, segment)
        about = {"number": numbers.get(segment), **known}
        if about["traits"] is None:
            about["traits"] = traits_of(profile, at)
        segments.append({**row, **about, **({"name": pool} if segment is None else {})})
    for row in segments:
        _name_next(row, segments)
    return {"segments": segments, "small": small, "profile": profile}


def _name_next(row: dict[str, Any], segments: list[dict[str, Any]]) -> None:
    """Tell which segment is the nearest to one, by its name; None of one that is not told of."""
    if row["quality"]:
        near = [called(other) for other in segments if other["segment"] == row["quality"]["nearest"]]
        row["quality"] = {**row["quality"], "next": near[0] if near else None}


def numbers_of(card: Mapping[str, Any], paths: Mapping[int, str]) -> dict[int, str]:
    """Return what each segment of a card is called: its number, its way as a part of another, or noise."""
    found = profile_of(card["profile"])["segment"].to_list()
    return {segment: paths.get(segment, shown("segment", segment)) for segment in found}


def _pooled(frame: pl.DataFrame, small: list[int]) -> pl.DataFrame:
    """Return a profile with one row, of no number, for several segments; noise stays last."""
    if len(small) < 2:  # noqa: PLR2004 - one is no pool
        return frame
    rest, noise = frame.filter(pl.col("segment") >= 0), frame.filter(pl.col("segment") < 0)
    among = pl.col("segment").is_in(small)
    told = [name for name in ("size", "share", VALUE) if name in frame.columns]
    pool = rest.filter(among).select(pl.sum(name) for name in told)
    return pl.concat([rest.filter(~among), pool, noise], how="diagonal").select(frame.columns)


def _withheld(frame: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """Return a profile that tells of too few customers nothing but how many they are.

    Shares of value are those of the customers told of: from the others' the rest to 1 would be known.
    """
    told = pl.col("size") >= fewest
    frame = frame.with_columns(
        pl.when(told).then(pl.col(name)).alias(name) for name in frame.columns if name not in KEYS
    )
    if VALUE not in frame.columns or frame[VALUE].null_count() == 0:
        return frame
    total = frame[VALUE].sum()
    return frame.with_columns(pl.col(VALUE) / total if total > 0 else pl.lit(None, pl.Float64).alias(VALUE))


def _profiled(frame: pl.DataFrame, measure: Measure, *, gaps: bool) -> dict[str, Any]:
    """Return a column of the customers: its summary in each segment told of, and of all where none is missing."""
    words = {"number": ("mean", "median"), "date": ("mean", "median"), "boolean": ("share",)}
    names = words.get(measure.kind, ("top", "top_share"))
    found = zip(names, (measure.main, measure.second), strict=False)
    values = {word: _listed(frame[column]) for word, column in found if column is not None}
    whole = None if gaps else mean_of_all(frame, measure)
    of_all = moment(whole).isoformat() if whole is not None and measure.kind == "date" else whole
    about = {"name": measure.name, "kind": measure.kind, "all": of_all, "contrast": contrasts(frame, measure)}
    return {**about, **values}


def _listed(column: pl.Series) -> list[Any]:
    return (column.dt.to_string("iso:strict") if column.dtype.is_temporal() else column).to_list()


def _has_gaps(card: Mapping[str, Any], name: str) -> bool:
    """Return whether a column had missing values: then the segments' means do not add up to the mean of all."""
    return any(c["name"] == name and c["missing"] + c["infinite"] > 0 for c in card["preprocessing"]["columns"])
