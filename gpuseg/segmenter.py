"""Segmenter: the whole way from a customer table to segments in one estimator, and back from a model file."""

import warnings
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from gpuseg import card
from gpuseg._estimator import (
    ClusterMixin,
    Stored,
    check_is_fitted,
    clone,
    plain_parameters,
    restored_parameters,
    seed_of,
)
from gpuseg.backends import Array
from gpuseg.cluster import ALGORITHMS, Dispatch
from gpuseg.customers import Customers, check_ids, check_value, opened_customers
from gpuseg.engines.blocks import ROWS
from gpuseg.engines.parts import Parts
from gpuseg.errors import FewerSegments, InvalidInput, InvalidModel, UnsupportedOnBackend, unknown
from gpuseg.io.model import read_model, write_model
from gpuseg.metrics import Score
from gpuseg.neighbors.order import count_distinct, ordered_parts
from gpuseg.notebook import counted, segments_html
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
from gpuseg.profile import profile_parts
from gpuseg.selection import Candidate, KChoice, Segmented, number_of, prepared_for, segmented, takes_number, tried
from gpuseg.settings import say

if TYPE_CHECKING:
    from gpuseg.features import CleaningReport

OWN = ("n_clusters", "random_state", "backend", "engine")
"""Parameters of algorithms that are Segmenter's own."""


class Prepared(NamedTuple):
    """A customer table ready to be clustered: how it was prepared, its parts, and their rows in the order of values.

    ``categorical``: the features that hold codes, for an algorithm that takes categories; else None.
    """

    preprocessor: Preprocessor
    parts: Parts
    ordered: Parts
    categorical: Sequence[int] | None


class Segmenter(ClusterMixin, Stored):
    """Segment a customer table: clean, encode, scale, choose the number of segments, cluster, profile.

    ``id_column``: the customers' id, unique and never missing; left out, rows are numbered from 0 in a
    column "row". ``algorithm``: a name of ``gpuseg algorithms``, as "kmeans" or "hdbscan", with ``algorithm_params``
    for its estimator. "kprototypes", and "kmedoids" and "clarans" with the metric "gower", compare categories and yes
    or no as such; to the others they are one-hot. ``n_clusters``: "auto" or a number; "auto" tries ``k_range`` (both
    ends in) by k-means, or by the algorithm itself where it takes categories, and takes the fewest that the rows do
    not tell from the best sampled silhouette. ``columns``: those to use;
    left out, all but the id. ``preprocessor``: a Preprocessor of yours; left out, one with its defaults.
    ``value_column``: what a customer is worth, as monetary, 0 where it is missing; each segment's share of
    its sum, where that is positive, is then in the profile. ``backend``: "auto", "cpu" or "cuda".
    ``engine``: "auto" (Dask for a Dask DataFrame or a PartedTable, else this process), "local", "dask" (the
    current client, else Dask's own scheduler), a distributed Client, or a scheduler's address, as
    "tcp://host:8786"; workers take the algorithms that take blocks. Segments depend neither on the order
    of the rows nor on who works.

    After ``fit``: ``segments_`` (id, segment, distance, confidence, novelty; a row a customer) and
    ``profile_`` (a row a segment: size, share, mean and median of each column in the user's units), both in
    the caller's table library, ``segments_`` a PartedTable for files that workers read; ``labels_`` (a Dask
    array for rows on workers), ``choice_``, ``score_`` (silhouette), ``preprocessor_``,
    ``model_``, ``backend_``, ``dispatch_``, ``card_``. Raises InvalidInput for ids that are missing or
    repeat, and for a table in which nothing varies.

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
        k_range: Sequence[int] = (2, 12),
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
        self.k_range = k_range
        self.algorithm_params = algorithm_params
        self.value_column = value_column
        self.backend = backend
        self.engine = engine
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's names
        """Return self, fitted to a customer table: a path, any frame, a table on workers, or an array of numbers."""
        self._check_parameters()
        customers = opened_customers(X, self.engine)
        if not (customers.here or ALGORITHMS[self.algorithm].in_blocks):
            raise UnsupportedOnBackend(
                f"algorithm={self.algorithm!r} got customers on workers, and needs all of them in memory; use another, "
                "as algorithm='kmeans', or pass a sample as a table in memory"
            )
        check_value(customers, self.value_column)
        ready = self._ready(customers)
        self.preprocessor_ = ready.preprocessor
        self.choice_, self.model_, self.score_ = self._clustered(ready)
        self._tell(placed(ready.parts, self.model_).kept(), customers)
        return self

    def choose_k(self, X: Any) -> KChoice:  # noqa: N803 - scikit-learn's name
        """Return how many segments a customer table has, why, and what each number gives; nothing is fitted.

        The table is prepared once, and ``k_range`` is tried by k-means: with ``algorithm_params`` where ``algorithm``
        is k-means, else with its defaults. Algorithms that take categories try it themselves, on 3,000 rows.

        >>> import polars as pl
        >>> customers = pl.DataFrame({"id": range(8), "spend": [1.0, 2, 1, 2, 90, 91, 92, 90]})
        >>> Segmenter(id_column="id", k_range=(2, 4)).choose_k(customers).k
        2
        """
        self._check_parameters()
        ready = self._ready(opened_customers(X, self.engine))
        rows, ks = ready.ordered.rows(ROWS), self._tried(ready.ordered)
        return number_of(rows, ALGORITHMS[self.algorithm], ks, **self._given(ready))

    def report(self, path: str | Path, *, cleaning: "CleaningReport | None" = None, title: str | None = None) -> Path:
        """Write one offline HTML page on the segments, aggregates only, whole or not at all; return the path.

        ``cleaning``: the report of the transactions that the customer table was made of, as ``customer_features``
        gives it. The path ends in .html.
        """
        from gpuseg.report import write_report

        check_is_fitted(self, "card_")
        return write_report(path, self.card_, cleaning=cleaning, title=title)

    def predict(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name
        """Return the segment of each row, int32, (n_samples,): a Dask array for a table on workers."""
        check_is_fitted(self, "model_")
        customers = opened_customers(X, self.engine)
        parts = made_ready(customers, self.preprocessor_)
        if left := parts.reduce(rows_left, sum):
            raise InvalidInput(
                f"{left} of {sum(customers.sizes)} rows are dropped by missing='drop'; use assign, which names ids"
            )
        return placed(parts, self.model_).map(segments_of).rows()

    def assign(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Return id, segment, distance, confidence and novelty of each customer, in the caller's table library.

        distance: to what represents the segment, in the units of the scaled matrix. confidence: in [0, 1].
        novelty: above .99 the customer is unlike those that the segment was made of.
        """
        check_is_fitted(self, "model_")
        customers = opened_customers(X, self.engine)
        check_ids(customers, self.id_column)
        parts = made_ready(customers, self.preprocessor_, self.id_column)
        if left := parts.reduce(rows_left, sum):
            rows = sum(customers.sizes)
            say(f"{left} of {rows} rows are not assigned: a value is missing and missing='drop'")
        return customers.give_back(placed(parts, self.model_).map(table_of))

    def save(self, path: str | Path) -> Path:
        """Write the model to a file that ends in .gpuseg, whole or not at all; return the path."""
        check_is_fitted(self, "card_")
        return write_model(path, self.card_, self.state())

    def state(self) -> dict[str, Any]:
        """Return what assigning needs: parameters, the preprocessing and the fitted algorithm."""
        check_is_fitted(self, "model_")
        return {
            "parameters": plain_parameters(self),
            "preprocessor": self.preprocessor_.state(),
            "model": self.model_.state(),
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
        return self

    def _check_parameters(self) -> None:
        if not isinstance(self.algorithm, str) or self.algorithm not in ALGORITHMS:
            raise unknown("algorithm", self.algorithm, ALGORITHMS)
        counted = isinstance(self.n_clusters, int | np.integer) and not isinstance(self.n_clusters, bool)
        auto = isinstance(self.n_clusters, str) and self.n_clusters == "auto"
        if not (auto or (counted and int(self.n_clusters) >= 1)):
            raise InvalidInput(
                f"n_clusters={self.n_clusters!r} is not allowed; give 'auto' or a whole number from 1 up"
            )
        allowed = sorted(set(ALGORITHMS[self.algorithm]().get_params(deep=False)) - set(OWN))
        for name in self.algorithm_params or {}:
            if name in OWN:
                raise InvalidInput(f"algorithm_params sets {name!r}; give {name} to Segmenter itself")
            if name not in allowed:
                raise unknown(f"algorithm_params of {self.algorithm}", name, allowed)
        if self.n_clusters != "auto" and not takes_number(ALGORITHMS[self.algorithm]):
            raise InvalidInput(
                f"n_clusters={self.n_clusters} is not for {self.algorithm}, which finds the number itself; leave it "
                "out, or use another algorithm, as 'kmeans'"
            )
        if isinstance(self.k_range, range):
            raise InvalidInput(f"k_range={self.k_range!r} has no two ends; give both, as in (2, 12)")
        tried(self.k_range)

    def _preparing(self) -> Preprocessor:
        if self.preprocessor is None:
            return Preprocessor(columns=self.columns, id_column=self.id_column, backend=self.backend)
        if not isinstance(self.preprocessor, Preprocessor):
            raise InvalidInput(f"preprocessor={self.preprocessor!r} is not a Preprocessor; give one, or None")
        own = clone(self.preprocessor)
        if own.engine not in ("auto", self.engine):
            raise InvalidInput("the preprocessor has an engine of its own; give engine to Segmenter itself")
        given = {"columns": self.columns, "id_column": self.id_column, "backend": self.backend}
        for name, value in given.items():
            theirs = getattr(own, name)
            if value not in (None, "auto", theirs) and theirs not in (None, "auto"):
                raise InvalidInput(f"{name}={value!r} and the preprocessor's {theirs!r} differ; give one of the two")
        return own.set_params(**{name: value for name, value in given.items() if value not in (None, "auto")})

    def _ready(self, customers: Customers) -> Prepared:
        """Return a customer table prepared, and its matrix in an order that depends on the rows' values alone."""
        check_ids(customers, self.id_column)
        if sum(customers.sizes) < 2:  # noqa: PLR2004 - one customer is no segmentation
            raise InvalidInput("the customer table has 1 row; give at least 2 customers")
        unfitted = self._preparing().set_params(engine=customers.parts.engine)
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

    def _clustered(self, ready: Prepared) -> Segmented:
        """Return the choice of k, the fitted algorithm, and its score."""
        rows, algorithm = ready.ordered.rows(ROWS), ALGORITHMS[self.algorithm]
        found = segmented(rows, algorithm, self.n_clusters, lambda: self._tried(ready.ordered), **self._given(ready))
        if found.choice.candidates:
            say(f"k={found.choice.k}: {found.choice.reason}")
        found.model.set_params(engine="auto")
        return found

    def _tell(self, found: Parts, customers: Customers) -> None:
        """Set what is told of the customers, who are ``Located`` in parts."""
        fields, rows = fields_of(self.preprocessor_), found.map(rows_of)
        told = profile_parts(rows, fields, valued=self.value_column is not None)
        fingerprint = card.fingerprint_of(rows.collect(card.fingerprints), fields)
        tables = found.map(table_of).kept()
        self.segments_, self.labels_ = customers.give_back(tables), tables.map(column_of_segments).rows()
        self.profile_ = customers.give_small(told)
        self.n_features_in_ = len(customers.names)
        self.backend_, self.dispatch_ = self.model_.backend_, self.model_.dispatch_
        self.card_ = card.card_of(self, told, fingerprint)

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
        rows, choice = self.card_["rows"]["kept"], self.card_["choice"]["reason"]
        title = f"{counted(self.card_['segments'], 'segment')} of {counted(rows, 'customer')} by {self.algorithm}"
        dispatch = self.card_["backend"]
        remarks = [choice, f"backend {dispatch['backend']}, engine {dispatch['engine']}: {dispatch['reason']}"]
        return segments_html(title, remarks, card.profile_of(self.card_["profile"]))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def load(path: str | Path) -> Segmenter:
    """Return the segmenter in a model file, ready to predict and assign on any machine.

    It has ``profile_`` (Polars), ``card_``, ``choice_``, ``score_`` and ``dispatch_``, but not the customers' own
    ``segments_``. Raises InvalidModel for a file that is truncated, changed, of another format, or no model.
    """
    about, state = read_model(path)
    try:
        segmenter = Segmenter.from_state(state)
        segmenter.card_, segmenter.profile_ = about, card.profile_of(about["profile"])
        choice, score = about["choice"], about["metrics"].get("silhouette")
        candidates = [Candidate(**candidate) for candidate in choice["candidates"]]
        segmenter.choice_ = KChoice(choice["k"], choice["reason"], candidates)
        segmenter.score_ = None if score is None else Score(**score)
        segmenter.dispatch_ = Dispatch(**{**about["backend"], "steps": tuple(about["backend"].get("steps", ()))})
        segmenter.backend_ = segmenter.dispatch_.backend
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidModel(f"{path} holds no segmenter that can be rebuilt ({error!r}); write it again") from error
    return segmenter
