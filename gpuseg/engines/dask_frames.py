"""Dask DataFrames as parts of a table, and back."""

from typing import Any

from dask import dataframe as dd


def partitions_of(frame: Any) -> tuple[list[Any], Any]:
    """Return the partitions of a Dask DataFrame, each a task, and an empty frame like them."""
    return frame.to_delayed(), frame._meta  # noqa: SLF001 - Dask's own way to ask for it


def frame_of(parts: Any, like: Any) -> Any:
    """Return the Dask DataFrame whose partitions the parts are, frames of pandas or cuDF; ``like`` is an empty one."""
    # Whole numbers with a gap are floats to pandas, in the partitions with a gap.
    return dd.from_delayed(parts.tasks(), meta=like, verify_meta=False, prefix="gpuseg")
