"""The command that runs the table.

    python -m benchmarks [NAME ...] [--backend cpu cuda] [--repeats 2] [--minutes 15] [--json OUT]

NAME is a row of the table, or the beginning of several ("kmeans", "sweep"); without one every row runs that is not long
and needs no file. No row begins after ``--minutes``. ``--data`` is the folder of the labelled sets, ``--practice`` a
practitioner's script, of which ``make FILE`` wrote the transactions to ``--transactions``. ``--repeats 0`` runs each
contender once, where scores are asked for and not times.
"""

import argparse
import math
import sys
import time
from pathlib import Path

from benchmarks.harness import Benchmark, as_json, compared, printed
from benchmarks.table import TABLE
from gpuseg import config
from gpuseg.backends import get_backend
from gpuseg.errors import BackendUnavailable

FILES = ("data", "practice", "transactions")


def options_of() -> argparse.Namespace:
    """Return the options of the command line; end with a sentence where a backend cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    for option in (*FILES, "json"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--backend", nargs="+", default=["cpu"], choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=math.inf)
    options = parser.parse_args()
    if unknown := [name for name in options.names if not any(row.name.startswith(name) for row in TABLE)]:
        parser.error(f"no row begins with {unknown[0]!r}; rows are: {'; '.join(row.name for row in TABLE)}")
    if options.repeats < 0:
        parser.error(f"--repeats is {options.repeats}; give at least 0")
    try:
        for name in options.backend:
            get_backend(name)
    except BackendUnavailable as error:
        parser.error(str(error))
    return options


def chosen(options: argparse.Namespace) -> list[Benchmark]:
    """Return the rows that were asked for; say which are left out, and why."""
    rows = (
        [row for row in TABLE if any(row.name.startswith(name) for name in options.names)]
        if options.names
        else [row for row in TABLE if not row.long]
    )
    lacking = {row.name: [need for need in row.needs if not getattr(options, need)] for row in rows}
    for name, needs in lacking.items():
        if needs:
            print(f"{name} is left out: give {' and '.join(f'--{need}' for need in needs)}", file=sys.stderr)
    return [row for row in rows if not lacking[row.name]]


def main() -> None:
    """Run the rows, print each, and keep all as JSON."""
    options = options_of()
    found, began = [], time.monotonic()
    with config(notices="off", progress=False):
        for row in chosen(options):
            if time.monotonic() - began > 60 * options.minutes:
                print(f"{row.name} is left out: --minutes {options.minutes:g} are over", file=sys.stderr)
                continue
            found.append(compared(row, options, options.repeats))
            print(printed(found[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(as_json(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
