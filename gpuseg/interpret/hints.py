"""What atypical customers may be: hints, by what the odd feature is called and how the others lie."""

import re

import numpy as np

from gpuseg.backends import Host
from gpuseg.interpret.evidence import Evidence

SEEN = frozenset(
    ("visit", "visits", "session", "sessions", "events", "clicks", "opens", "pageviews", "views", "logins")
)
BOUGHT = frozenset(
    ("monetary", "frequency", "orders", "purchases", "spend", "spending", "revenue", "quantity", "amount", "items")
)
RETURNED = frozenset(("returns", "refunds", "cancellations", "chargebacks"))
"""Words of columns that tell of what customers looked at, bought and brought back."""
NEVER = 0.99
"""The share of ordinary customers who have no negative value, from which one is odd."""
FAR = 10.0
"""Times of the range of the middle half from which a value may be an error."""


def hint_of(evidence: Evidence, rows: Host, ordinary: Host, at: int, direction: str) -> str | None:
    """Return what customers may be who are odd in the feature at a place; None where nothing suggests itself.

    ``ordinary``: the others, (rows of the evidence,), with whom they are compared.
    """
    values = evidence.raw[ordinary if ordinary.any() else slice(None), at]
    own = evidence.raw[rows, at]
    words, middle = _words(evidence.fields[at].name), float(np.nanmedian(own))
    if evidence.fields[at].kind == "number" and middle < 0 and np.nanmean(values >= 0) >= NEVER:
        return "negative where others are not: returns, or an error in the data?"
    if direction == "high" and words & RETURNED:
        return "far more returns than others: a faulty product, or abuse?"
    if direction == "high" and words & SEEN and _buy_little(evidence, rows):
        return "they look at much and buy little: bots, or an error in tracking?"
    if direction == "high" and words & BOUGHT:
        return "they buy far more than others: resellers, companies or test accounts?"
    low, high = np.nanquantile(values, [0.25, 0.75])
    off = max(low - middle, middle - high)
    return "so far from all others that it may be an error in the data" if off > FAR * (high - low) > 0 else None


def _buy_little(evidence: Evidence, rows: Host) -> bool:
    """Return whether customers are in the lower quarter of all in each column that tells of purchases."""
    bought = [at for at, field in enumerate(evidence.fields) if field.kind == "number" and _words(field.name) & BOUGHT]
    return bool(bought) and all(_in_lower_quarter(evidence.raw[:, at], rows) for at in bought)


def _in_lower_quarter(values: Host, rows: Host) -> bool:
    return bool(np.nanmedian(values[rows]) <= np.nanquantile(values, 0.25))


def _words(name: str) -> set[str]:
    """Return the words of a column's name.

    >>> sorted(_words("NumWebVisits_month"))
    ['month', 'num', 'visits', 'web']
    """
    return {word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+", name)}
