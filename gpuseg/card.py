"""The model card: what a person wants to know of a model, as plain values; aggregates only."""

import datetime as dt
import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import polars as pl

from gpuseg.backends import Host

LIBRARIES = (
    "gpuseg", "numpy", "scikit-learn", "polars", "narwhals", "cupy-cuda12x", "cupy-cuda13x", "cuml-cu12", "cuml-cu13"
)  # fmt: skip
TYPES: Mapping[str, Any] = {"Int32": pl.Int32, "Int64": pl.Int64, "Float64": pl.Float64, "String": pl.String}
DATE = "Datetime"


def versions() -> dict[str, str]:
    """Return the versions of Python, of gpuseg and of the libraries that are here."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def fingerprint(raw: Host, names: Sequence[str]) -> str:
    """Return a SHA-256 of the columns' names and of the rows' values, whatever the order of the rows.

    >>> raw = np.array([[1.0, 2.0], [3.0, np.nan]])
    >>> fingerprint(raw, ["a", "b"]) == fingerprint(raw[::-1], ["a", "b"]) != fingerprint(raw, ["a", "c"])
    True
    """
    ordered = raw[np.lexsort(raw.T[::-1])] if raw.size else raw
    # Zero has two signs and NaN many forms: one each.
    plain = np.where(np.isnan(ordered), np.nan, ordered + 0.0)
    digest = hashlib.sha256("\0".join(names).encode())
    digest.update(np.ascontiguousarray(plain).tobytes())
    return digest.hexdigest()


def profile_state(profile: pl.DataFrame) -> dict[str, Any]:
    """Return a profile as plain values: names, types, and a list a column (dates in ISO 8601)."""
    plain = profile.with_columns(pl.col(pl.Datetime).dt.to_string("iso:strict"))
    types = [DATE if isinstance(dtype, pl.Datetime) else str(dtype) for dtype in profile.dtypes]
    return {"names": profile.columns, "types": types, "values": [column.to_list() for column in plain.get_columns()]}


def profile_of(state: Mapping[str, Any]) -> pl.DataFrame:
    """Return the profile that ``profile_state`` was taken of."""
    columns = []
    for name, kind, values in zip(state["names"], state["types"], state["values"], strict=True):
        series = pl.Series(name, values, dtype=TYPES.get(kind, pl.String))
        columns.append(series.str.to_datetime(time_unit="us") if kind == DATE else series)
    return pl.DataFrame(columns)


def now() -> str:
    """Return the time of day in UTC, ISO 8601, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
