"""Segments that are segmented further: a hierarchy, which new customers go down step by step."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from gpuseg import card
from gpuseg._estimator import Stored, check_is_fitted, clone
from gpuseg.asked import check_asked, is_auto
from gpuseg.cluster import Clusterer
from gpuseg.customers import Customers, check_ids, check_value, opened_customers, some_of
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidInput, missing_column
from gpuseg.explaining import evidence_of
from gpuseg.placing import Step, fields_of, made_ready, members, placed, portable, rows_of
from gpuseg.preprocessing import Preprocessor
from gpuseg.selection import KChoice
from gpuseg.settings import say

PERSONS = ("_customers", "evidence_")
"""The attributes that hold rows of persons: of a fitted segmenter in this process alone."""


class Split(NamedTuple):
    """What a segment was split into: the numbers of the parts, and the Segmenter that finds them in its customers.

    That one numbers them from 0; ``into`` has their numbers in the same order.
    """

    into: tuple[int, ...]
    segmenter: Any


class Opened(NamedTuple):
    """Customers as they were given, opened, made ready, and placed in segments."""

    table: Any
    customers: Customers
    ready: Parts
    found: Parts


class Divisible(Stored):
    """The base of Segmenter: it splits segments, and places customers in their parts.

    ``splits_``: the segments that are split, and their ``Split``, a segment before its parts.
    """

    id_column: str | None
    value_column: str | None
    algorithm: str
    algorithm_params: Mapping[str, Any] | None
    preprocessor: Preprocessor | None
    allow_personal: Sequence[str] | None
    preprocessor_: Preprocessor
    k_range: Sequence[int]
    backend: str
    engine: Any
    random_state: Any
    model_: Clusterer
    choice_: KChoice
    card_: dict[str, Any]
    splits_: dict[int, Split]
    _customers: Any = None

    def split(
        self,
        segment: int,
        customers: Any = None,
        *,
        algorithm: str | None = None,
        n_clusters: int | str = "auto",
        columns: Sequence[str] | None = None,
        preprocessor: Preprocessor | None = None,
        k_range: Sequence[int] | None = None,
        algorithm_params: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return self with one segment segmented further, as big and small buyers among regular customers.

        The parts get the next free numbers, the largest first; the other segments keep theirs, and the number of the
        segment itself is used no more. It is prepared and clustered anew by its own customers alone. What is left out
        is as for the whole: ``algorithm`` (with ``algorithm_params``), ``preprocessor``, ``k_range``, and, as
        ``columns``, those that the segments were found by; others of the table are allowed. Parts can be split again.

        ``customers``: the table of the fit, needed after ``load`` alone: a segmenter that was just fitted has it.
        ``segments_``, ``labels_``, ``profile_`` and ``card_`` then tell of the parts, ``hierarchy_`` (segment, parent,
        path, size, share) of all; ``choice_`` and ``score_`` stay those of the whole, and the parts' own are in
        ``splits_[segment].segmenter``. A new customer is placed in the segment, then in a part of it: distance and
        novelty are those in the part, confidence the lesser of the two. Whom a density method puts in no part of the
        segment is noise. Raises InvalidInput, and changes nothing, where the segment has no parts to tell apart.

        >>> import polars as pl
        >>> from gpuseg import Segmenter
        >>> spend = [1.0, 2, 1, 2, 90, 91, 150, 151]
        >>> segmenter = Segmenter(n_clusters=2).fit(pl.DataFrame({"spend": spend}))
        >>> segmenter.split(1).hierarchy_.select("segment", "path", "size").rows()
        segment 1 is split into 2 and 3 by kmeans: 2 segments have the highest silhouette ...
        [(0, '0', 4), (1, '1', 4), (2, '1/2', 2), (3, '1/3', 2)]
        """
        check_is_fitted(self, "card_")
        segment = self._whole(segment)
        own = self._part(
            algorithm=self.algorithm if algorithm is None else algorithm,
            n_clusters=n_clusters,
            columns=columns,
            preprocessor=preprocessor,
            k_range=self.k_range if k_range is None else k_range,
            algorithm_params=algorithm_params,
        )
        opened = self._locate(customers)
        inside = some_of(opened.customers, opened.found.beside(opened.customers.parts, members, segment))
        self._fit_part(own, segment, inside)
        first = 1 + max(self.choice_.k - 1, *(part for split in self.splits_.values() for part in split.into), -1)
        split = Split(tuple(range(first, first + own.choice_.k)), own)
        self._retell(opened, {**self.splits_, segment: split})
        say(card.splits_said(self.card_)[-1])
        return self

    def unsplit(self, segment: int, customers: Any = None) -> Self:
        """Return self with the parts of a segment joined to it again, and so the parts of these; the rest stays.

        ``customers``: as for ``split``.
        """
        check_is_fitted(self, "card_")
        if segment not in self.splits_:
            raise InvalidInput(f"segment={segment!r} is not split; those that are: {card.numbered(self.splits_)}")
        gone, kept = {segment}, {}
        for number, split in self.splits_.items():
            if number in gone:
                gone |= set(split.into)
            else:
                kept[number] = split
        self._retell(self._locate(customers), kept)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied: without the customers, whom a copy has to be given to split again."""
        return {name: value for name, value in super().__getstate__().items() if name not in PERSONS}

    def _learn(self, customers: Customers) -> Parts:
        """Fit to customers, and return them placed."""
        raise NotImplementedError

    def _describe(self, found: Parts, customers: Customers) -> None:
        """Set what is told of the segments."""
        raise NotImplementedError

    def _tell(self, found: Parts, customers: Customers) -> None:
        """Set what is told of the segments and of each customer."""
        raise NotImplementedError

    def _placed(self, ready: Parts, customers: Customers) -> Parts:
        """Return customers placed in segments, and in the parts of those that are split."""
        return placed(ready, self.model_, customers, self._steps(customers, self.splits_))

    def _others(self) -> list[str]:
        """Return the columns that parts of segments are found by, and the segments are not."""
        used = {name for split in self.splits_.values() for name in names_of(split.segmenter.preprocessor_)}
        return sorted(used - set(names_of(self.preprocessor_)))

    def _steps(self, customers: Customers, splits: Mapping[int, Split], *, quiet: bool = False) -> list[Step]:
        """Return the ways on from segments that are split; raise InvalidInput for a column that is not there."""
        known, steps = set(names_of(self.preprocessor_)), []
        for segment, split in splits.items():
            own = split.segmenter
            names = names_of(own.preprocessor_)
            if lacking := [name for name in names if name not in customers.names]:
                what = f"X: the column that segment {segment} was split by"
                raise missing_column(what, lacking[0], customers.names)
            told = quiet or known.issuperset(names)
            steps.append(Step(segment, split.into, portable(own.preprocessor_), portable(own.model_), told))
        return steps

    def _locate(self, given: Any) -> Opened:
        """Return the customers of the fit, placed; raise InvalidInput where they are not at hand, or are others."""
        table = self._customers if given is None else given
        if table is None:
            raise InvalidInput(
                "a segmenter that was loaded or copied has no customers; give the table of its fit, as in "
                "split(0, customers)"
            )
        customers = opened_customers(table, self.engine)
        check_ids(customers, self.id_column)
        check_value(customers, self.value_column)
        ready = made_ready(
            customers, self.preprocessor_, self.id_column, self.value_column, others=self._others(), quiet=True
        )
        found = placed(ready, self.model_, customers, self._steps(customers, self.splits_, quiet=True)).kept()
        sums = found.map(rows_of).collect(card.fingerprints)
        if card.fingerprint_of(sums, fields_of(self.preprocessor_)) != self.card_["training_data_sha256"]:
            raise InvalidInput(
                "the customers are not those of the fit: their values differ; give the table that the segmenter was "
                "fitted to, or fit it to these"
            )
        return Opened(table, customers, ready, found)

    def _retell(self, opened: Opened, splits: dict[int, Split]) -> None:
        """Take these splits, and tell anew of all customers."""
        steps = self._steps(opened.customers, splits, quiet=True)
        found = placed(opened.ready, self.model_, opened.customers, steps).kept()
        self.splits_, self._customers = splits, opened.table
        self.evidence_ = evidence_of(found, opened.ready, self.preprocessor_)
        self._tell(found, opened.customers)

    def _whole(self, segment: Any) -> int:
        """Return the number of a segment that is there; raise InvalidInput where it is not, or is split already."""
        number = int(segment) if isinstance(segment, int | np.integer) and not isinstance(segment, bool) else None
        if number is not None and number < 0:
            raise InvalidInput(f"segment={segment} is noise, which is no segment; split one from 0 up")
        known = {*range(self.choice_.k), *(part for split in self.splits_.values() for part in split.into)}
        if number is None or number not in known:
            there = card.numbered(sorted(known - set(self.splits_)))
            raise InvalidInput(f"segment={segment!r} is no segment; those that can be split: {there}")
        if number in self.splits_:
            raise InvalidInput(
                f"segment={number} is split already, into {card.numbered(self.splits_[number].into)}; split one of "
                f"those, or, in Python, call unsplit({number}) first"
            )
        return number

    def _part(self, **given: Any) -> Any:
        """Return a Segmenter for the customers of a segment, as asked and otherwise as this one."""
        if given["algorithm_params"] is None and given["algorithm"] == self.algorithm:
            given["algorithm_params"] = self.algorithm_params
        theirs, columns = given["preprocessor"], given["columns"]
        if theirs is None:
            given |= {"preprocessor": preparing(self, columns), "columns": None}
        elif columns is None and getattr(theirs, "columns", None) is None:
            given["columns"] = names_of(self.preprocessor_)
        same = {name: getattr(self, name) for name in ("id_column", "value_column", "backend", "random_state")}
        own = type(self)(**same, **given)
        check_asked(own)
        if not is_auto(own.n_clusters) and int(own.n_clusters) == 1:
            raise InvalidInput("n_clusters=1 splits nothing; give 'auto' or a whole number from 2 up")
        return own

    def _fit_part(self, own: Any, segment: int, inside: Customers) -> None:
        """Fit a Segmenter to the customers of a segment; raise InvalidInput where no parts come of it."""
        if (count := sum(inside.sizes)) < 2:  # noqa: PLR2004 - one customer is no two parts
            raise InvalidInput(f"segment={segment} has {count} customer(s); split one of at least 2")
        try:
            own._describe(own._learn(inside), inside)  # noqa: SLF001 - another of this class
        except InvalidInput as error:
            raise InvalidInput(f"segment {segment} cannot be split: {error}") from error
        if own.choice_.k < 2:  # noqa: PLR2004 - parts are at least two
            raise InvalidInput(
                f"segment {segment} cannot be split: {own.choice_.reason}, {own.choice_.k}; use other parameters, or "
                "algorithm='kmeans'"
            )
        if lost := [name for name in dropping(own.preprocessor_) if name not in dropping(self.preprocessor_)]:
            raise InvalidInput(
                f"segment {segment} cannot be split: missing='drop' of column {lost[0]!r} leaves customers in no part; "
                "use missing='median'"
            )


def preparing(
    whole: Divisible, columns: Sequence[str] | None = None, changes: Mapping[str, Any] | None = None
) -> Preprocessor:
    """Return a Preprocessor as that of the whole but for ``changes``, for these columns; they are of the same kinds.

    By its own customers' values a column of counts may look like yes or no, and a new customer have two.
    """
    changed = dict(changes or {})
    own = Preprocessor(backend=whole.backend) if whole.preprocessor is None else clone(whole.preprocessor)
    if own.allow_personal is None:
        own.set_params(allow_personal=whole.allow_personal)
    own.set_params(**changed)
    words = {"categorical": "category", "numeric": "number"}
    kinds = {field.name: field.kind for field in fields_of(whole.preprocessor_)}
    kinds |= {name: kind for what, kind in words.items() for name in changed.get(what) or () if name in kinds}
    wanted = changed.get("columns", list(kinds) if columns is None else columns)
    of_kind = {
        what: [
            *(name for name in (wanted if isinstance(wanted, Sequence) else ()) if kinds.get(name) == kind),
            *(name for name in getattr(own, what) or () if name not in kinds),
        ]
        for what, kind in words.items()
    }
    return own.set_params(columns=wanted, **of_kind)


def names_of(steps: Preprocessor) -> list[str]:
    """Return the names of the columns that a fitted Preprocessor uses."""
    return [field.name for field in fields_of(steps)]


def dropping(steps: Preprocessor) -> list[str]:
    """Return those of the columns in which a gap drops the customer."""
    return [name for name in names_of(steps) if name in steps.dropping_]
