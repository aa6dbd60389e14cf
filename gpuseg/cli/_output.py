"""What commands print: one JSON object, or short tables for people."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from gpuseg.cli._types import neighbours
from gpuseg.errors import InvalidFile, InvalidModel
from gpuseg.io.model import ENDINGS
from gpuseg.io.outputs import check_apart, check_folder, existing
from gpuseg.io.write import WRITTEN, check_writable
from gpuseg.io.write_parts import check_parts_writable, refuse_foreign
from gpuseg.notebook import heading, shown

REPORTS = (".html", ".md")
MOST = 8
"""Columns of a profile that fit a terminal; the rest is in the model and in the JSON."""


def give(options: argparse.Namespace, result: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Print the result as asked: JSON, text, or nothing."""
    if options.json:
        print(json.dumps(result, default=str, allow_nan=False, ensure_ascii=False))
    elif not options.quiet:
        print("\n".join(lines))


def check_output(
    path: Path, *sources: str | Path, endings: tuple[str, ...] = WRITTEN, made: Path | None = None
) -> None:
    """Raise InvalidFile where an output cannot come to stand, before the work; ``made``: a folder yet to be made."""
    if path.is_dir():
        raise InvalidFile(f"{path} is a folder; give the name of a file in it, as {path / f'out{endings[0]}'}")
    inside = made is not None and path.absolute().parent == made.absolute()
    check_writable(existing(path.absolute().parent) / path.name if inside else path, endings)
    check_apart(path, *sources)


def check_table_output(options: argparse.Namespace, path: Path, *sources: str | Path) -> None:
    """Raise InvalidFile where a table cannot come to stand, before the work: a file, or the folder of the workers."""
    if options.workers or options.scheduler:
        check_parts_writable(path)
        check_apart(path, *sources)
    else:
        check_output(path, *sources)


def check_new_folder(path: Path, files: Sequence[Path], *sources: str | Path) -> None:
    """Raise InvalidFile where a folder of outputs cannot come to stand, before the work."""
    if path.suffix.lower() in (*WRITTEN, *ENDINGS, *REPORTS) and not path.exists():
        raise InvalidFile(f"{path} is named as a file, and a folder of files is written; give a folder's name, as out")
    check_folder(path)
    for file in files:
        check_apart(file, *sources)
        refuse_foreign(file)


def check_model(path: Path) -> None:
    """Raise InvalidModel where a model cannot be read from, with the file that may be meant."""
    if path.is_dir():
        within = sorted(path.glob("*.gpuseg"))[:1]
        hint = f"; did you mean '{within[0]}'?" if within else ""
        raise InvalidModel(f"{path} is a folder; give a model file, which ends in .gpuseg{hint}")
    if not path.exists():
        raise InvalidModel(f"{path} does not exist; check the path{neighbours(path)}")


def profile_lines(profile: pl.DataFrame, called: Mapping[int, str]) -> list[str]:
    """Return the profile as lines of aligned columns; ``called``: what segments are called."""
    names = [name for name in profile.columns if not name.endswith("_median")][: MOST + 2]
    rows = [[shown(name, row[name]) for name in names] for row in profile.iter_rows(named=True)]
    table = [[heading(name).removesuffix(", mean") for name in names], *rows]
    lines = aligned(with_names(table, profile["segment"].to_list(), called))
    left = sum(not name.endswith("_median") for name in profile.columns) - len(names)
    return [*lines, f"(columns not shown here: {left}; --json has them)"] if left > 0 else lines


def with_names(table: Sequence[Sequence[str]], segments: Sequence[int], called: Mapping[int, str]) -> list[list[str]]:
    """Return a table of a heading and a row a segment with the segments' names behind their numbers.

    >>> with_names([["segment", "size"], ["0", "9"]], [0], {0: "Regulars"})
    [['segment', 'name    ', 'size'], ['0', 'Regulars', '9']]
    """
    names = ["name", *(called.get(segment, "") for segment in segments)]
    width = max(map(len, names))
    return [[first, name.ljust(width), *rest] for (first, *rest), name in zip(table, names, strict=True)]


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
