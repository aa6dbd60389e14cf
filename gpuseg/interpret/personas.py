"""Segments beside what the business calls its customers already: who goes where, and what stands out."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from gpuseg.backends import Host
from gpuseg.errors import InvalidInput, missing_column
from gpuseg.html import Cell, Text, table_html
from gpuseg.interpret.findings import Finding, Word, merges, newcomers, splits, words_of
from gpuseg.interpret.flows import LEAST, Flows, flows_of
from gpuseg.interpret.pairing import Paired, paired
from gpuseg.interpret.served import Served, said, served
from gpuseg.metrics import adjusted_mutual_information, adjusted_rand
from gpuseg.notebook import counted, shown
from gpuseg.settings import say


class PersonaComparison(NamedTuple):
    """Segments beside personas: aggregates alone.

    ``column``: what the personas are called. ``customers``: those who have a segment; ``overlap``: the share of them
    whose id the personas have; ``unknown``: ids of personas that are no customers here. ``agreement``: adjusted_rand
    and adjusted_mutual_information over the ``customers`` who have a persona and are no noise, and a ``sentence``.
    ``personas``: persona (missing: who has none), customers, share, and value_share where a value was named.
    ``flows``: persona, segment, customers, of_persona and of_segment, the shares of the one and of the other, 0 too.
    ``served``: ``Served`` a segment, None where no contacts were named. ``findings``: ``Finding`` each.
    """

    column: str
    customers: int
    overlap: float
    unknown: int
    agreement: dict[str, Any]
    personas: pl.DataFrame
    flows: pl.DataFrame
    served: pl.DataFrame | None
    findings: list[Finding]

    def to_dict(self, *, least: int = LEAST) -> dict[str, Any]:
        """Return the comparison as plain values that JSON can hold; flows of fewer than ``least`` customers pooled.

        What is pooled of a persona is a flow to the segment None; flows of no customers are left out. What fewer
        customers than ``least`` are worth, and get, is not told.
        """
        small = pl.col("customers") < least
        flows = self.flows.filter(pl.col("customers") > 0)
        pooled = (
            flows.filter(small)
            .group_by("persona", maintain_order=True)
            .agg(pl.lit(None).alias("segment"), pl.col("customers", "of_persona").sum())
        )
        return {
            "column": self.column,
            "customers": self.customers,
            "overlap": self.overlap,
            "unknown": self.unknown,
            "agreement": dict(self.agreement),
            "personas": _withheld(self.personas, least).to_dicts(),
            "flows": [*flows.filter(~small).to_dicts(), *({**row, "of_segment": None} for row in pooled.to_dicts())],
            "served": None if self.served is None else _withheld(self.served, least).to_dicts(),
            "findings": [{"kind": one.kind, "sentence": one.sentence, **one.figures} for one in self.findings],
        }

    def __repr__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.sentences())

    def sentences(self) -> list[str]:
        """Return how far personas and segments agree, and every finding."""
        return [self.agreement["sentence"], *(one.sentence for one in self.findings)]

    def _repr_html_(self) -> str:
        segments = self.flows["segment"].unique(maintain_order=True).to_list()
        head: list[Cell] = [
            Text(self.column),
            "customers",
            *(shown("segment", at) if isinstance(at, int) else at for at in segments),
        ]
        rows: list[list[Cell]] = []
        for persona, size in self.personas.select("persona", "customers").iter_rows():
            own = self.flows.filter(pl.col("persona").eq_missing(persona))
            rows.append([Text(persona or "no persona"), f"{size:,}", *(shown("share", s) for s in own["of_persona"])])
        known = self.personas["persona"].count()  # who has none is a row, and no persona
        title = f"Where the customers of {counted(known, 'persona')} go, by segment"
        return table_html(title, head, rows, self.sentences())


def compare_personas(
    segments: Any,
    personas: Any,
    *,
    customers: Any = None,
    id_column: str | None = None,
    segment_column: str = "segment",
    persona_column: str | None = None,
    features: Sequence[str] | None = None,
    value: str | None = None,
    contacts: str | None = None,
    names: Mapping[Any, str] | None = None,
) -> PersonaComparison:
    """Return how segments compare with personas that customers have already: flows, agreement, findings.

    ``segments``: a table or a path with a row a customer, as ``Segmenter.segments_``; or a label a row of
    ``customers``. ``personas``: a table or a path with ids and personas, a label a row, or a column of ``customers``
    or ``segments`` by its name; the rule segments of ``rfm_scores`` are such personas. ``customers``: a table with
    more columns; ``features`` are those in which parts of personas are compared (left out: all but ids, personas
    and contacts). ``id_column`` names the ids, found by usual names where left out; ``persona_column`` likewise.

    ``value`` and ``contacts``: columns of ``customers`` or ``personas``, what a customer is worth and gets, as contacts
    or budget; missing is 0. With contacts, each segment's share of both is compared; without value, its share of
    customers stands for it. ``names``: of segments, for sentences. Noise, -1, is in no finding.

    Raises InvalidInput where fewer than half of the customers have an id among the personas, ids are missing or
    repeat, there are fewer than two segments or personas, or a column is missing.

    >>> personas = ["old"] * 40 + ["new"] * 20
    >>> comparison = compare_personas([0] * 20 + [1] * 20 + [2] * 20, personas)
    >>> comparison.findings[0].sentence
    "persona 'old' (40 customers) is split into segment 0 (20, 50.0 %) and segment 1 (20, 50.0 %)"
    """
    found = paired(
        segments,
        personas,
        customers,
        id_column=id_column,
        segment_column=segment_column,
        persona_column=persona_column,
    )
    flows, word = flows_of(found.personas, found.segments), words_of(names or {})
    worth = None if value is None else _amounts(found, "value", value)
    known = _features(found, features, contacts)
    groups = None
    if contacts is not None:
        amounts = _amounts(found, "contacts", contacts)
        groups = served(flows.segments, flows.column, np.ones(len(amounts)) if worth is None else worth, amounts)
    return PersonaComparison(
        column=found.column,
        customers=len(found.segments),
        overlap=found.known / len(found.segments),
        unknown=found.unknown,
        agreement=_agreement(flows),
        personas=_sizes(flows, worth),
        flows=_table(flows),
        served=None if groups is None else pl.DataFrame(groups, infer_schema_length=None),
        findings=[
            *splits(flows, known, word),
            *merges(flows, known, word),
            *newcomers(flows, word),
            *_unequal(groups or [], word, value or "customers", contacts or ""),
        ],
    )


def _withheld(table: pl.DataFrame, least: int) -> pl.DataFrame:
    """Return a table without what it tells of few customers, and without infinite numbers, which JSON has not."""
    told = [column.name for column in table.get_columns() if column.dtype.is_float() and column.name != "share"]
    fine = [pl.col(name).is_finite() & (pl.col("customers") >= least) for name in told]
    return table.with_columns(
        pl.when(well).then(pl.col(name)).alias(name) for name, well in zip(told, fine, strict=True)
    )


def _amounts(found: Paired, what: str, name: str) -> Host:
    """Return a column of the customers, else of the personas, as numbers, 0 where missing."""
    home = next((table for table in (found.customers, found.beside) if name in table.columns), None)
    if home is None:
        raise missing_column(what, name, [*found.customers.columns, *found.beside.columns])
    column = home.get_column(name)
    if home is found.customers and name in found.beside.columns and not found.beside.get_column(name).equals(column):
        say(f"{what} are taken of column {name!r} of the customers; the personas have another of that name")
    if not column.dtype.is_numeric():
        raise InvalidInput(f"column {name!r} holds {column.dtype}; give a column of numbers as {what}")
    amounts = column.cast(pl.Float64).fill_null(0.0).fill_nan(0.0).to_numpy()
    if odd := int(np.isinf(amounts).sum()):
        raise InvalidInput(f"column {name!r} is infinite for {odd:,} customers; give finite numbers as {what}")
    return amounts


def _features(found: Paired, wanted: Sequence[str] | None, left: str | None) -> pl.DataFrame:
    """Return the columns of the customers in which groups are compared."""
    there = found.customers.columns
    for name in wanted or ():
        if name not in there:
            raise missing_column("features", name, there)
    chosen = [name for name in there if name != left] if wanted is None else wanted
    return pl.DataFrame([found.customers.get_column(name) for name in chosen])


def _agreement(flows: Flows) -> dict[str, Any]:
    """Return how far personas and segments agree, over customers who have both."""
    both = flows.counts[:-1, flows.real]
    cells = np.nonzero(both)
    index, shared = (
        (of(*cells, sample_weight=both[cells]) if both.any() else None)
        for of in (adjusted_rand, adjusted_mutual_information)
    )
    most = np.where(flows.real, flows.of_persona[:-1], 0.0).max(axis=1)
    mostly = int((most >= 0.5).sum())  # noqa: PLR2004 - a half
    said = "-" if index is None else f"{index:.2f}"
    sentence = (
        f"personas and segments agree to an adjusted Rand index of {said} (1: the same groups, 0: no more than by "
        f"chance); {mostly} of {counted(len(flows.personas), 'persona')} have at least half of their customers in one "
        "segment"
    )
    return {
        "adjusted_rand": index,
        "adjusted_mutual_information": shared,
        "customers": int(both.sum()),
        "sentence": sentence,
    }


def _sizes(flows: Flows, worth: Host | None) -> pl.DataFrame:
    """Return how many customers each persona has, and of what they are worth, those without one last."""
    sizes = flows.counts.sum(axis=1)
    columns = {
        "persona": pl.Series([*flows.personas, None], dtype=pl.String),
        "customers": pl.Series(sizes, dtype=pl.Int64),
        "share": sizes / sizes.sum(),
    }
    if worth is not None and worth.sum() > 0:
        columns["value_share"] = np.bincount(flows.row, weights=worth, minlength=len(sizes)) / worth.sum()
    return pl.DataFrame(columns).filter(pl.col("customers") > 0)


def _table(flows: Flows) -> pl.DataFrame:
    """Return a row a persona and segment."""
    count = len(flows.segments)
    segment = pl.Series(list(flows.segments) * (len(flows.personas) + 1))
    frame = pl.DataFrame(
        {
            "persona": pl.Series([name for name in [*flows.personas, None] for _ in range(count)], dtype=pl.String),
            "segment": segment,
            "customers": pl.Series(flows.counts.ravel(), dtype=pl.Int64),
            "of_persona": flows.of_persona.ravel(),
            "of_segment": flows.of_segment.ravel(),
        }
    )
    return frame if flows.counts[-1].any() else frame.filter(pl.col("persona").is_not_null())


def _unequal(groups: Sequence[Served], word: Word, value: str, contacts: str) -> list[Finding]:
    return [
        Finding(str(one.kind), said(one, word(one.segment), value, contacts), one._asdict())
        for one in groups
        if one.kind is not None
    ]
