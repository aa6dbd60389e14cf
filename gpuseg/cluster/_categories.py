"""The base of methods whose rows may hold categories: what comes is coded, in memory, on workers or file by file."""

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from gpuseg.backends import holder
from gpuseg.cluster._base import Clusterer, _weights
from gpuseg.cluster._codes import (
    WORDS,
    Coding,
    Levels,
    category_columns,
    coded,
    columns_of,
    joined,
    levels_in,
    levels_in_part,
    refuse_no_numbers,
)
from gpuseg.cluster._words import OF_WORDS, array_of, columns_of_words
from gpuseg.engines import Blocks, Site, blocks_of, is_dask, is_files
from gpuseg.engines.blocks import refuse_odd
from gpuseg.engines.inputs import no_weight
from gpuseg.engines.tables import Tables, tables_of
from gpuseg.errors import InvalidInput, UnsupportedOnBackend
from gpuseg.io import open_table
from gpuseg.io.files import found


class Source(NamedTuple):
    """Rows that may have to be coded: their columns in memory, or parts that are not loaded.

    ``names``: of the columns, None of an array. ``by_type``: the positions of the columns of categories.
    """

    width: int
    names: tuple[str, ...] | None
    by_type: tuple[int, ...] = ()
    columns: tuple[pl.Series, ...] = ()
    tables: Tables | None = None
    arrays: Blocks | None = None

    @property
    def said(self) -> tuple[str, ...]:
        """Return what the columns are called."""
        return tuple(map(str, range(self.width))) if self.names is None else self.names

    def levels(self, categories: list[int], site: Site) -> list[Levels]:
        """Return the levels of the columns of categories."""
        if self.columns:
            return levels_in(self.columns, categories)
        held: Any = self.tables or self.arrays
        return joined(site.collect(partial(levels_in_part, load=held.load, categories=categories), held.parts))

    def blocks(self, coding: Coding, sample_weight: Any, site: Site, *, keep: bool) -> Blocks:
        """Return the matrices that the coding makes as blocks."""
        names = [self.said[at] for at in coding.order]
        if self.tables is not None:
            no_weight(sample_weight, "files or a Dask DataFrame")
            return self.tables.blocks(partial(coded, coding=coding), names, site=site, keep=keep)
        if self.arrays is not None:
            held, made = np.empty((0, len(names))), partial(coded, coding=coding)
            return replace(self.arrays, load=made, n_features=len(names), names=tuple(names), held=held)
        matrix = coding.matrix(self.columns)
        refuse_odd(matrix, names)
        weight = None if sample_weight is None else _weights(sample_weight, matrix)
        return blocks_of(matrix, weight, missing=True)


class TakesCategories(Clusterer):
    """An estimator whose rows may hold categories: ``categorical`` names or counts out columns beside those by type.

    A model keeps the positions of the columns of categories and the levels of each, none where numbers stay what they
    are. ``numbers_first``: the columns of categories come last in a matrix; ``codes_numbers``: numbers that are
    categories are coded like words.
    """

    categorical: Any
    levels_: dict[str, Any]
    category_columns_: list[int]
    numbers_first: ClassVar[bool] = False
    codes_numbers: ClassVar[bool] = False
    coding: ClassVar[tuple[str, ...]] = ("levels_", "category_columns_")

    @property
    def _mixed(self) -> bool:
        """Return whether the parameters allow categories."""
        return True

    def _blocks(self, x: Any, sample_weight: Any, site: Site, *, reset: bool) -> Blocks:
        source = self._source(x, sample_weight, site, reset=reset) if self._mixed else None
        if source is not None and reset:
            self._learn_levels(source, site)
        if source is None or not any(map(len, self.levels_.values())):
            blocks = super()._blocks(x, sample_weight, site, reset=reset)
            if reset and (source is None or source.names is None):
                names = tuple(map(str, range(blocks.n_features)))
                self.levels_, self.category_columns_ = {}, category_columns(names, self._given(), ())
            return blocks
        self._match(source.width, source.names, reset=reset)
        return source.blocks(self._coding(source.width), sample_weight, site, keep=reset)

    def _given(self) -> Any:
        return self.categorical if self._mixed else None

    def _source(self, x: Any, sample_weight: Any, site: Site, *, reset: bool) -> Source | None:
        """Return rows to be coded; None for an array of numbers, none of which needs a code."""
        learnt = None if reset else getattr(self, "feature_names_in_", None)
        if not reset and not any(map(len, self.levels_.values())):
            return None
        if is_files(x):
            x = [path for each in (x if isinstance(x, list) else [x]) for path in found(each)]
        if is_files(x) or (is_dask(x) and hasattr(x, "columns")):
            tables = tables_of(x, learnt, site=site)
            by_type = tuple(tables.names.index(name) for name in tables.words)
            return Source(len(tables.names), tables.names, by_type, tables=tables)
        table = nw.from_native(x, pass_through=True)
        if isinstance(table, nw.DataFrame | nw.LazyFrame):
            return self._source_of_table(x)
        return self._source_of_array(x, sample_weight, site, reset=reset)

    def _source_of_table(self, x: Any) -> Source | None:
        if (held := holder(x)) is not None and held.name != "cpu":
            schema = nw.from_native(x).collect_schema()
            if any(not (kind.is_numeric() or kind == nw.Boolean) for kind in schema.values()):
                raise UnsupportedOnBackend(f"X is a table of categories on {held.name!r}; pass it on the host")
            return None
        frame = open_table(x).eager().to_polars()
        by_type = tuple(at for at, kind in enumerate(frame.dtypes) if kind in WORDS)
        return Source(frame.width, tuple(frame.columns), by_type, tuple(frame.get_columns()))

    def _source_of_array(self, x: Any, sample_weight: Any, site: Site, *, reset: bool) -> Source | None:
        if (self.categorical is None) if reset else not self.category_columns_:
            held = holder(x)
            on_host = not is_dask(x) and (held is None or held.name == "cpu")
            if (kind := getattr(getattr(x, "dtype", None), "kind", "f")) in OF_WORDS and is_dask(x):
                raise InvalidInput(
                    f"X is a Dask array of kind {kind!r}, which may hold words; give categorical=[...], the positions "
                    "of the columns that do"
                )
            if words := columns_of_words(array_of(x)) if on_host else []:
                raise InvalidInput(f"X is an array that holds words in columns {words}; give categorical={words}")
            return None
        if is_dask(x):
            blocks = blocks_of(x, sample_weight, site=site)
            return Source(blocks.n_features, None, arrays=blocks) if self.codes_numbers else None
        if (held := holder(x)) is not None and held.name != "cpu":
            if self.codes_numbers:
                raise UnsupportedOnBackend(f"X is an array of categories on {held.name!r}; pass it on the host")
            return None
        array = array_of(x)
        if array.ndim != 2 or not len(array):  # noqa: PLR2004 - a matrix
            raise InvalidInput(f"X has shape {array.shape}; pass rows and columns")
        if array.dtype.kind in "biuf":
            if not self.codes_numbers:
                return None
            array = self._array(x, reset=reset)
        return Source(array.shape[1], None, columns=tuple(columns_of(array)))

    def _learn_levels(self, source: Source, site: Site) -> None:
        """Keep which columns hold categories, and the levels of those that are to be coded."""
        self.category_columns_ = category_columns(source.said, self.categorical, source.by_type)
        self.levels_ = {}
        for at, column in enumerate(source.columns):
            if at not in self.category_columns_:
                refuse_no_numbers(column)
        if not self.category_columns_:
            return
        for at, levels in zip(self.category_columns_, source.levels(self.category_columns_, site), strict=True):
            kept = not self.codes_numbers and not levels.words
            self.levels_[source.said[at]] = np.empty(0, dtype=str) if kept else levels.in_order

    def _coding(self, width: int) -> Coding:
        """Return how columns become a matrix."""
        order, last = list(range(width)), self.category_columns_
        if self.numbers_first:
            order = [at for at in order if at not in last] + last
        return Coding(tuple(last), tuple(self.levels_.values()), tuple(order))
