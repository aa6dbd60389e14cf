"""Segmenter: the whole way from a customer table to segments in one estimator, and back from a model file."""

import warnings
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, Self

from gpuseg import card
from gpuseg._estimator import ClusterMixin, check_is_fitted, clone, plain_parameters, restored_parameters, seed_of
from gpuseg.asked import check_asked, preprocessor_of, terms_of
from gpuseg.backends import Array
from gpuseg.cluster import ALGORITHMS, Dispatch
from gpuseg.customers import Customers, check_ids, check_value, opened_customers
from gpuseg.engines.blocks import ROWS
from gpuseg.engines.parts import Parts
from gpuseg.errors import FewerSegments, InvalidInput, InvalidModel
from gpuseg.explaining import Explainable, evidence_of
from gpuseg.interpret.profile import counted as counted_parts
from gpuseg.interpret.profile import profile_of_counts
from gpuseg.io.model import read_model, write_model
from gpuseg.metrics import Score
from gpuseg.neighbors.order import count_distinct, ordered_parts
from gpuseg.notebook import segments_html
from gpuseg.placing import (
    column_of_segments,
    fields_of,
    made_ready,
    matrix_of,
    placed,
    rows_left,
    rows_of,
    segments_of,
    table_of,
)
from gpuseg.preprocessing import Preprocessor
from gpuseg.selection import (
    DENSITY,
    Candidate,
    DensityChoice,
    KChoice,
    Segmented,
    Terms,
    density_for,
    number_of,
    prepared_for,
    segmented,
    tried,
)
from gpuseg.separating import separation_of
from gpuseg.settings import say
from gpuseg.splitting import Divisible, Split


class Prepared(NamedTuple):
    """A customer table ready to be clustered: how it was prepared, its parts, and their rows in the order of values.

    ``categorical``: the features that hold codes, for an algorithm that takes categories; else None.
    """

    preprocessor: Preprocessor
    parts: Parts
    ordered: Parts
    categorical: Sequence[int] | None


class Segmenter(ClusterMixin, Divisible, Explainable):
    """Segment a customer table: clean, encode, scale, choose the number of segments, cluster, profile.

    ``id_column``: the customers' id, unique and never missing; left out, rows are numbered from 0 in a
    column "row". ``algorithm``: a name of ``gpuseg algorithms``, as "kmeans" or "hdbscan", with ``algorithm_params``
    for its estimator. "kprototypes", and "kmedoids" and "clarans" with the metric "gower", compare categories and yes
    or no as such; to the others they are one-hot. ``n_clusters``: "auto" or a number; "auto" tries ``k_range`` (both
    ends in) by the algorithm itself and takes the most segments that are all stable and whose silhouette is near to the
    highest, as ``choose_k`` says, which has ``criteria`` (left out, "stability" and "separability") and the limits:
    ``min_share``, ``max_segments`` and ``must_separate``, here pairs of ids, as in ``[("a17", "b2")]``, who are not to
    be in one segment, or the name of a column, as of personas, no two of whose levels are to have the most of their
    customers in the same segment (name ``columns`` to leave it out of the fit). An eps of "dbscan" and a
    min_cluster_size of "hdbscan" may be "auto" too: they are chosen as by ``choose_density``, within ``min_share`` and
    ``max_segments``. ``columns``: those to use; left out, all but the id. ``allow_personal``: columns to use although
    they look like data about persons, which are left out otherwise. ``preprocessor``: a Preprocessor of yours; left
    out, one with its defaults.
    ``value_column``: what a customer is worth, as monetary, 0 where it is missing; each segment's share of
    its sum, where that is positive, is then in the profile. ``backend``: "auto", "cpu" or "cuda".
    ``engine``: "auto" (Dask for a Dask DataFrame or a PartedTable, else this process), "local", "dask" (the
    current client, else Dask's own scheduler), a distributed Client, or a scheduler's address, as
    "tcp://host:8786"; ``gpuseg algorithms`` says what workers take. Segments depend neither on the order of the rows
    nor on who works.

    After ``fit``: ``segments_`` (id, segment, distance, confidence, novelty; a row a customer), ``profile_`` (a row a
    segment: size, share, mean and median of each column in the user's units) and ``details_`` (a row a segment and
    column: how far it is from the rest), in the caller's table library, ``segments_`` a PartedTable for files that
    workers read; ``names_``, what the numbers of segments are called, which ``rename`` changes; ``labels_`` (a Dask
    array for rows on workers), ``choice_``, ``density_`` (how dense segments were chosen to be, else None), ``score_``
    (silhouette), ``preprocessor_``, ``model_``, ``backend_``, ``dispatch_``, ``card_``; ``hierarchy_`` and ``splits_``,
    which ``split`` fills. The customers of the fit are placed as new ones are: of "optics" not each gets the label that
    the fit gave it, and a segment may be larger than one of a lower number.
    Raises InvalidInput for ids that are missing or repeat, and for a table in which nothing varies.

    >>> import polars as pl
    >>> customers = pl.DataFrame({"id": range(8), "spend": [1.0, 2, 1, 2, 90, 91, 92, 90]})
    >>> segmenter = Segmenter(id_column="id", random_state=0).fit(customers)
    k=2: 2 segments have the highest silhouette ...
    >>> segmenter.profile_.select("segment", "size", "spend_median").rows()
    [(0, 4, 1.5), (1, 4, 90.5)]
    """

    def __init__(  # noqa: PLR0913 - one parameter a decision of the user's
        self,
        id_column: str | None = None,
        *,
        algorithm: str = "kmeans",
        n_clusters: int | str = "auto",
        preprocessor: Preprocessor | None = None,
        columns: Sequence[str] | None = None,
        allow_personal: Sequence[str] | None = None,
        k_range: Sequence[int] = (2, 12),
        criteria: Sequence[str] | None = None,
        min_share: float | None = None,
        max_segments: int | None = None,
        must_separate: str | Sequence[tuple[Any, Any]] | None = None,
        algorithm_params: Mapping[str, Any] | None = None,
        value_column: str | None = None,
        backend: str = "auto",
        engine: Any = "auto",
        random_state: Any = 0,
    ) -> None:
        self.id_column = id_column
        self.algorithm = algorithm
        self.n_clusters = n_clusters
        self.preprocessor = preprocessor
        self.columns = columns
        self.allow_personal = allow_personal
        self.k_range = k_range
        self.criteria = criteria
        self.min_share = min_share
        self.max_segments = max_segments
        self.must_separate = must_separate
        self.algorithm_params = algorithm_params
        self.value_column = value_column
        self.backend = backend
        self.engine = engine
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted to a customer table: a path, any frame, a table on workers, or an array of numbers.

        The table is held, for ``split``, until the next fit; it is in no model file and in no pickle.
        """
        check_asked(self)
        customers = opened_customers(X, self.engine)
        found = self._learn(customers)
        if self.choice_.candidates:
            say(f"k={self.choice_.k}: {self.choice_.reason}")
        if self.density_ is not None:
            say(self.density_.reason)
        self._tell(found, customers)
        self._customers = X
        return self

    def _learn(self, customers: Customers) -> Parts:
        """Fit to customers, and return them placed."""
        check_value(customers, self.value_column)
        ready = self._ready(customers)
        choice, model, score, density = self._clustered(ready, customers)
        located = placed(ready.parts, model, customers).kept()
        evidence = evidence_of(located, ready.parts, ready.preprocessor)
        # All at once: where a fit is refused, an earlier one stays whole.
        self.preprocessor_, self.choice_, self.model_, self.score_ = ready.preprocessor, choice, model, score
        self.density_, self.splits_, self.evidence_, self._chosen = density, {}, evidence, {}
        return located

    def choose_k(self, X: Any) -> KChoice | DensityChoice:  # noqa: N803 - scikit-learn's name
        """Return how many segments a customer table has, why, and what each number gives; nothing is fitted.

        The table is prepared once, and ``algorithm`` tries ``k_range``: on 3,000 rows, if it is no tree nor k-means;
        k-means does where the algorithm is not told the number. DBSCAN and HDBSCAN find it by how dense segments are to
        be: of these an eps or a min_cluster_size is recommended, as by ``choose_density``.

        >>> import polars as pl
        >>> customers = pl.DataFrame({"id": range(8), "spend": [1.0, 2, 1, 2, 90, 91, 92, 90]})
        >>> Segmenter(id_column="id", k_range=(2, 4)).choose_k(customers).k
        2
        """
        check_asked(self, choosing=True)
        customers = opened_customers(X, self.engine)
        ready = self._ready(customers)
        rows, given, terms = ready.ordered.rows(ROWS), self._given(ready), self._terms(ready, customers)
        if self.algorithm in DENSITY:
            return density_for(rows, self.algorithm, shared=given["shared"], own=given["own"], terms=terms)
        given |= {"terms": terms._replace(every=True)}
        return number_of(rows, ALGORITHMS[self.algorithm], self._tried(ready.ordered), **given)

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): a Dask array for a table on workers."""
        check_is_fitted(self, "model_")
        customers = opened_customers(X, self.engine)
        parts = made_ready(customers, self.preprocessor_, others=self._others())
        if left := parts.reduce(rows_left, sum):
            raise InvalidInput(
                f"{left} of {sum(customers.sizes)} rows are dropped by missing='drop'; use assign, which names ids"
            )
        return self._placed(parts, customers).map(segments_of).rows()

    def assign(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Return id, segment, distance, confidence and novelty of each customer, in the caller's table library.

        distance: to what represents the segment, in the units of the scaled matrix. confidence: in [0, 1].
        novelty: above .99 the customer is unlike those that the segment was made of.
        """
        check_is_fitted(self, "model_")
        customers = opened_customers(X, self.engine)
        check_ids(customers, self.id_column)
        parts = made_ready(customers, self.preprocessor_, self.id_column, others=self._others())
        if left := parts.reduce(rows_left, sum):
            rows = sum(customers.sizes)
            say(f"{left} of {rows} rows are not assigned: a value is missing and missing='drop'")
        return customers.give_back(self._placed(parts, customers).map(table_of))

    def save(self, path: str | Path) -> Path:
        """Write the model to a file that ends in .gpuseg, whole or not at all; return the path."""
        self.insight()
        return write_model(path, self.card_, self.state())

    def state(self) -> dict[str, Any]:
        """Return what assigning needs: parameters, the preprocessing and the fitted algorithm."""
        check_is_fitted(self, "model_")
        return {
            "parameters": _without_ids(plain_parameters(self)),
            "preprocessor": self.preprocessor_.state(),
            "model": self.model_.state(),
            "splits": [
                {"segment": segment, "into": list(split.into), "segmenter": split.segmenter.state()}
                for segment, split in self.splits_.items()
            ],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the segmenter that ``state`` was taken from, ready to assign."""
        self = cls(**restored_parameters(cls, state["parameters"]))
        self.preprocessor_ = Preprocessor.from_state(state["preprocessor"])
        if "preprocessor" not in state["parameters"]:  # one of the user's own, which a model file holds as fitted alone
            self.preprocessor = clone(self.preprocessor_)
        self.model_ = ALGORITHMS[self.algorithm].from_state(state["model"])
        self.n_features_in_ = self.preprocessor_.n_features_in_
        parts = state.get("splits", [])
        self.splits_ = {one["segment"]: Split(tuple(one["into"]), cls.from_state(one["segmenter"])) for one in parts}
        return self

    def _ready(self, customers: Customers) -> Prepared:
        """Return a customer table prepared, and its matrix in an order that depends on the rows' values alone."""
        check_ids(customers, self.id_column)
        if sum(customers.sizes) < 2:  # noqa: PLR2004 - one customer is no segmentation
            raise InvalidInput("the customer table has 1 row; give at least 2 customers")
        unfitted = preprocessor_of(self).set_params(engine=customers.parts.engine)
        algorithm, own = ALGORITHMS[self.algorithm], self.algorithm_params or {}
        steps, codes = prepared_for(unfitted, customers.table, algorithm, own)
        # What is fitted works wherever data comes to be: on the workers with their parts, too.
        steps.set_params(engine="auto")
        parts = made_ready(customers, steps, self.id_column, self.value_column, quiet=True)
        return Prepared(steps, parts, ordered_parts(parts.map(matrix_of)), codes)

    def _given(self, ready: Prepared) -> dict[str, Any]:
        """Return what a choice of k and a fit are given: shared parameters, the user's own, and the places of codes."""
        shared = {"backend": self.backend, "engine": ready.ordered.engine, "random_state": seed_of(self.random_state)}
        return {"shared": shared, "own": self.algorithm_params or {}, "categorical": ready.categorical}

    def _terms(self, ready: Prepared, customers: Customers) -> Terms:
        """Return on what terms the number of segments is chosen, with the customers who are to be separate."""
        terms = terms_of(self)
        return terms._replace(must_separate=separation_of(terms.must_separate, ready.parts, customers))

    def _clustered(self, ready: Prepared, customers: Customers) -> Segmented:
        """Return the choice of k, the fitted algorithm, and its score."""
        rows, algorithm = ready.ordered.rows(ROWS), ALGORITHMS[self.algorithm]
        given = {**self._given(ready), "terms": self._terms(ready, customers)}
        found = segmented(rows, algorithm, self.n_clusters, lambda: self._tried(ready.ordered), **given)
        found.model.set_params(engine="auto")
        return found

    def _tell(self, found: Parts, customers: Customers) -> None:
        """Set what is told of the segments and of each customer, who are ``Located`` in parts."""
        self._describe(found, customers)
        tables = found.map(table_of).kept()
        self.segments_, self.labels_ = customers.give_back(tables), tables.map(column_of_segments).rows()
        self.hierarchy_ = customers.give_small(card.hierarchy_of(self.card_))

    def _describe(self, found: Parts, customers: Customers) -> None:
        """Set what is told of the segments of customers who are ``Located`` in parts."""
        fields, rows = fields_of(self.preprocessor_), found.map(rows_of)
        counts = counted_parts(rows, fields)
        told = profile_of_counts(counts, valued=self.value_column is not None)
        fingerprint = card.fingerprint_of(rows.collect(card.fingerprints), fields)
        self.profile_ = customers.give_small(told)
        self.n_features_in_ = len(customers.names)
        if hasattr(self.model_, "dispatch_"):  # one of a model file has none, and its segmenter was told
            self.backend_, self.dispatch_ = self.model_.backend_, self.model_.dispatch_
        self.card_ = card.card_of(self, told, fingerprint)
        self._understand(counts, customers.give_small)

    def _tried(self, ordered: Parts) -> list[int]:
        """Return the numbers of segments to try: those of ``k_range`` that the distinct rows allow."""
        distinct = count_distinct(ordered)
        allowed = [k for k in tried(self.k_range) if k <= distinct]
        if not allowed:
            sentence = f"k_range={self.k_range} starts above the {distinct} distinct rows; k={distinct} is tried alone"
            warnings.warn(sentence, FewerSegments, stacklevel=5)
        return allowed or [distinct]

    def _repr_html_(self) -> str:
        if not hasattr(self, "card_"):
            return f"<pre>{escape(repr(self))}</pre>"
        from gpuseg.report import summary

        dispatch = self.card_["backend"]
        remarks = [self.card_["choice"]["reason"], *card.splits_said(self.card_)]
        remarks.append(f"backend {dispatch['backend']}, engine {dispatch['engine']}: {dispatch['reason']}")
        # Who has the customers may see the smallest segment.
        return segments_html(summary(self.card_, min_report_size=1), remarks)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def _without_ids(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters without ids: a model file holds none, and they have done their work."""
    named = isinstance(parameters.get("must_separate"), str)
    return {name: value for name, value in parameters.items() if named or name != "must_separate"}


def load(path: str | Path) -> Segmenter:
    """Return the segmenter in a model file, ready to predict and assign on any machine.

    It has ``profile_`` and ``details_`` (Polars), ``names_``, ``card_``, ``choice_``, ``score_`` and ``dispatch_``, but
    not the customers' own ``segments_``. Raises InvalidModel for a file that is truncated, changed, of another format,
    or no model.
    """
    about, state = read_model(path)
    try:
        segmenter = Segmenter.from_state(state)
        _described(segmenter, about)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidModel(f"{path} holds no segmenter that can be rebuilt ({error!r}); write it again") from error
    return segmenter


def _described(segmenter: Segmenter, about: dict[str, Any]) -> None:
    """Set what a card tells of a segmenter, and of those that split its segments."""
    segmenter.card_, segmenter.profile_ = about, card.profile_of(about["profile"])
    segmenter.hierarchy_ = card.hierarchy_of(about)
    segmenter._restore()  # noqa: SLF001 - a part of loading
    choice, score = about["choice"], about["metrics"].get("silhouette")
    candidates = [Candidate(**candidate) for candidate in choice["candidates"]]
    segmenter.choice_ = KChoice(choice["k"], choice["reason"], candidates, tuple(choice.get("stability", ())))
    segmenter.score_ = None if score is None else Score(**score)
    segmenter.density_ = None if about.get("density") is None else DensityChoice.of(about["density"])
    segmenter.dispatch_ = Dispatch(**{**about["backend"], "steps": tuple(about["backend"].get("steps", ()))})
    segmenter.backend_ = segmenter.dispatch_.backend
    for split in about.get("splits", []):
        _described(segmenter.splits_[split["segment"]].segmenter, split["card"])
