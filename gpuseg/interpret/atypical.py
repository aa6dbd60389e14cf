"""Customers who are like no segment: how many, what makes them odd, and what they may be. Hints, no claims."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from scipy.special import ndtri

from gpuseg.backends import Host
from gpuseg.cluster import NOISE, NOVEL
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.hints import hint_of
from gpuseg.interpret.profile import Field, there
from gpuseg.interpret.values import shown_raw
from gpuseg.notebook import counted, shown
from gpuseg.preprocessing import LARGEST
from gpuseg.settings import MIN_REPORT_SIZE

ODD = 3.0
"""Robust standard deviations from a segment's median from which a value is odd: 3 in 1,000 normal ones are."""
RARE = 0.05
"""The share of customers below which a level, or a yes or no, is rare enough to be a reason."""
SPREAD, FLAT = 1.4826, 1.2533
"""What turns the median absolute deviation, and the mean one, into the standard deviation of normal values."""
REASONS = 3
"""The reasons of a customer: more are hard to read."""
KINDS = 6
"""The kinds of atypical customers that are told of one by one."""

NOBODY, TOO_FEW = "no customer is atypical", "too few customers are atypical to be told of"


class Reason(NamedTuple):
    """What is odd of some customers: a feature, and whether it is "high", "low" or, of a category, the rare level.

    ``feature`` is None where each value is ordinary and only their mix is not.
    """

    feature: str | None
    direction: str


MIX = Reason(None, "mix")
"""Of customers without an odd value."""


def atypical_rows(evidence: Evidence) -> Host:
    """Return which customers are atypical: noise where there is any, else those beyond the novelty of .99."""
    noise = evidence.segments == NOISE
    return noise if noise.any() else evidence.novelty > NOVEL


def oddness(evidence: Evidence) -> Host:
    """Return how odd each value is, (rows, fields): robust deviations, signed, from the segment that it fits best.

    0 where it is missing. Numbers and dates are taken as the algorithm took them, bent and scaled, so that a long tail
    alone is not odd. A category's level, and a yes or no, that few have is as odd as a normal value that is as rare.
    """
    found, groups = np.zeros(evidence.raw.shape), _ordinary(evidence)
    for at, field in enumerate(evidence.fields):
        own = evidence.raw[:, at]
        known = np.abs(own) <= LARGEST
        if field.kind in ("category", "boolean"):
            found[known, at] = _rareness(own[known])
        elif known.any():
            bent = evidence.matrix[:, evidence.features.index(field.name)] if field.name in evidence.features else own
            within = [bent[group & known] for group in groups if (group & known).any()]
            found[known, at] = _nearest([_deviations(bent[known], one) for one in within or [bent[known]]])
    return found


def _ordinary(evidence: Evidence) -> list[Host]:
    """Return the customers of each segment who are not atypical: where nobody is in a segment, all."""
    odd = atypical_rows(evidence)
    numbers = np.unique(evidence.segments[~odd])
    return [(evidence.segments == number) & ~odd for number in numbers] or [np.ones(len(odd), dtype=bool)]


def _deviations(values: Host, group: Host) -> Host:
    """Return how far values are from the middle of a group's, in its robust deviations."""
    middle = np.median(group)
    off = np.abs(group - middle)
    spread = SPREAD * np.median(off) or FLAT * np.mean(off)
    # A group that does not vary: what is not in it is odd, however near.
    return (values - middle) / spread if spread > 0 else np.where(values == middle, 0.0, np.sign(values - middle) * ODD)


def _nearest(deviations: Sequence[Host]) -> Host:
    """Return for each value its deviation from the group that it is nearest to."""
    stacked = np.stack(deviations)
    return np.take_along_axis(stacked, np.argmin(np.abs(stacked), axis=0)[None], axis=0)[0]


def _rareness(codes: Host) -> Host:
    """Return how odd a level is: 0 for one that is not rare."""
    _, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    shares = counts / len(codes)
    odd = np.where(shares < RARE, -ndtri(shares / 2), 0.0)
    return odd[places]


def reasons_of(evidence: Evidence, rows: Host) -> list[list[Reason]]:
    """Return for each of these rows what is odd about it, the oddest first, at most three."""
    odd = oddness(evidence)[rows]
    order = np.argsort(-np.abs(odd), axis=1, kind="stable")[:, :REASONS]
    return [
        [_reason(evidence, int(row), int(at), z[at]) for at in best if abs(z[at]) >= _bound(evidence.fields[at])]
        or [MIX]
        for row, best, z in zip(rows, order, odd, strict=True)
    ]


def _bound(field: Field) -> float:
    return -ndtri(RARE / 2) if field.kind in ("category", "boolean") else ODD


def _reason(evidence: Evidence, row: int, at: int, odd: float) -> Reason:
    field = evidence.fields[at]
    if field.kind in ("category", "boolean"):
        return Reason(field.name, shown_raw(field, float(evidence.raw[row, at])))
    return Reason(field.name, "high" if odd > 0 else "low")


def atypical(evidence: Evidence) -> dict[str, Any]:
    """Return what is known of the atypical customers as plain values, aggregates alone.

    ``by``: "noise" (the algorithm put them in no segment) or "novelty" (farther from their segment than 99 % of it;
    about 1 % are, by its making). ``customers`` and ``share`` of all, estimated where the evidence is a sample;
    ``value_share`` of the value; ``kinds``: by their oddest feature, the largest first: feature, direction, customers,
    share (of the atypical), median and median_all (of a feature with an order, in the user's units), sentence, and hint
    or None; ``sentence``. Kinds of fewer than 10 customers of the evidence are one, "other"; of fewer than 10 in all no
    kind and no value is told.

    Median and median absolute deviation: Leys and others 2013, "Detecting outliers".
    """
    rows = np.flatnonzero(atypical_rows(evidence))
    share = len(rows) / max(len(evidence.segments), 1)
    by = "noise" if len(rows) and evidence.segments[rows[0]] == NOISE else "novelty"
    found = {"by": by, "customers": round(share * evidence.customers), "share": share}
    if len(rows) < MIN_REPORT_SIZE:
        few = TOO_FEW if len(rows) else NOBODY
        return {**found, "value_share": None, "kinds": [], "sentence": few}
    value, kinds = _value_share(evidence, rows), _kinds(evidence, rows)
    return {**found, "value_share": value, "kinds": kinds, "sentence": _sentence(found, value, kinds)}


def of_enough(known: Mapping[str, Any], fewest: int) -> dict[str, Any]:
    """Return what ``atypical`` gave without what it tells of fewer customers than these."""
    if known["customers"] < fewest:
        return {**known, "value_share": None, "kinds": [], "sentence": TOO_FEW if known["customers"] else NOBODY}
    if not known["kinds"]:
        return dict(known)
    kinds = [kind for kind in known["kinds"] if kind["feature"] is None or kind["customers"] >= fewest]
    return {**known, "kinds": kinds, "sentence": _sentence(known, known["value_share"], kinds)}


def _value_share(evidence: Evidence, rows: Host) -> float | None:
    if evidence.value is None:
        return None
    worth = np.nan_to_num(evidence.value)
    total = float(np.sum(worth))
    return float(np.sum(worth[rows])) / total if total > 0 else None


def _kinds(evidence: Evidence, rows: Host) -> list[dict[str, Any]]:
    """Return the kinds of atypical customers, the largest first, those that are too few as one."""
    first = [reasons[0] for reasons in reasons_of(evidence, rows)]
    counts = sorted(Counter(first).items(), key=lambda pair: (-pair[1], str(pair[0])))
    named = [reason for reason, count in counts if count >= MIN_REPORT_SIZE][:KINDS]
    told = [_kind(evidence, rows[[one == reason for one in first]], reason, len(rows)) for reason in named]
    rest = rows[[one not in named for one in first]]
    if len(rest):
        other = {"feature": None, "direction": "other", "median": None, "median_all": None, "hint": None}
        told.append({**other, **_shares(evidence, len(rest), len(rows)), "sentence": "others, of several kinds"})
    return told


def _shares(evidence: Evidence, count: int, total: int) -> dict[str, Any]:
    scale = evidence.customers / max(len(evidence.segments), 1)
    return {"customers": round(count * scale), "share": count / total}


def _kind(evidence: Evidence, rows: Host, reason: Reason, total: int) -> dict[str, Any]:
    """Return what is told of the customers who are odd for one reason."""
    about = {**reason._asdict(), **_shares(evidence, len(rows), total)}
    if reason.feature is None:
        sentence = "no value is odd by itself, but their mix is"
        return {**about, "median": None, "median_all": None, "sentence": sentence, "hint": None}
    at = [field.name for field in evidence.fields].index(reason.feature)
    field = evidence.fields[at]
    if reason.direction not in ("high", "low") or field.kind in ("category", "boolean"):
        share = float(np.mean(evidence.raw[:, at] == evidence.raw[rows[0], at]))
        sentence = f"{field.name} is {reason.direction}, as of {shown('share', share)} of all"
        return {**about, "median": None, "median_all": None, "sentence": sentence, "hint": None}
    median, whole = (float(np.median(there(evidence.raw[of, at]))) for of in (rows, slice(None)))
    sentence = f"{reason.direction} {field.name} (median {shown_raw(field, median)}, of all {shown_raw(field, whole)})"
    hint = hint_of(evidence, rows, ~atypical_rows(evidence), at, reason.direction)
    return {**about, "median": median, "median_all": whole, "sentence": sentence, "hint": hint}


def _sentence(found: Mapping[str, Any], value: float | None, kinds: Sequence[dict[str, Any]]) -> str:
    who = "are in no segment (noise)" if found["by"] == "noise" else "are farther from their segment than 99 % of it"
    worth = f", with {shown('share', value)} of the value" if value is not None else ""
    most = next((kind for kind in kinds if kind["feature"] is not None), None)
    why = f"; the most frequent reason is {most['sentence']}" if most else ""
    return f"{counted(found['customers'], 'customer')} ({shown('share', found['share'])}) {who}{worth}{why}"


def oddest(evidence: Evidence, n: int) -> pl.DataFrame:
    """Return the ``n`` oddest of the atypical customers with their reasons: rows of persons, for Python alone.

    By falling novelty, then distance: id, segment, novelty, distance and reasons, in words.
    """
    rows = np.flatnonzero(atypical_rows(evidence))
    order = np.lexsort((-evidence.distance[rows], -evidence.novelty[rows]))
    first = rows[order[:n]]
    reasons = reasons_of(evidence, first)
    return pl.DataFrame(
        [
            evidence.ids.gather(first),
            pl.Series("segment", evidence.segments[first], dtype=pl.Int32),
            pl.Series("novelty", evidence.novelty[first]),
            pl.Series("distance", evidence.distance[first]),
            pl.Series(
                "reasons",
                [_words(evidence, row, own) for row, own in zip(first, reasons, strict=True)],
                dtype=pl.String,
            ),
        ]
    )


def _words(evidence: Evidence, row: int, reasons: Sequence[Reason]) -> str:
    """Return the reasons of a customer with the values."""
    if reasons == [MIX]:
        return "an unusual mix of ordinary values"
    names = [field.name for field in evidence.fields]
    places = [names.index(str(reason.feature)) for reason in reasons]
    told = [(evidence.fields[at], float(evidence.raw[row, at])) for at in places]
    return ", ".join(
        f"{field.name} {shown_raw(field, value)}"
        + (f" ({reason.direction})" if reason.direction in ("high", "low") else "")
        for reason, (field, value) in zip(reasons, told, strict=True)
    )
