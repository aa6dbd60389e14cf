"""What a Segmenter answers about its segments, from what a fit has counted and from a sample of its customers."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import narwhals as nw
import polars as pl

from gpuseg._estimator import check_is_fitted
from gpuseg.backends import to_host
from gpuseg.cluster import Clusterer
from gpuseg.customers import opened_customers
from gpuseg.engines.blocks import itself
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput
from gpuseg.exploring import Explorable
from gpuseg.insights import PARTS
from gpuseg.interpret.actions import Advice, advised, read_actions
from gpuseg.interpret.details import details_of, details_table
from gpuseg.interpret.evidence import MOST, Evidence, joined, picked
from gpuseg.interpret.examples import nearest
from gpuseg.interpret.known import known_of, whole_of
from gpuseg.interpret.naming import named
from gpuseg.interpret.personas import PersonaComparison, compare_personas
from gpuseg.interpret.profile import Counts, Field
from gpuseg.interpret.renaming import chosen
from gpuseg.interpret.rules import ALTERNATIVES, CONDITIONS, ENOUGH, Rules, Written, rules
from gpuseg.neighbors.sample import rows_of
from gpuseg.placing import Located, Ready, fields_of
from gpuseg.preprocessing import Preprocessor
from gpuseg.preprocessing.schema import TEXT_READ
from gpuseg.settings import MIN_REPORT_SIZE, say

if TYPE_CHECKING:
    from gpuseg.features import CleaningReport


def written_in(steps: Preprocessor) -> Written:
    """Return how the columns of a fitted Preprocessor are written in the user's table."""
    columns = [column for column in steps.schema_ if column["dropped"] is None]
    absent = {column["name"]: column["absent"] for column in columns if column["absent"] is not None}
    texts = {column["name"]: column["way"] for column in columns if column["kind"] == "date"}
    read = [column["name"] for column in columns if TEXT_READ in (column["note"] or "")]
    return Written(absent, texts | dict.fromkeys(read, "number"))


class Explainable(Explorable):
    """The base of Segmenter that answers questions about segments.

    ``details_``: a row a segment and feature, as ``gpuseg.interpret.details.details`` gives it, over all customers of
    the fit. ``evidence_``: a sample of up to about 20,000 of them; in no model file and in no pickle.
    """

    id_column: str | None
    value_column: str | None
    engine: Any
    card_: dict[str, Any]
    segments_: Any
    _customers: Any
    preprocessor_: Preprocessor
    model_: Clusterer
    splits_: dict[int, Any]
    evidence_: Evidence
    details_: Any
    _chosen: Mapping[int, str]

    @property
    def names_(self) -> dict[int, str]:
        """Return what each segment is called, by its number; ``rename`` changes it.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": [1.0, 2, 3, 2, 1, 90, 91, 92, 90, 95]})).names_
        {0: 'Small spenders', 1: 'Big spenders'}
        """
        check_is_fitted(self, "card_")
        return {row["segment"]: row["name"] for row in self.card_.get("insight", {}).get("names", [])}

    def rename(self, names: Mapping[int, str | None]) -> Self:
        """Return self with segments called as the mapping says, by their numbers; None brings the own name back.

        A name holds until the next fit, as long as the segment is there, and in the model file. Raises InvalidInput,
        and changes nothing, for a number that is no segment, for a name that is empty, above 48 characters or taken.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> segmenter = Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": [1.0, 2, 3, 2, 1, 90, 91, 92, 90, 95]}))
        >>> segmenter.rename({1: "Regulars"}).names_
        {0: 'Small spenders', 1: 'Regulars'}
        """
        check_is_fitted(self, "card_")
        if "details" not in (known := self.card_.get("insight", {})):
            raise InvalidInput("this model was written before segments had names; fit it again")
        self._chosen = chosen(known["details"], self._chosen, names)
        self._call()
        return self

    def actions(self, table: str | Path | None = None) -> Advice:
        """Return what to do with each segment, and the figures that say so.

        ``table``: a TOML file of your own in place of gpuseg's; ``gpuseg/interpret/actions.toml`` is one to copy, and
        says what it holds. What needs a column that is not there is skipped, of your own table aloud.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> table = {"spend": [1, 2, 3, 2, 1, 90, 91, 92, 90, 95], "recency": [9, 8, 9, 7, 8, 1, 2, 1, 3, 1]}
        >>> first, _ = Segmenter(n_clusters=2).fit(pl.DataFrame(table)).actions().segments
        >>> [(one["action"], one["because"][0]["words"]) for one in first["actions"]]
        [('reactivate', 'recency: median 8, above the median of all, 5')]
        """
        check_is_fitted(self, "card_")
        known = self.card_.get("insight", {})
        if table is None and "actions" in known:
            return Advice(**known["actions"], names=self.names_)
        if "details" not in known:
            raise InvalidInput("this model was written before segments had actions; fit it again")
        advice = advised(known["details"], read_actions(table))
        for sentence in advice.skipped:
            say(sentence)
        return advice._replace(names=self.names_)

    def examples(self, segment: int, n: int = 5) -> pl.DataFrame:
        """Return customers who are typical of a segment: the ``n`` of ``evidence_`` nearest to what represents it.

        Id, the columns used in the user's units, and ``distance_to_segment`` in those of the scaled matrix; Polars. For
        you to look at: they are in no report and in no file. Raises InvalidInput for what is no segment, and for a
        segmenter from a file, which has no customers.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> customers = pl.DataFrame({"id": range(8), "spend": [1.0, 2, 1, 2, 89, 91, 99, 90]})
        >>> Segmenter("id", n_clusters=2).fit(customers).examples(1, 2).select("id", "spend").rows()
        [(5, 91.0), (7, 90.0)]
        """
        evidence, known = self._evidence(), [int(number) for number in self.names_]
        if isinstance(segment, bool) or segment not in known:
            raise InvalidInput(f"segment={segment!r} is no segment; those that are: {', '.join(map(str, known))}")
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise InvalidInput(f"n={n!r} is not allowed; give a whole number from 1 up")
        return nearest(evidence, segment, n)

    def rules(
        self, *, max_conditions: int = CONDITIONS, max_alternatives: int = ALTERNATIVES, enough: float = ENOUGH
    ) -> Rules:
        """Return a rule a segment, in the user's units: as text, as plain values, and as SQL for DuckDB.

        Learnt of one half of ``evidence_``; precision, recall and coverage are of the other half. ``max_conditions``:
        in each alternative; ``max_alternatives``: in a rule; ``enough``: the precision and recall beyond which a rule
        gets no longer: less of it, shorter rules. Raises InvalidInput for limits that allow no rule, and for a
        segmenter from a file, which has no customers.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> spend = [*range(1, 31), *range(90, 120)]
        >>> found = Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": spend, "visits": [1, 2, 3] * 20})).rules()
        >>> found.table.select("segment", "rule", "precision", "recall").rows()
        [(0, 'spend <= 60', 1.0, 1.0), (1, 'spend > 60', 1.0, 1.0)]
        >>> found.to_sql(1)
        '"spend" > 60 AND "spend" <= 1e90'
        """
        return rules(
            self._evidence(),
            max_conditions=max_conditions,
            max_alternatives=max_alternatives,
            enough=enough,
            written=written_in(self.preprocessor_),
        )._replace(names=self.names_)

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

    def _understand(self, counts: Counts, give_small: Callable[[pl.DataFrame], Any]) -> None:
        """Set what the exact counts of all customers tell: details, names and actions, also in ``card_``."""
        plain = details_of(counts, self.evidence_.raw, self.evidence_.segments)
        there = {*counts.segments, *self.splits_}
        self._chosen = {segment: name for segment, name in self._chosen.items() if segment in there}
        self.details_ = give_small(details_table(plain))
        self.card_["insight"] = {"details": plain, "actions": advised(plain, read_actions()).to_dict()}
        self._call()

    def _restore(self) -> None:
        """Set what ``card_``, from a model file, tells of segments."""
        known = self.card_.get("insight", {})
        self._chosen = {row["segment"]: row["name"] for row in known.get("chosen_names", [])}
        if "details" in known:
            self.details_ = details_table(known["details"])

    def _call(self) -> None:
        """Set the names of segments in ``card_``."""
        known = self.card_["insight"]
        known["names"] = [name._asdict() for name in named(known["details"], self._chosen)]
        known["chosen_names"] = [{"segment": segment, "name": name} for segment, name in self._chosen.items()]

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
        evidence = self._evidence()
        customers = opened_customers(self._customers, self.engine)
        worth = self.value_column if value is None else value
        asked = [name for name in (personas, worth, contacts) if isinstance(name, str) and name in customers.names]
        placed = opened_customers(self.segments_, self.engine)
        found = compare_personas(
            whole_of(placed.parts, placed.names[:2]),
            personas,
            customers=known_of(evidence, customers.parts, self.id_column, asked),
            id_column=self.id_column,
            persona_column=persona_column,
            features=features,
            value=worth,
            contacts=contacts,
            names=self.names_,
        )
        self.card_["personas"] = found.to_dict()
        return found

    def summary(
        self,
        *,
        cleaning: "CleaningReport | None" = None,
        title: str | None = None,
        min_report_size: int = MIN_REPORT_SIZE,
    ) -> dict[str, Any]:
        """Return what a report says, as plain values: see ``gpuseg.report.summary``. Aggregates alone."""
        from gpuseg.report import summary

        self.insight()
        return summary(self.card_, cleaning=cleaning, title=title, min_report_size=min_report_size)

    def report(
        self,
        path: str | Path,
        *,
        cleaning: "CleaningReport | None" = None,
        title: str | None = None,
        min_report_size: int = MIN_REPORT_SIZE,
    ) -> Path:
        """Write one offline report on the segments, aggregates only, whole or not at all; return the path.

        ``cleaning``: the report of the transactions that the customer table was made of, as ``customer_features``
        gives it. Segments of fewer customers than ``min_report_size`` are pooled, and only their number is told. The
        path ends in .html, for a page, or in .md, for Markdown.
        """
        from gpuseg.report import write_report

        self.insight()
        return write_report(path, self.card_, cleaning=cleaning, title=title, min_report_size=min_report_size)

    def stability(self) -> pl.DataFrame:
        """Return how stable each segment is: segment, jaccard, runs; noise has none.

        The mean Jaccard similarity, in [0, 1], of the segment to its best match among those that the algorithm finds in
        20 bootstrap resamples of up to 1,000 customers of ``evidence_`` (Hennig 2007): from .75 a segment is valid,
        below .5 it dissolves. Parts of a segment that was split are found again in its own customers. Parameters that
        count rows are scaled to the sample. null: not known, for fewer than 5 of
        these, or than 2 % in a small table.

        >>> from gpuseg import Segmenter
        >>> segmenter = Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": [1.0, 2, 1, 2, 90, 91, 92, 90]}))
        >>> segmenter.stability().rows()
        [(0, 1.0, 20), (1, 1.0, 20)]
        """
        return pl.DataFrame(
            self._insight_of("stability"), schema={"segment": pl.Int32, "jaccard": pl.Float64, "runs": pl.Int64}
        )

    def importance(self) -> pl.DataFrame:
        """Return which columns the segments hang on: feature, changed, standard_error, ari_loss; the most first.

        Each column's values are exchanged among customers of ``evidence_``, five times: ``changed`` is the share of
        customers who are then placed in another segment, ``ari_loss`` 1 - ARI of the two placings (Breiman 2001).
        Columns that say the same stand in for each other. Segments are those before any was split.

        >>> from gpuseg import Segmenter
        >>> customers = pl.DataFrame({"spend": [1.0, 2, 1, 2, 90, 91, 92, 90], "age": [20, 50, 30, 40, 30, 20, 50, 40]})
        >>> Segmenter(n_clusters=2).fit(customers).importance()["feature"].to_list()
        ['spend', 'age']
        """
        shares = dict.fromkeys(("changed", "standard_error", "ari_loss"), pl.Float64)
        return pl.DataFrame(self._insight_of("importance")["features"], schema={"feature": pl.String, **shares})

    def _insight_of(self, name: str) -> Any:
        """Return a part of ``insight``, worked out at first asking."""
        check_is_fitted(self, "card_")
        known = self.card_.setdefault("insight", {})
        if name not in known:
            self._evidence()
            known[name] = PARTS[name](self)
        return known[name]


def evidence_of(found: Parts, ready: Parts, steps: Preprocessor) -> Evidence:
    """Return the sample of customers who are ``Located`` and ``Ready`` in the same parts."""
    customers = sum(found.collect(_count))
    names = [str(name) for name in steps.get_feature_names_out()]
    drawn = found.beside(ready, _drawn, MOST / max(customers, 1), fields_of(steps), names)
    return joined(drawn.collect(itself), customers)


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
