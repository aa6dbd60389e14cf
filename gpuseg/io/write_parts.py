"""A table in parts as a folder: a Parquet file a part, written where the part is, and a manifest last."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import narwhals as nw

from gpuseg.engines.blocks import itself
from gpuseg.engines.parts import Parts
from gpuseg.errors import InvalidFile, listed
from gpuseg.io.write import check_writable, whole

MANIFEST = "_manifest.json"
"""Begins with an underscore, as what readers of Parquet folders pass over."""
FORMAT = "gpuseg parts 1"
ENDING = ".parquet"


class Written(NamedTuple):
    """What was written of a part: its rows, and its columns with their types."""

    rows: int
    columns: dict[str, str]


def write_parts(parts: Parts, folder: Path) -> Path:
    """Write each part where it is, as a Parquet file of a new folder, and the manifest last; return the folder.

    Raises InvalidFile where a worker cannot write there, or to another disk than this process sees.
    """
    try:
        folder.mkdir()
    except OSError as error:
        raise InvalidFile(f"{folder} cannot be made ({error.strerror}); choose another place") from error
    paths = [folder / f"part-{number:05}{ENDING}" for number in range(parts.count)]
    found: list[Written] = parts.along([str(path.absolute()) for path in paths], write_part).collect(itself)
    if unseen := [path.name for path in paths if not path.exists()]:
        raise InvalidFile(
            f"{folder} got {listed(unseen, most=3)} from workers and is without them here; write to a folder that all "
            "workers share with this process"
        )
    about = {
        "format": FORMAT,
        "gpuseg": version("gpuseg"),
        "rows": sum(one.rows for one in found),
        "columns": found[0].columns,
        "parts": {path.name: one.rows for path, one in zip(paths, found, strict=True)},
    }
    with whole(folder / MANIFEST) as file:
        file.write(json.dumps(about, indent=1).encode())
    return folder


def write_part(part: nw.DataFrame[Any], path: str) -> Written:
    """Write one part, whole or not at all: a task that runs again replaces what an earlier run left."""
    place = Path(path)
    if not place.parent.is_dir():
        from gpuseg.engines.sites import here

        raise InvalidFile(
            f"{here()} cannot see {place.parent}; write to a folder that every worker reaches under the same path"
        )
    frame = part.to_polars()
    with whole(place) as file:
        frame.write_parquet(file)
    return Written(frame.height, {name: str(kind) for name, kind in frame.schema.items()})


def check_parts_writable(path: Path) -> None:
    """Raise InvalidFile where a folder of parts cannot come to stand."""
    if path.suffix.lower() not in ("", ENDING):
        raise InvalidFile(
            f"{path} ends in {path.suffix!r}, and a table on workers is written as a folder of Parquet files; give a "
            f"name that ends in {ENDING}"
        )
    refuse_foreign(path)
    if not path.is_dir():
        check_writable(path, ("", ENDING))


def refuse_foreign(path: Path) -> None:
    """Raise InvalidFile where a folder that is not ours is in the way of an output."""
    if path.is_dir() and not is_ours(path):
        raise InvalidFile(f"{path} is a folder that gpuseg did not write; give another name, or move it away")


def is_ours(folder: Path) -> bool:
    """Return whether a folder is one that ``write_parts`` wrote."""
    return manifest_of(folder) is not None


def check_whole(folder: Path) -> None:
    """Raise InvalidFile where a folder of ours lacks parts that its manifest lists."""
    listing = manifest_of(folder)
    if listing is None:
        return
    if lacking := [name for name in listing["parts"] if not (folder / name).is_file()]:
        raise InvalidFile(
            f"{folder} lacks {listed(lacking, most=3)} of the {len(listing['parts'])} parts that it was written with; "
            "copy it again, or write it again"
        )


def manifest_of(folder: Path) -> Mapping[str, Any] | None:
    """Return the manifest of a folder of ours, None of any other."""
    path = folder / MANIFEST
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("format") == FORMAT else None
