"""What a card's insight says of a segment, as a report tells it: parts that were not worked out are None."""

from collections.abc import Iterable, Mapping
from typing import Any

from gpuseg.report.traits import traits_known


def of_segment(insight: Mapping[str, Any], segment: int | None) -> dict[str, Any]:
    """Return what is known of a segment: name, traits, rule, actions, stability, quality; None where nothing is.

    >>> of_segment({"stability": [{"segment": 1, "jaccard": 0.9, "runs": 20}]}, 1)["stability"]
    {'jaccard': 0.9, 'runs': 20}
    """
    name, advice = _row(insight.get("names"), segment), _row((insight.get("actions") or {}).get("segments"), segment)
    details, stability = insight.get("details"), _row(insight.get("stability"), segment)
    return {
        "name": name and name["name"],
        "traits": traits_known(details, segment)
        if details and segment is not None and segment in details["segments"]
        else None,
        "rule": _rule(insight, segment),
        "actions": advice["actions"] if advice else [],
        "stability": stability if stability and stability["jaccard"] is not None else None,
        "quality": _row(insight.get("quality"), segment),
    }


def _row(part: Iterable[Mapping[str, Any]] | None, segment: int | None) -> dict[str, Any] | None:
    """Return the row of a segment, without its number."""
    for row in part or ():
        if row["segment"] == segment:
            return {name: value for name, value in row.items() if name != "segment"}
    return None


def _rule(insight: Mapping[str, Any], segment: int | None) -> dict[str, Any] | None:
    return _row((insight.get("rules") or {}).get("rules"), segment)
