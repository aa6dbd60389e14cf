"""The one summary of a model that every report is made of: plain values that JSON can hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gpuseg.card import digest_said, paths_of
from gpuseg.errors import InvalidInput
from gpuseg.features import CleaningReport
from gpuseg.interpret.atypical import of_enough
from gpuseg.notebook import counted, shown
from gpuseg.preprocessing.report import Report
from gpuseg.report.insight import of_segment
from gpuseg.report.likeness import likeness, numbers_of
from gpuseg.settings import MIN_REPORT_SIZE

LONGEST = 200
"""Characters of a parameter's value."""
WHOLE = ("importance", "tree", "reachability")
"""Parts of the insight that tell of all segments together."""


def summary(
    card: Mapping[str, Any],
    *,
    cleaning: CleaningReport | Mapping[str, Any] | None = None,
    title: str | None = None,
    min_report_size: int = MIN_REPORT_SIZE,
) -> dict[str, Any]:
    """Return what a report says of a model: dicts, lists, text, numbers and None; dates in ISO 8601.

    ``card``: a model card, as ``Segmenter.card_``. ``cleaning``: the CleaningReport of the transactions that the
    customers were made of, or its ``to_dict()``. ``title``: left out, segments and customers. Keys:

    - title, about, created, algorithm, found, customers, noise, min_report_size, choice, density, metrics, backend,
      parameters, versions, training_data_sha256; what was read and dropped: cleaning (None where not given) and
      preparation;
    - segments: segment, number (as people call it: "0/3", "noise"), name (None where it has none), size, share,
      value_share, traits (what stands out: feature, kind, direction, value, all, words), actions, and, None where it
      was not worked out, rule, stability and quality;
    - profile, a column of the customers each: name, kind, all, contrast, and mean and median, or share, or top and
      top_share: a list over the segments;
    - splits, a segment that was split each: name, customers, algorithm, reason, choice, metrics, and segments, small
      and profile of its parts;
    - importance, map, tree, reachability and atypical as in ``Segmenter.insight``, personas as in
      ``compare_personas``; None where not worked out, personas also where all of their flows are of too few customers;
    - small: the segments of fewer customers than ``min_report_size``. Several are pooled in one whose ``segment`` is
      None and which has a size and, where they are enough together, a share of value; of one alone and of such noise
      all but the size is None. ``all`` and the shares of value are of the customers told of.

    Raises InvalidInput for what is no card, no cleaning report, no title or no number of customers.

    >>> profile = {"names": ["segment", "size", "share"], "types": ["Int32", "Int64", "Float64"]}
    >>> card = {"profile": profile | {"values": [[0, 1], [6, 3], [0.667, 0.333]]}, "algorithm": "kmeans"}
    >>> card |= {"rows": {"read": 9, "kept": 9, "noise": 0}, "segments": 2, "choice": {}, "metrics": {}, "backend": {}}
    >>> steps = {"rows_read": 9, "rows_kept": 9, "duplicates": 0, "scale": "standard", "columns": []}
    >>> card |= {"preprocessing": steps, "parameters": {}, "versions": {}, "created": "", "training_data_sha256": ""}
    >>> summary(card)["title"]
    '2 segments of 9 customers'
    """
    if title is not None and not isinstance(title, str):
        raise InvalidInput(f"title={title!r} is not text; give a string, or None for one of its own")
    cleaned, fewest = _cleaned(cleaning), checked_size(min_report_size)
    try:
        return _summary(card, cleaned, title, fewest)
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError, pl.exceptions.PolarsError) as error:
        raise InvalidInput(
            f"card is no model card ({error!r}); give Segmenter.card_, or the card of a model"
        ) from error


def checked_size(min_report_size: Any) -> int:
    """Return the customers of the smallest segment to tell of; raise InvalidInput for what is no such number.

    >>> checked_size(0)
    Traceback (most recent call last):
    gpuseg.errors.InvalidInput: min_report_size=0 is no number of customers; give a whole number from 1 up
    """
    if isinstance(min_report_size, bool) or not isinstance(min_report_size, int) or min_report_size < 1:
        raise InvalidInput(
            f"min_report_size={min_report_size!r} is no number of customers; give a whole number from 1 up"
        )
    return min_report_size


def _summary(
    card: Mapping[str, Any], cleaning: dict[str, Any] | None, title: str | None, fewest: int
) -> dict[str, Any]:
    rows, paths, insight = card["rows"], paths_of(card), card.get("insight", {})
    told = likeness(card, insight, numbers_of(card, paths), fewest)
    small = told["small"]
    of_all = f"{counted(card['segments'], 'segment')} of {counted(rows['kept'], 'customer')}"
    return {
        "title": title or of_all,
        "about": of_all,
        "created": str(card["created"]),
        "algorithm": card["algorithm"],
        "found": card["segments"],
        "customers": rows["kept"],
        "noise": rows["noise"],
        "min_report_size": fewest,
        **told,
        "splits": [_split(split, insight, paths, fewest) for split in card.get("splits", [])],
        **{name: insight.get(name) or None for name in WHOLE},
        "map": insight.get("map") and _map(insight["map"], small),
        "atypical": insight.get("atypical") and of_enough(insight["atypical"], fewest),
        "personas": card.get("personas") and _personas(card["personas"], fewest),
        "choice": {name: _plain(value) for name, value in card["choice"].items()},
        "density": card.get("density"),
        "metrics": dict(card["metrics"]),
        "cleaning": cleaning,
        "preparation": _preparation(card["preprocessing"]),
        "backend": dict(card["backend"]),
        "parameters": {name: _short(value) for name, value in card["parameters"].items()},
        "versions": dict(card["versions"]),
        "training_data_sha256": card["training_data_sha256"],
    }


def _map(found: Mapping[str, Any], small: Sequence[int]) -> dict[str, Any]:
    """Return the map without the squares and the middles of segments that are too small to be told of."""
    bins = found["bins"]
    kept = [at for at, segment in enumerate(bins["segment"]) if segment not in small]
    centers = [center for center in found["centers"] if center["segment"] not in small]
    return {**found, "bins": {name: [column[at] for at in kept] for name, column in bins.items()}, "centers": centers}


def _personas(known: Mapping[str, Any], fewest: int) -> dict[str, Any] | None:
    """Return a comparison with personas without what it tells of too few customers, or of parts of so few.

    None where no flow is left to be told of.
    """
    tables = {name: known.get(name) for name in ("flows", "personas", "served", "findings")}
    told = {name: rows and _of_enough(rows, fewest) for name, rows in tables.items()}
    return {**known, **told} if told["flows"] else None


def _of_enough(rows: Sequence[Mapping[str, Any]], fewest: int) -> list[Mapping[str, Any]]:
    return [row for row in rows if min([row["customers"], *row.get("parts", ())]) >= fewest]


def _split(
    split: Mapping[str, Any], insight: Mapping[str, Any], paths: Mapping[int, str], fewest: int
) -> dict[str, Any]:
    """Return what a report says of a segment that was split: of its parts as of segments, by their own columns."""
    card, whole, into = split["card"], split["segment"], split["into"]
    called = {at: shown("segment", at) if at < 0 else paths[into[at]] for at in numbers_of(card, {})}
    about = {name: card[name] for name in ("algorithm", "choice", "metrics")}
    about |= {"reason": card["choice"]["reason"] + digest_said(card["metrics"])}
    told = likeness(card, {}, called, fewest)
    for row in told["segments"]:
        if row["segment"] is not None and row["segment"] >= 0:
            row["segment"] = into[row["segment"]]
            row["name"] = of_segment(insight, row["segment"])["name"]
    told["small"] = [into[at] if at >= 0 else at for at in told["small"]]
    return {"name": f"Segment {paths.get(whole, whole)}", "customers": card["rows"]["kept"], **about, **told}


def _cleaned(cleaning: CleaningReport | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if cleaning is None:
        return None
    plain = cleaning.to_dict() if isinstance(cleaning, CleaningReport) else cleaning
    if not (isinstance(plain, Mapping) and {"read", "kept", "dropped", "customers"} <= set(plain)):
        sentence = f"cleaning is a {type(cleaning).__name__} that tells no rows read and kept"
        raise InvalidInput(f"{sentence}; give the CleaningReport that customer_features returns, or None")
    return dict(plain)


def _preparation(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return what preprocessing did: rows, and a line a column."""
    report = Report.from_dict(plain)
    columns = [
        {"name": c.name, "kind": c.kind, "missing": c.missing + c.infinite, "used": not c.dropped, "done": c.steps()}
        for c in report.columns
    ]
    kept = {name: plain[name] for name in ("rows_read", "rows_kept", "duplicates", "scale")}
    return {**kept, "columns": columns}


def _short(value: Any) -> str | float | bool | None:
    """Return a parameter as plain value; a long one, such as a list of numbers, is cut."""
    if value is None or isinstance(value, int | float | bool):
        return value
    text = str(value) if isinstance(value, str) else repr(_plain(value))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
