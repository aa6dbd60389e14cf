"""What commands print: one JSON object, or short tables for people."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from gpuseg.notebook import heading, shown

MOST = 8
"""Columns of a profile that fit a terminal; the rest is in the model and in the JSON."""


def give(options: argparse.Namespace, result: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Print the result as asked: JSON, text, or nothing."""
    if options.json:
        print(json.dumps(result, default=str, allow_nan=False, ensure_ascii=False))
    elif not options.quiet:
        print("\n".join(lines))


def profile_lines(profile: pl.DataFrame) -> list[str]:
    """Return the profile as lines of aligned columns."""
    names = [name for name in profile.columns if not name.endswith("_median")][: MOST + 2]
    rows = [[shown(name, row[name]) for name in names] for row in profile.iter_rows(named=True)]
    lines = aligned([[heading(name).removesuffix(", mean") for name in names], *rows])
    left = sum(not name.endswith("_median") for name in profile.columns) - len(names)
    return [*lines, f"(columns not shown here: {left}; --json has them)"] if left > 0 else lines


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of text with their columns right-aligned.

    >>> aligned([["a", "size"], ["10", "2"]])
    [' a  size', '10     2']
    """
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def rows_of(profile: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the profile as JSON can hold it."""
    return profile.with_columns(pl.col(pl.Datetime).dt.to_string("iso")).to_dicts()
