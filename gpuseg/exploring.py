"""What a Segmenter answers about single customers, two segments, and changes: for Python alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from gpuseg._estimator import check_is_fitted
from gpuseg.backends import Host, to_host
from gpuseg.card import profile_of
from gpuseg.errors import InvalidInput, listed, unknown
from gpuseg.interpret.atypical import oddest
from gpuseg.interpret.changes import WhatIf, what_if
from gpuseg.interpret.contrast import Contrast, contrast
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.profile import Field
from gpuseg.interpret.steps import MOST, Start, better_than, next_segments
from gpuseg.interpret.values import customers_of
from gpuseg.notebook import counted
from gpuseg.placing import ROW, fields_of
from gpuseg.preprocessing import Preprocessor
from gpuseg.settings import config


class Explorable:
    """The base of Explainable that looks at customers of the sample, and at those that are asked about."""

    id_column: str | None
    value_column: str | None
    card_: dict[str, Any]
    preprocessor_: Preprocessor
    evidence_: Evidence
    assign: Any

    def contrast(self, a: int, b: int | None = None) -> Contrast:
        """Return how segment ``a`` differs from segment ``b``, or from all other customers: aggregates alone.

        ``differences``: a feature each, the largest effect first, with means and medians in your units and a sentence;
        ``table``: the same in Polars. Of a model from a file, too. Raises InvalidInput for what is no segment.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> segmenter = Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": [1.0, 2, 1, 2, 90, 91, 92, 90, 93]}))
        >>> segmenter.contrast(0, 1).sentence
        'segment 0 (5 customers) against segment 1 (4 customers): spend is 91.2 against 1.5 (median 91 against 1.5)'
        """
        check_is_fitted(self, "card_")
        details = self.card_.get("insight", {}).get("details")
        if details is None:
            raise InvalidInput("this model was written before segments had details; fit it again")
        return contrast(details, a, b)

    def what_if(self, customers: Any = None, *, changes: Mapping[str, Any], segment: int | None = None) -> WhatIf:
        """Return who moves where when customers change: ``flows``, ``customers``, ``sentence``; Polars.

        ``customers``: a customer table in memory; left out, those of ``evidence_``. ``changes``: by column a value for
        all, or, of numbers, "+1", "-1", "*1.1", "/2" or "+10%", of dates "+30" or "-30" days. ``segment``: of those in
        it alone. The customers are placed anew, as ``assign`` does. Raises InvalidInput for what is no change.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> customers = pl.DataFrame({"spend": [1.0, 2, 1, 2, 40, 90, 91, 92, 90, 93]})
        >>> segmenter = Segmenter(n_clusters=2).fit(customers)
        >>> segmenter.what_if(customers, changes={"spend": "+30"}).sentence
        '1 of 10 customers (10.0 %) move: 1 from 0 to 1'
        """
        table, fields = self._table(customers), fields_of(self.preprocessor_)
        if segment is not None:
            self._known([segment], "segment")
        found = what_if(table, changes, fields, self._assigned, segment=segment)
        if customers is not None or len(table) == self.evidence_.customers:
            return found
        whole = f"of a sample of {len(table):,} of {counted(self.evidence_.customers, 'customer')}"
        return found._replace(sentence=f"{whole}: {found.sentence}")

    def next_segment(
        self, customers: Any, *, better: Sequence[int] | None = None, features: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the next better segment of each customer, how far it is, and the cheapest change that leads there.

        ``customers``: a customer table of up to 1,000 rows in memory. ``better``: the segments to reach; left out,
        those that are worth more a customer, by ``value_column``. ``features``: the columns that may change, one at a
        time; left out, all. Columns: id, segment; next_segment, that of the nearest customer of ``evidence_`` in a
        better one, and the distance to them; feature, value, new_value, change, reaches: the change of one feature that
        is the smallest in the scaled features, and the segment it leads to. Values between the least and the most of
        the customers are tried. None where there is none. What leads there by the model need not do so in life.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> customers = pl.DataFrame({"spend": [1.0, 2, 1, 2, 40, 90, 91, 92, 90, 93]})
        >>> segmenter = Segmenter(n_clusters=2, value_column="spend").fit(customers)
        >>> found = segmenter.next_segment(customers[4:6])
        >>> found.select("row", "segment", "next_segment", "feature", "value").rows()
        [(0, 0, 1, 'spend', '40'), (1, 1, None, None, None)]
        """
        evidence, table = self._evidence(), self._table(customers)
        if len(table) > MOST:
            raise InvalidInput(f"customers has {len(table)} rows; give at most {MOST}, as those of one segment")
        with config(notices="off"):
            prepared = self.preprocessor_.prepare(table, quiet=True)
            table = table.filter(pl.Series(np.asarray(prepared.kept, dtype=bool)))
            segments = self._segments_of(table)
            start = Start(table, prepared.raw(), self._scaled(table), segments, *self._better(segments, better))
            tried = _chosen(evidence.fields, features)
            ids = pl.Series(ROW, range(len(table))) if self.id_column is None else table[self.id_column]
            codes = self.preprocessor_.categorical_features_
            return next_segments(start, ids, evidence, tried, codes, self._segments_of, self._scaled)

    def _better(self, segments: Host, better: Sequence[int] | None) -> tuple[Host, Host]:
        """Return the segments there are, and which of them are better for each customer."""
        profile = profile_of(self.card_["profile"]).filter(pl.col("segment") >= 0)
        numbers = profile["segment"].sort().to_numpy()
        if not len(numbers):
            raise InvalidInput("the fit found no segment to reach: all customers are noise; fit with other parameters")
        if better is not None:
            self._known(better, "better")
            named = np.isin(numbers, list(better))
            # Who is in one of them already has arrived.
            return numbers, named[None, :] & ~np.isin(segments, list(better))[:, None]
        if "value_share" not in profile.columns or profile["value_share"].null_count():
            raise InvalidInput(
                "no segment is known to be worth more: the fit had no value_column; name the segments in better=[...]"
            )
        worth = dict(zip(profile["segment"], profile["value_share"] / profile["size"], strict=True))
        return numbers, better_than(segments, numbers, worth)

    def _known(self, segments: Any, what: str) -> None:
        """Raise InvalidInput where one is no segment."""
        check_is_fitted(self, "card_")
        known = profile_of(self.card_["profile"])["segment"].to_list()
        asked = list(segments) if isinstance(segments, Sequence) and not isinstance(segments, str) else [segments]
        for segment in asked:
            if isinstance(segment, bool) or segment not in known:
                raise unknown(what, segment, known)

    def _table(self, customers: Any) -> pl.DataFrame:
        """Return a customer table in Polars; that of the sample where none is given."""
        if customers is None:
            return customers_of(self._evidence(), self.id_column)
        check_is_fitted(self, "card_")
        try:
            table = nw.from_native(customers, eager_only=True).to_polars()
        except TypeError as error:
            sentence = f"customers is a {type(customers).__name__}, and no table in memory"
            raise InvalidInput(f"{sentence}; give a pandas, Polars or PyArrow table of customers") from error
        if self.id_column is not None and self.id_column not in table.columns:
            raise InvalidInput(f"customers has no column {listed([self.id_column])} of ids; give it with the table")
        return table

    def _assigned(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return what ``assign`` gives, saying nothing."""
        with config(notices="off"):
            found: pl.DataFrame = self.assign(table)
        return found

    def _segments_of(self, table: pl.DataFrame) -> Host:
        """Return the segment of each row of a table in which ids may repeat."""
        if self.id_column is not None:
            table = table.with_columns(pl.Series(self.id_column, range(len(table))))
        return self._assigned(table)["segment"].to_numpy()

    def _scaled(self, table: pl.DataFrame) -> Host:
        with config(notices="off"):
            return np.asarray(to_host(self.preprocessor_.prepare(table, quiet=True).matrix), dtype=np.float64)

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


def _chosen(fields: Sequence[Field], names: Sequence[str] | None) -> list[Field]:
    """Return the fields of these names; raise InvalidInput for one that the segments were not found by."""
    known = {field.name: field for field in fields}
    for name in names or ():
        if name not in known:
            raise unknown("features", name, known)
    return [known[name] for name in (known if names is None else names)]
