"""What to do with each segment: a table of conditions, and the figures that met them."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from gpuseg.errors import InvalidFile, InvalidInput, listed, unknown
from gpuseg.html import Cell, Text, table_html
from gpuseg.interpret.naming import FEWEST
from gpuseg.interpret.values import date_of
from gpuseg.interpret.vocabulary import column_for
from gpuseg.notebook import counted, shown, with_name

MOST = 3
"""Actions of a segment: who is told ten things does none."""
ABOVE, BELOW = "above", "below"
OF_ALL = {
    "q25": "the 25 % quantile of all",
    "median": "the median of all",
    "q75": "the 75 % quantile of all",
    "mean": "the mean of all",
}
"""What a segment can be compared with, in words."""
CONDITION = re.compile(rf"(?P<feature>.+?)\s+(?P<side>{ABOVE}|{BELOW})\s+(?P<than>\S+)")
KEYS = ("name", "text", "priority", "aim", "when", "noise")


class Condition(NamedTuple):
    """A feature, "above" or "below", and what a segment is compared with: one of ``OF_ALL``, or a number."""

    feature: str
    side: str
    than: str | float

    def __str__(self) -> str:
        """Return it as the table has it."""
        return f"{self.feature} {self.side} {self.than}"


class Action(NamedTuple):
    """A row of the table: what to do, how early it is told, and when; ``noise``: for those who are in no segment.

    ``aim``: what it is to reach; of actions with one aim a segment is told the first.
    """

    name: str
    text: str
    priority: int
    aim: str
    when: tuple[Condition, ...]
    noise: bool


class Advice(NamedTuple):
    """What to do with each segment.

    ``segments``: for each a dict of ``segment``, ``actions`` and ``why``, a sentence where there is none. An action has
    ``action``, ``text``, ``priority`` and ``because``: for each condition ``feature``, ``segment`` (its median, or the
    share of yes), ``all`` (what it was compared with; dates in ISO 8601), ``condition`` and ``words``. ``skipped``: a
    sentence for each action that needs a column that is not there. ``names``: of segments, for the notebook.
    """

    segments: list[dict[str, Any]]
    skipped: list[str]
    names: Mapping[int, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the advice as plain values, without names, which may change."""
        return {"segments": self.segments, "skipped": self.skipped}

    def _repr_html_(self) -> str:
        rows: list[list[Cell]] = [[Text(with_name(one["segment"], self.names)), *_cells(one)] for one in self.segments]
        head: list[Cell] = [Text("segment"), Text("what to do"), Text("because")]
        without = f"{counted(len(self.skipped), 'action')} skipped for want of columns: .skipped says which"
        return table_html("What to do with each segment", head, rows, [without] if self.skipped else [])


def advised(details: Mapping[str, Any], table: Sequence[Action]) -> Advice:
    """Return what to do with each segment of the plain details, by a table as ``read_actions`` gives it.

    At most three actions a segment, by priority, then in the table's order; each aim once.
    """
    features = {feature["name"]: feature for feature in details["features"]}
    columns = {condition.feature: column_for(condition.feature, features) for row in table for condition in row.when}
    able = [row for row in table if all(columns[condition.feature] for condition in row.when)]
    lacking = {row.name: sorted({c.feature for c in row.when if not columns[c.feature]}) for row in reversed(table)}
    known = {row.name for row in able}
    skipped = [
        f"action {name!r} is skipped: no column is {listed(lacks)} by its name"
        for name, lacks in sorted(lacking.items())
        if name not in known
    ]
    found = {
        condition: features[name] for row in able for condition in row.when if (name := columns[condition.feature])
    }
    ranked = sorted(able, key=lambda row: row.priority)
    return Advice([_told(details, at, ranked, found) for at in range(len(details["segments"]))], skipped)


def read_actions(path: str | Path | None = None) -> list[Action]:
    """Return the table of actions in a TOML file, that of gpuseg where none is given.

    The file of gpuseg, ``actions.toml`` beside this one, says what such a file holds. Raises InvalidFile for one that
    is not there or is no TOML, InvalidInput for keys and conditions that are not known.

    >>> read_actions()[0].name, str(read_actions()[0].when[0])
    ('reward', 'monetary above q75')
    """
    if path is None:
        return _rows(files(__package__).joinpath("actions.toml").read_text(encoding="utf-8"), "actions.toml")
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{path} cannot be read ({error}); give a TOML file of actions") from error
    return _rows(text, str(path))


def _rows(text: str, path: str) -> list[Action]:
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(f"{path} is no TOML ({error}); mend it, or copy gpuseg's actions.toml") from error
    if strange := set(said) - {"actions"}:
        raise unknown(f"{path}: the key", min(strange), ["actions"])
    rows = said.get("actions")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(f"{path} holds no table [[actions]]; give at least one, as in gpuseg's actions.toml")
    return [_action(row, f"{path}: action {number}") for number, row in enumerate(rows, 1)]


def _action(row: Mapping[str, Any], where: str) -> Action:
    """Return a row of the table, checked."""
    if strange := [key for key in row if key not in KEYS]:
        raise unknown(f"{where}: the key", strange[0], KEYS)
    for key in ("name", "text"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise InvalidInput(f"{where} has {key}={row.get(key)!r}; give text")
    priority, noise, when = row.get("priority", 1), row.get("noise", False), row.get("when", [])
    if not isinstance(priority, int) or isinstance(priority, bool):
        raise InvalidInput(f"{where} has priority={priority!r}; give a whole number, 1 for what is told first")
    if not isinstance(noise, bool):
        raise InvalidInput(f"{where} has noise={noise!r}; give true or false")
    if not isinstance(when, list) or bool(when) == noise:
        raise InvalidInput(f"{where} has when={when!r}; give a list of conditions, or noise = true and no condition")
    if not isinstance(aim := row.get("aim", row["name"]), str) or not aim.strip():
        raise InvalidInput(f"{where} has aim={aim!r}; give text, or leave it out")
    return Action(row["name"], row["text"], priority, aim, tuple(_condition(one, where) for one in when), noise)


def _condition(text: Any, where: str) -> Condition:
    found = CONDITION.fullmatch(text.strip()) if isinstance(text, str) else None
    if found and (than := _than(found["than"])) is not None:
        return Condition(found["feature"].strip(), found["side"], than)
    raise InvalidInput(
        f"{where} has the condition {text!r}; give a feature, above or below, and one of {listed(OF_ALL)} or a number, "
        "as in 'recency above q75'"
    )


def _than(text: str) -> str | float | None:
    if text in OF_ALL:
        return text
    return float(text) if re.fullmatch(r"[-+]?\d+(\.\d+)?", text) else None


def _told(
    details: Mapping[str, Any], at: int, ranked: Sequence[Action], found: Mapping[Condition, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what to do with the segment at this place."""
    segment, noise = details["segments"][at], details["segments"][at] < 0
    fitting: dict[str, dict[str, Any]] = {}
    small = details["sizes"][at] < FEWEST
    for row in () if small else ranked:
        because = [_because(found[condition], condition, at) for condition in row.when]
        if row.noise == noise and None not in because and row.aim not in fitting:
            fitting[row.aim] = {"action": row.name, **_plain(row), "because": because}
    actions = list(fitting.values())[:MOST]
    return {"segment": segment, "actions": actions, "why": None if actions else _why(found, small=small)}


def _why(found: Mapping[Condition, Any], *, small: bool) -> str:
    """Return why there is nothing to do with a segment."""
    if small:
        return f"fewer than {FEWEST} customers are no segment to act on"
    if not found:
        return "no column of the table is a feature that the actions know by its name"
    return "no condition of the actions holds"


def _plain(row: Action) -> dict[str, Any]:
    return {"text": row.text, "priority": row.priority}


def _because(feature: Mapping[str, Any], condition: Condition, at: int) -> dict[str, Any] | None:
    """Return the figures that met a condition; None where they do not."""
    measure = "median" if feature["median"][at] is not None else "mean"
    value = feature[measure][at]
    other = condition.than if isinstance(condition.than, float) else feature["all"][condition.than]
    if value is None or other is None or not (value > other if condition.side == ABOVE else value < other):
        return None
    kind = feature["kind"]
    of = condition.than if isinstance(condition.than, float) else OF_ALL[condition.than]
    beside = "" if isinstance(of, float) else f"{of}, "
    what = "share" if kind == "boolean" else "median"
    return {
        "feature": feature["name"],
        "segment": _stored(kind, value),
        "all": _stored(kind, other),
        "condition": str(condition),
        "words": f"{feature['name']}: {what} {_figure(kind, value)}, {condition.side} {beside}{_figure(kind, other)}",
    }


def _stored(kind: str, value: float) -> float | str:
    """Return a value as JSON can hold it: a date in ISO 8601."""
    return date_of(value).isoformat() if kind == "date" else value


def _figure(kind: str, value: float) -> str:
    """Return a value as a person reads it."""
    if kind == "date":
        return shown("", date_of(value))
    return shown("share" if kind == "boolean" else "", value)


def _cells(one: Mapping[str, Any]) -> list[Text]:
    """Return what to do with a segment, and why, as cells of a table."""
    if not one["actions"]:
        return [Text("-"), Text(one["why"])]
    because = [because["words"] for action in one["actions"] for because in action["because"]]
    return [Text("; ".join(action["action"] for action in one["actions"])), Text("; ".join(dict.fromkeys(because)))]
