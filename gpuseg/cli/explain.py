"""``gpuseg explain``: what a model file tells of its segments, or of one of them; no customer is needed."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpuseg.cli._parser import Command, UsageError
from gpuseg.cli._types import path, segment

if TYPE_CHECKING:
    from gpuseg.segmenter import Segmenter

HELP = "Explain the segments of a model: who they are, the rule that finds them, what to do."
USAGE = "MODEL [--segment N [--versus M]] [options]"
EXAMPLE = "out/model.gpuseg --segment 0"
TOLD = 6
"""Features and differences that are printed; the others are in the JSON."""
PARTS = {
    "names": "a name",
    "details": "how it differs from the rest",
    "rules": "a rule",
    "actions": "what to do",
    "stability": "how stable it is",
}
"""What a model may hold of a segment, and how its absence is called."""


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("model", metavar="MODEL", type=path, help="a .gpuseg file")
    command.add_argument("--segment", metavar="N", type=segment, help="the segment to explain (default: all, in short)")
    command.add_argument("--versus", metavar="M", type=segment, help="the segment to compare it with")


def run(options: argparse.Namespace) -> None:
    """Print what the model tells."""
    from gpuseg.cli._output import check_model, give
    from gpuseg.segmenter import load

    if options.versus is not None and options.segment is None:
        asked = f"--versus {options.versus}"
        raise UsageError(f"{asked} names whom to compare with, and not whom; give --segment N too")
    check_model(options.model)
    segmenter = load(options.model)
    known = profile_rows(segmenter)
    check_segments(segmenter, known, options.segment, options.versus)
    if options.segment is None:
        told = [told_of(segmenter, row) for row in known.values()]
        give(options, {"segments": told, **whole(segmenter)}, overview(segmenter, told))
    else:
        one = told_of(segmenter, known[options.segment])
        versus = None if options.versus is None else segmenter.contrast(options.segment, options.versus).to_dict()
        give(options, {**one, "versus": versus}, [*lines_of(one), *_versus_lines(versus)])


def profile_rows(segmenter: "Segmenter") -> dict[int, dict[str, Any]]:
    """Return the rows of the profile by segment."""
    from gpuseg.card import profile_of
    from gpuseg.cli._output import rows_of

    return {row["segment"]: row for row in rows_of(profile_of(segmenter.card_["profile"]))}


def check_segments(segmenter: "Segmenter", known: Mapping[int, Any], one: int | None, other: int | None) -> None:
    """Raise InvalidInput for what is no segment, or the same one twice."""
    from gpuseg.card import numbered
    from gpuseg.errors import InvalidInput

    for name, got in (("segment", one), ("versus", other)):
        if got is not None and got in segmenter.splits_:
            raise InvalidInput(
                f"{name}={got} was split into {numbered(segmenter.splits_[got].into)}; give one of these"
            )
        if got is not None and got not in known:
            there = numbered(segment for segment in known if segment >= 0)
            raise InvalidInput(f"{name}={got} is no segment; those that are: {there}")
    if one is not None and one == other:
        raise InvalidInput(f"segment={one} and versus={other} are the same segment; give two")


def told_of(segmenter: "Segmenter", row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a segment as plain values: None where the model does not hold it."""
    number, insight = row["segment"], segmenter.card_.get("insight", {})
    rules = insight.get("rules", {})
    left_out = {one["segment"]: one["reason"] for one in rules.get("left_out", [])}
    return {
        "segment": number,
        "name": segmenter.names_.get(number),
        **{name: row.get(name) for name in ("size", "share", "value_share")},
        "differences": _differences(segmenter, number),
        "rule": _row_of(rules.get("rules", []), number),
        "no_rule": left_out.get(number),
        "actions": _row_of(insight.get("actions", {}).get("segments", []), number),
        "stability": _row_of(insight.get("stability", []), number),
        "missing": [name for name in PARTS if name not in insight],
    }


def _differences(segmenter: "Segmenter", number: int) -> list[dict[str, Any]] | None:
    """Return how a segment differs from the rest: nothing of one alone, None where the model does not tell."""
    details = segmenter.card_.get("insight", {}).get("details")
    if details is None:
        return None
    alone = len(details["segments"]) < 2  # noqa: PLR2004 - with no rest to differ from
    found: list[dict[str, Any]] = [] if alone else segmenter.contrast(number).to_dict()["differences"]
    return found


def whole(segmenter: "Segmenter") -> dict[str, Any]:
    """Return what is known of all segments together."""
    insight = segmenter.card_.get("insight", {})
    return {name: insight.get(name) for name in ("importance", "atypical")}


def overview(segmenter: "Segmenter", told: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line a segment, the rule of each, and what is known of all."""
    from gpuseg.cli._output import aligned, with_names
    from gpuseg.notebook import shown

    head = ["segment", "size", "share", "share of value", "found again"]
    rows = [
        [*(shown(name, one[name]) for name in ("segment", "size", "share", "value_share")), _again(one)] for one in told
    ]
    table = with_names([head, *rows], [one["segment"] for one in told], segmenter.names_)
    rules = [f"{shown('segment', one['segment'])}: {_rule_said(one)}" for one in told if one["rule"] or one["no_rule"]]
    return [*aligned(table), *(["rules:", *rules] if rules else []), *_whole_lines(whole(segmenter)), *_absent(told[0])]


def lines_of(one: Mapping[str, Any]) -> list[str]:
    """Return what is known of a segment, for a person to read."""
    from gpuseg.notebook import counted, shown

    number = one["segment"]
    value = "" if one["value_share"] is None else f", {shown('share', one['value_share'])} of the value"
    lines = [
        f"segment {number}: {one['name']}" if one["name"] else f"segment {number}",
        f"{counted(one['size'], 'customer')}, {shown('share', one['share'])} of all{value}",
        *_difference_lines(one["differences"]),
        f"rule: {_rule_said(one)}" if one["rule"] or one["no_rule"] else "",
        *_rule_lines(one["rule"]),
        *_action_lines(one["actions"]),
        *_stability_lines(one["stability"]),
    ]
    return [*(line for line in lines if line), *_absent(one)]


def _difference_lines(found: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """Return how a segment differs from the rest; nothing where the model does not tell."""
    if found is None:
        return []
    told = [each["sentence"] for each in found if each["size"] is not None]
    return _list("differs from the rest:", told[:TOLD], "differs from the rest by no more than a small effect")


def _row_of(rows: Sequence[Mapping[str, Any]], number: int) -> Mapping[str, Any] | None:
    return next((row for row in rows if row["segment"] == number), None)


def _list(head: str, rows: Sequence[str], without: str) -> list[str]:
    return [head, *(f"  {row}" for row in rows)] if rows else [without]


def _rule_said(one: Mapping[str, Any]) -> str:
    """Return the rule with its precision and recall, or why there is none."""
    if (rule := one["rule"]) is None:
        return f"none, for {one['no_rule']}"
    return f"{rule['text']} (precision {rule['precision']:.0%}, recall {rule['recall']:.0%})"


def _rule_lines(rule: Mapping[str, Any] | None) -> list[str]:
    """Return of whom the figures of a rule are, and its SQL."""
    if rule is None:
        return []
    counts = f"{rule['hits']:,} of {rule['chosen']:,} who fulfil it are in the segment, which has {rule['members']:,}"
    return [f"  counted on {rule['rows']:,} customers that it was not learnt of: {counts}", f"  WHERE {rule['sql']}"]


def _action_lines(actions: Mapping[str, Any] | None) -> list[str]:
    """Return what to do with a segment, or why there is nothing."""
    if actions is None:
        return []
    rows = [
        f"{one['action']}: {one['text']} ({'; '.join(each['words'] for each in one['because'])})"
        for one in actions["actions"]
    ]
    return _list("what to do:", rows, f"what to do: nothing is advised, for {actions['why']}")


def _again(one: Mapping[str, Any]) -> str:
    """Return how well a segment is found again, as a cell."""
    stability = one["stability"]
    return "-" if stability is None or stability["jaccard"] is None else f"{stability['jaccard']:.2f}"


def _stability_lines(stability: Mapping[str, Any] | None) -> list[str]:
    if stability is None or stability["jaccard"] is None:
        return []
    return [f"found again in {stability['runs']} resampled fits with a mean Jaccard of {stability['jaccard']:.2f}"]


def _whole_lines(found: Mapping[str, Any]) -> list[str]:
    """Return which features matter, and who is atypical."""
    matter = [one["feature"] for one in (found["importance"] or {}).get("features", []) if one["changed"] > 0]
    lines = [f"features that matter most: {', '.join(matter[:TOLD])}"] if matter else []
    return lines + ([found["atypical"]["sentence"]] if found["atypical"] else [])


def _absent(one: Mapping[str, Any]) -> list[str]:
    """Return a sentence on what the model does not hold."""
    if not one["missing"]:
        return []
    names = ", ".join(PARTS[name] for name in one["missing"])
    return [f"the model does not tell of a segment: {names}; it was written by an earlier version, fit it again"]


def _versus_lines(versus: Mapping[str, Any] | None) -> list[str]:
    """Return how the segment differs from another one."""
    if versus is None:
        return []
    rows = [each["sentence"] for each in versus["differences"] if each["size"] is not None]
    head = f"against segment {versus['other']}, {versus['other_customers']:,} customers:"
    return _list(head, rows[:TOLD], f"{head} no feature differs by as much as a small effect")
