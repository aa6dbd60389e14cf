"""On what terms a number of segments is chosen: what is worked out of each, and what a business asks for."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gpuseg.errors import InvalidInput, listed, unknown
from gpuseg.selection.limits import check_limits

CRITERIA = ("stability", "separability", "gap")
"""What can be worked out beside inertia, silhouette, Calinski-Harabasz, Davies-Bouldin and the smallest share."""
DEFAULT = ("stability", "separability")
"""Of those: what is. The gap takes fits of eleven sets of rows for each k."""


class Terms(NamedTuple):
    """``criteria``: of CRITERIA; ``must_separate``: as ``choose_k`` takes it, or a Separation.

    ``every``: whether the stability of each k is worked out, or of those alone that compete.
    """

    criteria: Sequence[str] = DEFAULT
    min_share: float | None = None
    max_segments: int | None = None
    must_separate: Any = None
    every: bool = False

    def checked(self) -> "Terms":
        """Return self; raise InvalidInput for what is not allowed."""
        if isinstance(self.criteria, str) or not isinstance(self.criteria, Sequence):
            raise InvalidInput(f"criteria={self.criteria!r} is no list; give some of {listed(CRITERIA)}, as in ['gap']")
        for name in self.criteria:
            if name not in CRITERIA:
                raise unknown("criteria", name, CRITERIA)
        check_limits(self.min_share, self.max_segments)
        return self


PLAIN = Terms()
"""The terms of who asks for nothing."""
