"""Tables in parts whose columns are no matrix yet: of Parquet files the row groups, of Dask DataFrames the partitions.

``made`` turns the rows of a part into a matrix where the part is, and can be pickled.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gpuseg.backends import Array, holder
from gpuseg.engines.blocks import Blocks
from gpuseg.engines.inputs import is_files, without_empty
from gpuseg.engines.sites import Site
from gpuseg.errors import UnsupportedOnBackend

Made = Callable[[Any], Array]


class Tables(NamedTuple):
    """Parts that are not loaded, how to load one as a table of the columns ``names``, and which hold no numbers.

    ``words``: the columns of text, categories, and true and false. ``sizes``: the rows of each part, none of them where
    nobody counted. ``lazy``: whether the parts are those of a Dask collection.
    """

    parts: Sequence[Any]
    load: Callable[[Any], Any]
    names: tuple[str, ...]
    words: tuple[str, ...]
    sizes: tuple[int, ...]
    lazy: bool

    def blocks(self, made: Made, names: Sequence[str], *, site: Site, keep: bool) -> Blocks:
        """Return the matrices that ``made`` gives of the loaded parts as blocks; ``names`` are their columns'.

        ``keep``: the rows of a DataFrame are counted, and the matrices held where they are.
        """
        load, width, weights = partial(_made, load=self.load, made=made), len(names), [None] * len(self.parts)
        if self.lazy:
            from gpuseg.engines.frames import blocks_of_parts

            return blocks_of_parts(self.parts, load, tuple(names), np.empty((0, width)), site=site, keep=keep)
        nbytes = 8.0 * sum(self.sizes) * width
        return without_empty(Blocks(self.parts, weights, load, width, nbytes, self.sizes, tuple(names)))


def _made(part: Any, load: Callable[[Any], Any], made: Made) -> Array:
    return made(load(part))


def tables_of(x: Any, names: Sequence[str] | None, *, site: Site) -> Tables:
    """Return the parts of Parquet files (a path or a list of paths) or of a Dask DataFrame, on the host.

    ``names`` are the columns that a fitted model needs, else all are taken. Raises InvalidFile and InvalidInput as
    ``blocks_of`` does, and UnsupportedOnBackend for a DataFrame on a device.
    """
    if is_files(x):
        from gpuseg.engines.parquet import read_table, row_groups

        parts, sizes, first = row_groups(x, names, site=site, numbers=False)
        wanted = first.names if names is None else tuple(names)
        words = tuple(name for name in wanted if name in first.words)
        return Tables(parts, read_table, wanted, words, sizes, lazy=False)
    from gpuseg.engines.frames import selected, words_in

    meta = x._meta  # noqa: SLF001 - Dask's own way to ask for an empty frame like the partitions
    if (held := holder(meta)) is not None and held.name != "cpu":
        raise UnsupportedOnBackend(f"X is a table of categories on {held.name!r}; pass it on the host")
    wanted = tuple(map(str, x.columns)) if names is None else tuple(names)
    load = partial(selected, names=wanted)
    return Tables(x.to_delayed(), load, wanted, words_in(load(meta)), (), lazy=True)
