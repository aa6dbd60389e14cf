"""What a Segmenter answers about single customers, two segments, and changes: for Python alone."""

from typing import Any

import polars as pl

from gpuseg._estimator import check_is_fitted
from gpuseg.errors import InvalidInput
from gpuseg.interpret.atypical import oddest
from gpuseg.interpret.evidence import Evidence


class Explorable:
    """The base of Explainable that looks at customers of the sample, and at those that are asked about."""

    card_: dict[str, Any]
    evidence_: Evidence

    def atypical(self, n: int = 20) -> pl.DataFrame:
        """Return the ``n`` customers of ``evidence_`` who are least like any segment, with the reasons; Polars.

        Those whom the algorithm put in no segment (noise) or, where there are none, those farther from their segment
        than 99 % of it, by falling novelty, then distance: id, segment, novelty, distance, reasons. For you to look
        at: they are in no report and in no file. ``insight()["atypical"]`` tells of all of them in aggregates: how
        many, which kinds, and hints at what they may be.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> spend = [*range(50), *range(100, 150), 9000]
        >>> segmenter = Segmenter(algorithm="dbscan", algorithm_params={"eps": 0.3}).fit(pl.DataFrame({"spend": spend}))
        >>> segmenter.atypical().select("row", "segment", "reasons").rows()
        [(100, -1, 'spend 9000 (high)')]
        """
        evidence = self._evidence()
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InvalidInput(f"n={n!r} is not allowed; give a whole number from 1 up")
        return oddest(evidence, n)

    def _evidence(self) -> Evidence:
        """Return the sample of the customers; raise InvalidInput where there is none."""
        check_is_fitted(self, "card_")
        if not hasattr(self, "evidence_"):
            raise InvalidInput(
                "a segmenter that was loaded or copied has no customers to look at; fit one to them, or use insight(), "
                "which the model file holds"
            )
        return self.evidence_
