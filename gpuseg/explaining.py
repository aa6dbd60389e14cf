"""What a Segmenter answers about its segments, from what a fit has counted and from a sample of its customers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw

from gpuseg._estimator import check_is_fitted
from gpuseg.backends import to_host
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput
from gpuseg.interpret.evidence import MOST, Evidence, joined, picked
from gpuseg.interpret.profile import Field
from gpuseg.neighbors.sample import rows_of
from gpuseg.placing import Located, Ready, fields_of
from gpuseg.preprocessing import Preprocessor

PARTS: Mapping[str, Callable[[Any], Any]] = {}
"""What ``insight`` holds, and how each part of it comes of a fitted Segmenter: plain values, aggregates alone."""


class Explainable:
    """The base of Segmenter that answers questions about segments.

    ``evidence_``: a sample of up to about 20,000 customers of the fit; in no model file and in no pickle.
    """

    card_: dict[str, Any]
    preprocessor_: Preprocessor
    evidence_: Evidence

    def insight(self) -> dict[str, Any]:
        """Return what is known of the segments beyond the profile, as plain values: aggregates alone.

        Worked out at first asking, on ``evidence_``, and kept in ``card_["insight"]``; a model from a file has what was
        written with it. ``save`` and ``report`` ask for it.
        """
        check_is_fitted(self, "card_")
        known: dict[str, Any] = self.card_.setdefault("insight", {})
        if hasattr(self, "evidence_"):
            known |= {name: work(self) for name, work in PARTS.items() if name not in known}
        return known

    def _evidence(self) -> Evidence:
        """Return the sample of the customers; raise InvalidInput where there is none."""
        check_is_fitted(self, "card_")
        if not hasattr(self, "evidence_"):
            raise InvalidInput(
                "a segmenter that was loaded or copied has no customers to look at; fit one to them, or use insight(), "
                "which the model file holds"
            )
        return self.evidence_


def evidence_of(found: Parts, ready: Parts, steps: Preprocessor) -> Evidence:
    """Return the sample of customers who are ``Located`` and ``Ready`` in the same parts."""
    customers = sum(found.collect(_count))
    names = [str(name) for name in steps.get_feature_names_out()]
    drawn = found.beside(ready, _drawn, MOST / max(customers, 1), fields_of(steps), names)
    return joined(drawn.collect(_itself), customers)


def _drawn(found: Located, ready: Ready, share: float, fields: Sequence[Field], names: Sequence[str]) -> Evidence:
    """Return the sample of a part."""
    rows, assigned = picked(found.raw, share), found.assigned
    ids = nw.from_native(found.ids, eager_only=True)
    series = ids[ids.columns[0]].to_polars().gather(rows)
    return Evidence(
        fields=fields,
        features=names,
        raw=found.raw[rows],
        matrix=to_host(rows_of(ready.matrix, rows)),
        segments=assigned.segment[rows],
        distance=assigned.distance[rows],
        confidence=assigned.confidence[rows],
        novelty=assigned.novelty[rows],
        value=None if found.value is None else found.value[rows],
        ids=series,
        customers=len(rows),
    )


def _count(found: Located) -> int:
    return len(found.raw)


def _itself(part: Evidence) -> Evidence:
    return part
