"""What a Segmenter answers about its segments, from what a fit has counted and from a sample of its customers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals as nw

from gpuseg._estimator import check_is_fitted
from gpuseg.backends import to_host
from gpuseg.customers import opened_customers
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput
from gpuseg.interpret.evidence import MOST, Evidence, joined, picked
from gpuseg.interpret.known import known_of
from gpuseg.interpret.personas import PersonaComparison, compare_personas
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

    id_column: str | None
    value_column: str | None
    engine: Any
    card_: dict[str, Any]
    segments_: Any
    _customers: Any
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

    def compare_personas(
        self,
        personas: Any,
        *,
        persona_column: str | None = None,
        value: str | None = None,
        contacts: str | None = None,
        features: Sequence[str] | None = None,
    ) -> PersonaComparison:
        """Return how the segments compare with personas that the customers of the fit have already.

        The arguments are those of ``gpuseg.compare_personas``: ``personas`` is a table or a path with ids, a label a
        row of ``segments_``, or a column of the customer table; ``value`` is the ``value_column`` where left out.
        Columns in which parts of personas are compared are those of ``evidence_``. What is found is kept, without
        ids, in ``card_["personas"]``, and so in model file and report.
        """
        evidence, names = self._evidence(), self.card_.get("insight", {}).get("names", {})
        customers = opened_customers(self._customers, self.engine)
        worth = self.value_column if value is None else value
        asked = [name for name in (personas, worth, contacts) if isinstance(name, str) and name in customers.names]
        found = compare_personas(
            self.segments_,
            personas,
            customers=known_of(evidence, customers.parts, self.id_column, asked),
            id_column=self.id_column,
            persona_column=persona_column,
            features=features,
            value=worth,
            contacts=contacts,
            names={int(segment): str(name) for segment, name in names.items()},
        )
        self.card_["personas"] = found.to_dict()
        return found

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
