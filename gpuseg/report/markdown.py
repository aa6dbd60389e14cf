"""The summary as a text of Markdown: the same sections as the page, pictures as sentences."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gpuseg.notebook import counted
from gpuseg.report import alternatives, words
from gpuseg.report.filters import measure, measures_of, percent, strength, tried_densities
from gpuseg.report.filters import told as value_of
from gpuseg.report.page import APPENDIX, FIRST
from gpuseg.report.words import because, called, precise, sure_word

MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$])")
"""What Markdown or HTML in it would take as more than a letter."""


def markdown(told: Mapping[str, Any]) -> str:
    r"""Return a summary as Markdown; what comes from data is escaped.

    >>> escaped("<b> *x* | y")
    '&lt;b&gt; \\*x\\* \\| y'
    """
    lines = [f"# {escaped(told['title'])}", f"{escaped(told['algorithm'])}, {escaped(told['created'][:10])}"]
    lines.append(escaped(" ".join(words.headline(told))))
    for part in (FIRST, APPENDIX):
        for section in part:
            if section.there(told):
                lines += [f"## {section.heading}", *WRITERS[section.id](told)]
    return "\n\n".join(lines) + "\n"


def escaped(text: object) -> str:
    """Return a text from data on one line, that is no markup."""
    line = " ".join(str(text).split())
    line = MARKUP.sub(r"\\\1", line)
    for letter, name in (("\\&", "&amp;"), ("\\<", "&lt;"), ("\\>", "&gt;")):
        line = line.replace(letter, name)
    return line


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a table; its cells are escaped.

    >>> print(table(["a", "b"], [[1, "x|y"]]))
    | a | b |
    | --- | --- |
    | 1 | x\|y |
    """
    lines = [head, ["---"] * len(head), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _cards(told: Mapping[str, Any]) -> list[str]:
    return [part for row in told["segments"] for part in _card(row, few=row["segment"] in (*told["small"], None))]


def _card(row: Mapping[str, Any], *, few: bool) -> list[str]:
    """Return what is told of a segment."""
    worth = row.get("value_share")
    share = f"{percent(row['share'])} of customers ({row['size']:,})"
    lines = [f"### {escaped(called(row))}", share + (f", {percent(worth)} of value" if worth is not None else "") + "."]
    if few:
        lines.append("Too few to tell more of them.")
    elif row["traits"]:
        lines.append("\n".join(f"- {escaped(trait['words'])}" for trait in row["traits"]))
    if rule := row["rule"]:
        how = f"precision {percent(rule['precision'])}, recall {percent(rule['recall'])}"
        lines.append(f"Rule: {escaped(rule['text'])} ({how}).")
    lines += [f"To do: {escaped(action['text'])} ({escaped(because(action))})." for action in row["actions"]]
    return lines


def _sizes(told: Mapping[str, Any]) -> list[str]:
    valued = "value_share" in told["segments"][0]
    head = ["segment", "customers", "share of customers", *(["share of value"] if valued else [])]
    worth = [[percent(row["value_share"])] if valued else [] for row in told["segments"]]
    rows = zip(told["segments"], worth, strict=True)
    lines = [table(head, [[called(row), f"{row['size']:,}", percent(row["share"]), *more] for row, more in rows])]
    if told["small"]:
        few = [called(row) for row in told["segments"] if row["segment"] in (*told["small"], None)]
        lines.append(
            f"Fewer than {told['min_report_size']} customers, of whom no more is told: {escaped(', '.join(few))}."
        )
    return lines


def _profile(told: Mapping[str, Any]) -> list[str]:
    head = ["mean", *(escaped(called(row)) for row in told["segments"]), "all"]
    return [table(head, [_column(column) for column in told["profile"]])]


def _column(column: Mapping[str, Any]) -> list[str]:
    """Return a column of the customers as a row of a table: its main figure in each segment, and of all."""
    kind = column["kind"]
    if kind == "category":
        pairs = zip(column["top"], column["top_share"], strict=True)
        return [column["name"], *(f"{top} ({percent(share)})" if top is not None else "-" for top, share in pairs), ""]
    values = column["share" if kind == "boolean" else "mean"]
    of_all = "" if column["all"] is None else value_of(column["all"], kind)
    return [column["name"], *(value_of(value, kind) for value in values), of_all]


def _map(told: Mapping[str, Any]) -> list[str]:
    return [escaped(alternatives.segment_map(told))]


def _personas(told: Mapping[str, Any]) -> list[str]:
    found = told["personas"]
    about = f"{percent(found['overlap'])} of the customers have an entry among the personas"
    lines = [f"{about}; {escaped(found['agreement']['sentence'])}.", escaped(alternatives.personas(told))]
    findings = "\n".join(f"- {escaped(finding['sentence'])}." for finding in found["findings"])
    return [*lines, findings] if findings else lines


def _atypical(told: Mapping[str, Any]) -> list[str]:
    found = told["atypical"]
    hints = [f" ({kind['hint']})" if kind["hint"] else "" for kind in found["kinds"]]
    kinds = zip(found["kinds"], hints, strict=True)
    said = "\n".join(
        f"- {counted(kind['customers'], 'customer')}: {escaped(kind['sentence'] + hint)}." for kind, hint in kinds
    )
    return [f"{escaped(found['sentence'])}.", *([said] if said else [])]


def _sure(told: Mapping[str, Any]) -> list[str]:
    lines, score = [], told["metrics"].get("silhouette")
    if score is not None:
        mean, error = precise(score["mean"]), precise(score["standard_error"])
        lines.append(
            f"Silhouette {mean} ± {error}, on {counted(score['rows'], 'row')}: {strength(score['mean'])} structure."
        )
    if judged := [row for row in told["segments"] if row["stability"]]:
        found = [(row, row["stability"]["jaccard"]) for row in judged]
        rows = [[called(row), precise(jaccard), sure_word(jaccard)] for row, jaccard in found]
        lines.append(table(["segment", "stability (mean Jaccard)", "which is"], rows))
    others = [(name, value) for name, value in told["metrics"].items() if isinstance(value, int | float)]
    return lines + [f"{measure(name)} {precise(value)}." for name, value in others]


def _choice(told: Mapping[str, Any]) -> list[str]:
    choice = told["choice"]
    lines, candidates = [f"{escaped(choice['reason'])}."] if "reason" in choice else [], choice.get("candidates") or []
    if candidates:
        names = ["silhouette", "standard_error", *measures_of(candidates)]
        rows = [[row["k"], *(precise(row.get(name)) for name in names)] for row in candidates]
        lines.append(table(["segments", *(measure(name) for name in names)], rows))
    if told["density"]:
        head, *tried = tried_densities(told["density"])
        lines += [f"{escaped(told['density']['reason'])}.", table(head, tried)]
    return lines


def _tree(told: Mapping[str, Any]) -> list[str]:
    drawn = ((told["tree"], alternatives.tree), (told["reachability"], alternatives.reachability))
    return [escaped(said(told)) for part, said in drawn if part]


def _rules(told: Mapping[str, Any]) -> list[str]:
    found = [(called(row), row["rule"]) for row in told["segments"] if row["rule"]]
    figures = ["precision", "recall", "coverage"]
    rows = [[name, rule["text"], *(percent(rule[figure]) for figure in figures)] for name, rule in found]
    return [table(["segment", "rule", *figures], rows)]


def _features(told: Mapping[str, Any]) -> list[str]:
    rows = [
        [row["feature"], percent(row["changed"]), percent(row["standard_error"])]
        for row in told["importance"]["features"]
    ]
    return [table(["column", "customers who would move", "standard error"], rows)]


def _splits(told: Mapping[str, Any]) -> list[str]:
    lines = []
    for split in told["splits"]:
        about = f"By {escaped(split['algorithm'])}: {escaped(split['reason'])}."
        lines += [f"### {escaped(split['name'])}: {counted(split['customers'], 'customer')}", about, *_profile(split)]
    return lines


def _rows(told: Mapping[str, Any]) -> list[str]:
    lines, cleaned, prepared = [], told["cleaning"], told["preparation"]
    if cleaned:
        dropped = [[f"dropped: {reason}", f"{count:,}"] for reason, count in cleaned["dropped"].items() if count]
        rows = [["rows read", f"{cleaned['read']:,}"], *dropped, ["rows kept", f"{cleaned['kept']:,}"]]
        lines.append(table(["transactions", "rows"], rows))
    lines.append(
        f"{counted(prepared['rows_read'], 'row')} read, {prepared['rows_kept']:,} kept; scale: {prepared['scale']}."
    )
    columns = [[c["name"], c["kind"], f"{c['missing']:,}", c["done"] or "taken as it is"] for c in prepared["columns"]]
    return [*lines, table(["column", "kind", "missing", "what was done"], columns)]


def _made(told: Mapping[str, Any]) -> list[str]:
    backend = told["backend"]
    how = f"{backend['backend']}, engine {backend['engine']}: {backend['reason']}" if backend else "-"
    rows = [
        ["algorithm", told["algorithm"]],
        ["parameters", ", ".join(f"{name}={value}" for name, value in told["parameters"].items())],
        ["backend", how],
        ["made", told["created"]],
        ["versions", ", ".join(f"{name} {value}" for name, value in told["versions"].items())],
        ["training data", f"SHA-256 {told['training_data_sha256']}"],
    ]
    return [table(["what", "how"], rows), "This text holds aggregates only: no customer's id and no customer's row."]


WRITERS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "cards": _cards,
    "sizes": _sizes,
    "profile": _profile,
    "map": _map,
    "personas": _personas,
    "atypical": _atypical,
    "sure": _sure,
    "choice": _choice,
    "tree": _tree,
    "rules": _rules,
    "features": _features,
    "splits": _splits,
    "rows": _rows,
    "made": _made,
}
"""How each section of the page is written as text."""
