"""The files of data sets: paths as a user gives them, and tables that come in parts, written part by part."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from gpuseg.errors import InvalidInput


def place(path: Any) -> str:
    """Return a path as text, ``~`` taken as the user's home; raise InvalidInput for what is no path.

    >>> place("shop/events.parquet")
    'shop/events.parquet'
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
    if not isinstance(text, str) or not text or "\0" in text:
        got = repr(path) if isinstance(path, str) else f"a {type(path).__name__}"
        raise InvalidInput(f"{got} is no path; give the name of a file or folder as text or a pathlib.Path")
    return os.path.expanduser(text)  # noqa: PTH111 - Path's own raises for an unknown user


def write_parts(parts: Iterable[Mapping[str, pl.DataFrame]], paths: Mapping[str, Path]) -> dict[str, int]:
    """Write the tables of every part, a file a table and a row group a part; return the rows of each table.

    What is half written stays where it is on an error: give paths of ``io.outputs.together``.

    >>> import tempfile
    >>> paths = {"a": Path(tempfile.mkdtemp(), "a.parquet")}
    >>> write_parts([{"a": pl.DataFrame({"x": [1]})}, {"a": pl.DataFrame({"x": [2, 3]})}], paths)
    {'a': 3}
    >>> pl.read_parquet(paths["a"])["x"].to_list()
    [1, 2, 3]
    """
    rows: Counter[str] = Counter()
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for part in parts:
            for name, path in paths.items():
                table = part[name].to_arrow(compat_level=pl.CompatLevel.oldest())
                if name not in writers:
                    writer = pq.ParquetWriter(path, table.schema, compression="zstd")
                    writers[name] = stack.enter_context(writer)
                writers[name].write_table(table)
                rows[name] += table.num_rows
    return dict(rows)
