"""What stands out between personas and segments, each as a sentence with its figures: splits, merges, new segments."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.interpret.flows import LEAST, TIE, Flows, odds_ratios, quantile, tied
from gpuseg.interpret.parting import Parting, partings, said
from gpuseg.notebook import counted, shown

PART = 0.1
"""The least share of a persona that is a part of it, and of a segment that a persona makes up: less is its fringe."""
WHOLE = 0.8
"""From this share of a persona on, one segment is that persona: the rest is what any two labellings differ by."""
MAIN = 0.5
"""The least share of a persona that goes to the segment into which it is merged, and of a segment that is covered."""


class Finding(NamedTuple):
    """What stands out: its kind (split, merge, new, under-served, over-served), a sentence, and its figures."""

    kind: str
    sentence: str
    figures: dict[str, Any]


Word = Callable[[int | str], str]
"""What gives a segment's name in a sentence."""


def words_of(names: Mapping[Any, str]) -> Word:
    """Return what names segments in sentences.

    >>> words_of({1: "Big spenders"})(1), words_of({})("a")
    ('segment 1 "Big spenders"', "segment 'a'")
    """

    def word(segment: int | str) -> str:
        return f"segment {segment!r}" + (f' "{names[segment]}"' if segment in names else "")

    return word


def splits(flows: Flows, features: pl.DataFrame, word: Word) -> list[Finding]:
    """Return the personas that are split into segments, those of most customers first.

    No segment has 80 % of such a persona, and at least two have 10 % of it and more and belong to it (``tied``).
    ``features``: (customers, columns), those along which the parts may differ; none of them is none known.
    """
    together, shares, found = tied(flows.counts) & flows.real, flows.of_persona, []
    for at, persona in enumerate(flows.personas):
        parts = np.flatnonzero(together[at] & (shares[at] >= PART)).tolist()
        parts.sort(key=lambda part: -shares[at, part])
        if len(parts) < 2 or shares[at].max() >= WHOLE:  # noqa: PLR2004 - a split is into two
            continue
        size, into = int(flows.counts[at].sum()), [flows.segments[part] for part in parts]
        sizes, of_persona = flows.counts[at, parts].tolist(), shares[at, parts].tolist()
        differ = _partings([_rows(flows, features, at, part) for part in parts])
        told = _listed([word(segment) for segment in into], sizes, of_persona)
        sentence = f"persona {persona!r} ({counted(size, 'customer')}) is split into {told}"
        figures = {"persona": persona, "customers": size, "segments": into, "parts": sizes, "shares": of_persona}
        figures["along"] = [_plain(one) for one in differ]
        found.append(Finding("split", sentence + _differing(differ, "they differ most in"), figures))
    return found


def merges(flows: Flows, features: pl.DataFrame, word: Word) -> list[Finding]:
    """Return the segments into which personas are merged, in the order of segments.

    At least two personas have half of their customers and more in such a segment, make up 10 % of it and more each,
    and belong to it (``tied``).
    """
    there = tied(flows.counts) & (flows.of_persona >= MAIN) & (flows.of_segment >= PART)
    found = []
    for at in np.flatnonzero((there[:-1].sum(axis=0) > 1) & flows.real).tolist():
        merged, segment = np.flatnonzero(there[:-1, at]).tolist(), flows.segments[at]
        names, sizes = [flows.personas[one] for one in merged], flows.counts[merged, at].tolist()
        of_persona, of_segment = flows.of_persona[merged, at].tolist(), flows.of_segment[merged, at].tolist()
        differ = _partings([_rows(flows, features, one, at) for one in merged])
        told = _listed([repr(name) for name in names], sizes, of_persona)
        sentence = f"personas {told} are merged into {word(segment)}, and are {shown('share', sum(of_segment))} of it"
        figures = {"segment": segment, "customers": int(flows.counts[:, at].sum()), "personas": names, "parts": sizes}
        figures |= {"shares": of_persona, "of_segment": of_segment, "along": [_plain(one) for one in differ]}
        found.append(Finding("merge", sentence + _differing(differ, "within it they differ most in"), figures))
    return found


def newcomers(flows: Flows, word: Word) -> list[Finding]:
    """Return the segments that no persona covers, while personas cover most of the other customers.

    Personas that go with such a segment (an odds ratio of 2.5 and more) have less than half of it, beyond chance.
    """
    with_it = (odds_ratios(flows.counts) >= TIE)[:-1]
    covered = np.sum(np.where(with_it, flows.of_segment[:-1], 0.0), axis=0)
    sizes, looks = flows.counts.sum(axis=0), int(flows.real.sum())
    found = []
    for at in np.flatnonzero(flows.real & (sizes >= LEAST)).tolist():
        others = flows.real & (np.arange(len(sizes)) != at)
        rest = float(np.average(covered[others], weights=sizes[others]))
        if rest >= MAIN and _upper(float(covered[at]), int(sizes[at]), looks) < MAIN:
            found.append(_newcomer(flows, at, word))
    return found


def _newcomer(flows: Flows, at: int, word: Word) -> Finding:
    """Return what is told of a segment that no persona covers: who has none, and which is its largest."""
    size, of_all = int(flows.counts[:, at].sum()), flows.counts.sum(axis=1) / flows.counts.sum()
    without, largest = int(flows.counts[-1, at]), int(np.argmax(flows.of_segment[:-1, at]))
    share, most = float(flows.of_segment[-1, at]), float(flows.of_segment[largest, at])
    figures: dict[str, Any] = {"segment": flows.segments[at], "customers": size, "without": without}
    figures |= {"of_segment": share, "of_all": float(of_all[-1])}
    figures["largest"] = {"persona": flows.personas[largest], "of_segment": most, "of_all": float(of_all[largest])}
    told = f"{without:,} of its {counted(size, 'customer')} ({shown('share', share)}) have none"
    if share >= MAIN:
        told += f", of all customers {shown('share', float(of_all[-1]))}"
    else:
        told += f", and its largest, {flows.personas[largest]!r}, is {shown('share', most)} of it"
        told += f" and {shown('share', float(of_all[largest]))} of all customers"
    return Finding("new", f"no persona covers {word(flows.segments[at])}: {told}", figures)


def _rows(flows: Flows, features: pl.DataFrame, persona: int, segment: int) -> pl.DataFrame:
    """Return what is known of the customers of a persona in a segment."""
    return (
        features.filter(pl.Series((flows.row == persona) & (flows.column == segment))) if features.width else features
    )


def _partings(groups: Sequence[pl.DataFrame]) -> list[Parting]:
    return partings(groups) if groups[0].width else []


def _differing(found: Sequence[Parting], how: str) -> str:
    """Return what is added to a sentence on the columns along which groups differ; nothing where none are known."""
    if not found:
        return ""
    if words := said(found):
        return f"; {how} {words}"
    return f"; they differ by a medium effect in none of {counted(len(found), 'column')}"


def _plain(one: Parting) -> dict[str, Any]:
    return {**one._asdict(), "values": list(one.values)}


def _listed(names: Sequence[str], sizes: Sequence[int], shares: Sequence[float]) -> str:
    """Return groups with their counts and shares in words."""
    rows = zip(names, sizes, shares, strict=True)
    words = [f"{name} ({size:,}, {shown('share', share)})" for name, size, share in rows]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _upper(share: float, size: int, looks: int) -> float:
    """Return the upper end of the interval of a share (Wilson 1927), one-sided, over as many as are looked at."""
    square = quantile(looks) ** 2
    middle = share + square / (2 * size)
    half = np.sqrt(square * (share * (1 - share) + square / (4 * size)) / size)
    return float((middle + half) / (1 + square / size))
