"""Every exception and warning that gpuseg raises on its own behalf, and how their sentences are made."""

import difflib
from collections.abc import Iterable

CATEGORIES = "pass numbers, use Preprocessor first, or KPrototypes or KMedoids(metric='gower'), which take categories"
"""What to do where numbers are needed and categories came."""


class GpusegError(Exception):
    """Base class: catch this to catch them all."""


class BackendUnavailable(GpusegError, ImportError):
    """A backend was asked for by name and its libraries or its device are missing."""


class UnsupportedOnBackend(GpusegError, NotImplementedError):
    """The backend or engine is present but does not offer this algorithm, parameter or input."""


class InvalidInput(GpusegError, ValueError):
    """The data or a parameter is outside what is allowed."""


class InvalidFile(GpusegError, OSError):
    """A file cannot be read as what it is said to be, or cannot be written."""


class InvalidModel(InvalidFile):
    """A file is not a model that this version of gpuseg can read."""


class DigestRefused(GpusegError, ValueError):
    """A digest is too far from an exact fit of a sample."""


class OutOfMemory(GpusegError, MemoryError):
    """The work needs more memory than there is, here or on a worker."""


class WorkersLost(GpusegError, ConnectionError):
    """The scheduler or the workers of a cluster cannot be reached, or do not fit this version."""


class FewerSegments(UserWarning):
    """A fit made fewer segments than were asked for."""


def listed(names: Iterable[object], *, most: int = 12) -> str:
    """Return names in quotes as a list for a sentence.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    shown = [repr(str(name)) for name in names]
    rest = len(shown) - most
    return ", ".join(shown) if rest <= 0 else f"{', '.join(shown[:most])} and {rest} more"


def unknown(what: str, got: object, allowed: Iterable[object], *, most: int = 12) -> InvalidInput:
    """Return the error for a name that is not one of those allowed, of which ``most`` are listed, with the nearest.

    >>> print(unknown("scale", "standrad", ["standard", "robust"]))
    scale='standrad' is not known; allowed are 'standard', 'robust'; did you mean 'standard'?
    """
    names = [str(name) for name in allowed]
    return InvalidInput(
        f"{what}={got!r} is not known; allowed are {listed(names, most=most)}{nearest_hint(got, names)}"
    )


def missing_column(what: str, got: object, columns: Iterable[object]) -> InvalidInput:
    """Return the error for a column that a table does not have, with the nearest of its names.

    >>> print(missing_column("id_column", "Custmer", ["Customer", "Date"]))
    id_column='Custmer' is not a column of the table, which has 'Customer', 'Date'; did you mean 'Customer'?
    """
    names = [str(name) for name in columns]
    sentence = f"{what}={got!r} is not a column of the table, which has {listed(names)}{nearest_hint(got, names)}"
    return InvalidInput(sentence)


def nearest_hint(got: object, names: list[str]) -> str:
    """Return "; did you mean ...?" for the names near to ``got``, else nothing."""
    folded = {name.casefold(): name for name in names}
    near = [folded[found] for found in difflib.get_close_matches(str(got).casefold(), folded, n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
