"""What atypical customers may be: hints, by what the odd feature is called and how the others lie."""

import numpy as np

from gpuseg.backends import Host
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.profile import there
from gpuseg.interpret.vocabulary import role_of

SEEN = frozenset(("visits", "sessions", "clicks", "opens"))
BOUGHT = frozenset(("frequency", "monetary", "basket", "products"))
RETURNED = frozenset(("returns",))
"""The roles of columns, in ``words.toml``, that tell of what customers looked at, bought and brought back."""
NEVER = 0.99
"""The share of ordinary customers who have no negative value, from which one is odd."""
FAR = 10.0
"""Times of the range of the middle half from which a value may be an error."""


def hint_of(evidence: Evidence, rows: Host, ordinary: Host, at: int, direction: str) -> str | None:
    """Return what customers may be who are odd in the feature at a place; None where nothing suggests itself.

    ``ordinary``: the others, (rows of the evidence,), with whom they are compared.
    """
    values = there(evidence.raw[ordinary, at])
    role, middle = _role(evidence.fields[at].name), float(np.median(there(evidence.raw[rows, at])))
    if not len(values):
        return None
    if evidence.fields[at].kind == "number" and middle < 0 and np.mean(values >= 0) >= NEVER:
        return "negative where others are not: returns, or an error in the data?"
    if direction == "high" and role in RETURNED:
        return "far more returns than others: a faulty product, or abuse?"
    if direction == "high" and role in SEEN and _buy_little(evidence, rows):
        return "they look at much and buy little: bots, or an error in tracking?"
    if direction == "high" and role in BOUGHT:
        return "they buy far more than others: resellers, companies or test accounts?"
    low, high = np.quantile(values, [0.25, 0.75])
    off = max(low - middle, middle - high)
    return "so far from all others that it may be an error in the data" if off > FAR * (high - low) > 0 else None


def _buy_little(evidence: Evidence, rows: Host) -> bool:
    """Return whether customers are in the lower quarter of all in each column that tells of purchases, if any."""
    bought = [at for at, field in enumerate(evidence.fields) if field.kind == "number" and _role(field.name) in BOUGHT]
    return bool(bought) and all(_in_lower_quarter(evidence.raw[:, at], rows) for at in bought)


def _in_lower_quarter(values: Host, rows: Host) -> bool:
    own = there(values[rows])
    return not len(own) or bool(np.median(own) <= np.quantile(there(values), 0.25))


def _role(column: str) -> str:
    """Return the role of a column, empty where it is not known.

    >>> _role("total_spend"), _role("shoe_size")
    ('monetary', '')
    """
    role = role_of(column)
    return role.name if role else ""
