"""What each segment is like beside the rest, feature by feature: exact statistics, effect sizes and marks."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.engines.parts import LocalParts
from gpuseg.interpret.effects import (
    LEVEL,
    SIZES,
    chi_squared,
    cohens_d,
    cohens_h,
    delta_of_d,
    dominance,
    holm,
    size_of,
    welch_p,
)
from gpuseg.interpret.profile import DAY, Counts, Field, Rows, counted, moments_joined
from gpuseg.preprocessing import LARGEST
from gpuseg.preprocessing.levels import MISSING, OTHER
from gpuseg.settings import MIN_REPORT_SIZE

LEAST = MIN_REPORT_SIZE
"""Customers of a segment that a level must have to be told of: three persons are no finding."""
ENOUGH = 30
"""Customers of a segment in a sample that tell its delta; its standard error is then about 0.1."""
DIGITS = 9
"""Effects that differ beyond it are a tie: the order in which sums are taken moves the last digits."""
POOLED = (OTHER, MISSING)
"""Levels that preprocessing makes, and that say nothing of a segment by themselves."""
TINY = np.finfo(np.float64).tiny
"""Keeps the share of a level that no customer has from dividing by nothing."""
SUMMARY = ("mean", "std", "q25", "median", "q75")
Plain = dict[str, Any]


class Moments(NamedTuple):
    """What is told of the values of some customers; None where there is none."""

    n: int
    missing: int
    mean: float | None
    std: float | None
    q25: float | None
    median: float | None
    q75: float | None


def details(raw: Host, fields: Sequence[Field], segments: Host) -> pl.DataFrame:
    """Return one row a segment and feature: what the segment is like in it, and how far it is from the rest.

    ``raw``, ``fields`` and ``segments`` as for ``profile``. Columns: ``segment``, ``feature``, ``kind``, ``n`` and
    ``missing`` (values), ``mean``, ``std`` (sample), ``q25``, ``median``, ``q75``, ``all_mean`` (of all customers),
    in the user's units, yes or no as shares; where there are dates, those of them in ``mean_date`` and so on, and
    ``std`` in days. ``difference``: of the mean and that of all other customers, in pooled standard deviations
    (Cohen's d). ``effect`` and ``effect_name``: Cliff's delta for numbers and dates, which a few giants do not move;
    Cohen's h for yes or no; Cramer's V for categories. ``p``: of Mann and Whitney's test for numbers and dates, else of
    Pearson's chi-squared test; ``p_adjusted`` by Holm over all rows. ``mark``: "small", "medium" or "large" where the
    effect is (by the bounds of Cohen 1988 and Romano 2006) and ``p_adjusted`` is below 0.05; for a category the effect
    is the larger of V and the h of the telling level, for V is small of a small segment. ``level``: the level of a
    category whose share differs most from that in the rest, of at least 10 customers where it is more;
    ``level_share``, ``level_all_share`` and ``lift``, the one divided by the other.

    Segments were made to differ in these features, so that a small p alone says little: hence the mark needs both.

    >>> raw = np.append(np.arange(10.0), np.arange(50.0, 60.0))[:, None]
    >>> table = details(raw, [Field("spend", "number", [])], np.repeat([0, 1], 10))
    >>> table.select("segment", "mean", "median", "difference", "effect", "mark").rows()
    [(0, 4.5, 4.5, -16.5..., -1.0, 'large'), (1, 54.5, 54.5, 16.5..., 1.0, 'large')]
    """
    counts = counted(LocalParts.of([Rows(raw, segments, None)]), fields)
    return details_table(details_of(counts, raw, segments))


def details_of(counts: Counts, raw: Host, segments: Host) -> Plain:
    """Return the details as plain values; ``raw`` and ``segments`` are of the customers, or of a sample of them.

    ``segments`` and ``sizes``, and ``features``: for each its name, kind, ``effect_name`` and ``all`` (n, missing,
    mean, std, q25, median, q75), and of each of these, of ``difference``, ``effect``, ``p``, ``p_adjusted`` and
    ``mark`` a list with an entry a segment. Dates are days since 1970. A category has ``levels``, ``counts``
    (segments, levels) and ``all_counts`` in place of numbers.
    """
    features = []
    for at, field in enumerate(counts.fields):
        tell = _category if field.kind == "category" else _number
        features.append(tell(counts, at, raw[:, at], segments))
    tests = [p for feature in features for p in feature["p"]]
    adjusted = iter(holm(tests))
    for feature in features:
        feature["p_adjusted"] = [next(adjusted) for _ in feature["p"]]
        feature["mark"] = [
            size if p is not None and p < LEVEL else None
            for size, p in zip(feature.pop("size"), feature["p_adjusted"], strict=True)
        ]
    return {"segments": list(counts.segments), "sizes": counts.sizes, "features": features}


def details_table(plain: Mapping[str, Any]) -> pl.DataFrame:
    """Return the table of ``details`` of its plain form."""
    rows = [_row(feature, segment, at) for at, segment in enumerate(plain["segments"]) for feature in plain["features"]]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    dated = pl.col("kind") == "date"
    for name in MOMENTS if "date" in table["kind"] else ():
        date = (pl.when(dated).then(pl.col(name)) * DAY).cast(pl.Int64).cast(pl.Datetime("us"))
        number = pl.when(~dated).then(pl.col(name)).alias(name)
        table = table.with_columns(date.alias(f"{name}_date"), number)
    return table


class Level(NamedTuple):
    """A level of a category in a segment: its customers, its share of those with a value there, in the rest, in all.

    ``lift``: how many times as frequent it is as in all; ``effect``: Cohen's h, against all other customers.
    """

    name: str
    customers: int
    share: float
    other_share: float
    all_share: float
    lift: float
    effect: float


def levels_of(feature: Mapping[str, Any], at: int) -> list[Level]:
    """Return the levels of a category of the plain form in the segment at this place, by falling lift, then by name.

    Levels that are more frequent than in all and have fewer than 10 customers there are left out.
    """
    inside, whole = (np.asarray(feature[key], dtype=np.float64) for key in ("counts", "all_counts"))
    own, rest = inside[at], whole - inside[at]
    if not own.sum() or not rest.sum():
        return []
    shares, others, of_all = (some / some.sum() for some in (own, rest, whole))
    lifts = shares / np.maximum(of_all, TINY)
    found = [
        Level(
            name, int(own[i]), float(shares[i]), float(others[i]), float(of_all[i]), float(lifts[i]),
            cohens_h(shares[i], others[i]),
        )
        for i, name in enumerate(feature["levels"])
        if name not in POOLED and whole[i] and (own[i] >= LEAST or shares[i] < others[i])
    ]  # fmt: skip
    return sorted(found, key=lambda level: (-level.lift, level.name))


def tally_of(feature: Mapping[str, Any], at: int) -> Host:
    """Return count, sum, and sum of squares off the mean of the plain form's numbers in the segment at this place."""
    n, mean, std = (feature[key][at] for key in ("n", "mean", "std"))
    return np.array([n, n * (mean or 0.0), (std or 0.0) ** 2 * max(n - 1, 0)], dtype=np.float64)


def telling(feature: Mapping[str, Any], at: int) -> Level | None:
    """Return the level of a category whose share in a segment differs most from that in the rest; None where none is.

    One that is more frequent goes before one that is rarer by as much.
    """
    return max(levels_of(feature, at), key=lambda level: (round(abs(level.effect), DIGITS), level.effect), default=None)


def _number(counts: Counts, at: int, values: Host, segments: Host) -> Plain:
    """Return the details of a feature of numbers, dates, or yes and no."""
    field, ranked = counts.fields[at], counts.fields[at].kind != "boolean"
    tallies = [tally[at + 1] for tally in counts.tallies]
    whole = functools.reduce(moments_joined, tallies)
    own = [
        _moments(tally, size, quartiles)
        for tally, size, quartiles in zip(tallies, counts.sizes, counts.quartiles[:-1, at], strict=True)
    ]
    rests = [_rest(tallies, place) for place in range(len(tallies))]
    pairs = list(zip(tallies, rests, strict=True))
    differences = [cohens_d(*pair) for pair in pairs]
    name = "Cliff's delta" if ranked else "Cohen's h"
    if ranked:
        effects, ps = _dominances(counts, values, segments, pairs, differences)
    else:
        effects, ps = [_h(*pair) for pair in pairs], [chi_squared(_yes_no(*pair))[1] for pair in pairs]
    return {
        "name": field.name,
        "kind": field.kind,
        "effect_name": name,
        "all": _moments(whole, sum(counts.sizes), counts.quartiles[-1, at])._asdict(),
        **{key: [getattr(one, key) for one in own] for key in Moments._fields},
        "difference": differences,
        "effect": effects,
        "p": ps,
        "size": [size_of(effect, name) for effect in effects],
    }


def _category(counts: Counts, at: int, *_: Host) -> Plain:
    """Return the details of a category."""
    field = counts.fields[at]
    inside = np.array([tally[at + 1] for tally in counts.tallies])
    whole = inside.sum(axis=0)
    tests = [chi_squared(np.array([own, whole - own])) for own in inside]
    found = {"levels": list(field.levels), "counts": _whole(inside), "all_counts": _whole(whole)}
    n, every = inside.sum(axis=1), sum(counts.sizes)
    levels = [telling(found, place) for place in range(len(inside))]
    sizes = [
        _larger(size_of(v, "Cramer's V"), size_of(level.effect, "Cohen's h") if level else None)
        for (v, _), level in zip(tests, levels, strict=True)
    ]
    return {
        "name": field.name,
        "kind": field.kind,
        "effect_name": "Cramer's V",
        "all": {"n": int(n.sum()), "missing": every - int(n.sum()), **dict.fromkeys(SUMMARY)},
        "n": _whole(n),
        "missing": [size - int(there) for size, there in zip(counts.sizes, n, strict=True)],
        **{key: [None] * len(inside) for key in (*SUMMARY, "difference")},
        "effect": [v for v, _ in tests],
        "p": [p for _, p in tests],
        "size": sizes,
        **found,
    }


def _moments(tally: Host, size: int, quartiles: Host) -> Moments:
    n, total, squares = tally.tolist()
    if not n:
        return Moments(0, size, *[None] * len(SUMMARY))
    std = math.sqrt(squares / (n - 1)) if n > 1 else None
    low, middle, high = (None if math.isnan(value) else value for value in quartiles.tolist())
    return Moments(int(n), size - int(n), total / n, std, low, middle, high)


def _rest(tallies: Sequence[Host], place: int) -> Host:
    """Return the tally of all other segments: joined, for a difference of large sums would lose digits."""
    others = [tally for at, tally in enumerate(tallies) if at != place]
    return functools.reduce(moments_joined, others, np.zeros(3))


def _dominances(
    counts: Counts,
    values: Host,
    segments: Host,
    pairs: Sequence[tuple[Host, Host]],
    differences: Sequence[float | None],
) -> tuple[list[float | None], list[float | None]]:
    """Return Cliff's delta and a p value of each segment.

    Of a segment with few in a sample they are those of normal values: the delta of its Cohen's d, and Welch's p.
    """
    found = dominance(np.where(np.abs(values) <= LARGEST, values, np.nan), segments, counts.segments)
    whole = len(segments) == sum(counts.sizes)
    for at, segment in enumerate(counts.segments):
        if not whole and np.count_nonzero(segments == segment) < ENOUGH:
            found[at] = delta_of_d(differences[at]), welch_p(*pairs[at])
    return [delta for delta, _ in found], [p for _, p in found]


def _h(one: Host, other: Host) -> float | None:
    return cohens_h(one[1] / one[0], other[1] / other[0]) if one[0] and other[0] else None


def _yes_no(one: Host, other: Host) -> Host:
    """Return how many are yes and how many no in two groups, (2, 2)."""
    return np.array([[one[1], one[0] - one[1]], [other[1], other[0] - other[1]]])


def _larger(one: str | None, other: str | None) -> str | None:
    """Return the larger of two sizes of effects."""
    return max(one, other, key=lambda size: -1 if size is None else SIZES.index(size))


def _whole(counts: Host) -> Any:
    return counts.astype(np.int64).tolist()


def _row(feature: Mapping[str, Any], segment: int, at: int) -> tuple[Any, ...]:
    """Return a row of the table."""
    level = telling(feature, at) if feature["kind"] == "category" else None
    of_level = (None,) * 4 if level is None else (level.name, level.share, level.all_share, level.lift)
    own = [feature[name][at] for name in ("n", "missing", *SUMMARY)]
    compared = [feature[name][at] for name in ("p", "p_adjusted", "mark")]
    return (
        segment, feature["name"], feature["kind"], *own, feature["all"]["mean"], feature["difference"][at],
        feature["effect"][at], feature["effect_name"], *compared, *of_level,
    )  # fmt: skip


MOMENTS = ("mean", "q25", "median", "q75", "all_mean")
"""The columns that hold a moment where the feature is a date."""
SCHEMA = {
    "segment": pl.Int32, "feature": pl.String, "kind": pl.String, "n": pl.Int64, "missing": pl.Int64,
    "mean": pl.Float64, "std": pl.Float64, "q25": pl.Float64, "median": pl.Float64, "q75": pl.Float64,
    "all_mean": pl.Float64, "difference": pl.Float64, "effect": pl.Float64, "effect_name": pl.String,
    "p": pl.Float64, "p_adjusted": pl.Float64, "mark": pl.String,
    "level": pl.String, "level_share": pl.Float64, "level_all_share": pl.Float64, "lift": pl.Float64,
}  # fmt: skip
