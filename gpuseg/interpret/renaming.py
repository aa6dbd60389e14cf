"""Names of segments that a person chose, checked."""

from collections.abc import Mapping
from typing import Any

from gpuseg.errors import InvalidInput
from gpuseg.interpret.naming import LONGEST, named
from gpuseg.interpret.vocabulary import printable


def chosen(details: Mapping[str, Any], before: Mapping[int, str], names: Mapping[int, str | None]) -> dict[int, str]:
    """Return the chosen names with ``names`` among them, where None takes a chosen name away.

    ``details``: the plain details of the segments; ``before``: the names chosen so far, also of segments that are split
    now. Raises InvalidInput for a number that is no segment, and for a name that is no text, empty, too long or taken.

    >>> from gpuseg.interpret.naming import AVERAGE
    >>> chosen({"segments": [0, 1], "sizes": [9, 9], "features": []}, {0: "Regulars"}, {0: None, 1: " VIPs "})
    {1: 'VIPs'}
    """
    if not isinstance(names, Mapping) or not names:
        raise InvalidInput(f"names={names!r} is not allowed; give a mapping of numbers to names, as {{0: 'Regulars'}}")
    merged = dict(before)
    for segment, name in names.items():
        if isinstance(segment, bool) or segment not in details["segments"]:
            there = ", ".join(map(str, details["segments"]))
            raise InvalidInput(f"names has segment {segment!r}, which is no segment; those that are: {there}")
        merged.pop(int(segment), None)
        if name is not None:
            merged[int(segment)] = _checked(segment, name)
    _check_apart(details, merged)
    return merged


def _checked(segment: int, name: Any) -> str:
    """Return a name without blanks around it."""
    if not isinstance(name, str) or not (text := printable(name)):
        raise InvalidInput(f"the name {name!r} of segment {segment} is no text to call it by; give a word or some")
    if len(text) > LONGEST:
        raise InvalidInput(
            f"the name {text!r} of segment {segment} has {len(text)} characters; give one of at most {LONGEST}"
        )
    return text


def _check_apart(details: Mapping[str, Any], merged: Mapping[int, str]) -> None:
    """Raise InvalidInput where a chosen name is that of another segment, chosen or not."""
    own = {one.segment: one.name for one in named(details)}
    texts = {**own, **{segment: name for segment, name in merged.items() if segment in own}}
    for segment, name in merged.items():
        same = [other for other, text in texts.items() if other != segment and text.casefold() == name.casefold()]
        if same and segment in own:
            raise InvalidInput(f"the name {name!r} is taken by segment {same[0]}; give another, or rename that one too")
