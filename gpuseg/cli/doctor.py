"""``gpuseg doctor``: what is here, what ``auto`` would choose and why, and what to install."""

import argparse
import os
import platform
from typing import TYPE_CHECKING, Any

from gpuseg.cli._arguments import ALGORITHMS, add_word
from gpuseg.cli._parser import Command
from gpuseg.cli._types import count

if TYPE_CHECKING:
    from gpuseg.backends.devices import Driver

HELP = "Show what is here, what backend 'auto' takes and why, and what to install."
USAGE = "[options]"
EXAMPLE = "--rows 1000000 --columns 10"
LIBRARIES = (
    "pyarrow", "pandas", "scipy", "numba", "dask", "distributed", "dask-cuda", "cudf-cu12", "cudf-cu13",
)  # fmt: skip
"""Those that matter beside the ones that every model card names."""
TRIED = range(2, 13)
"""The numbers of segments that ``--k auto`` tries: the solver of k-means depends on them."""
NUMBER = 8
"""Bytes of a number in the matrix, float64."""
UNITS = ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0))
"""Units of memory and the digits that are shown after the point."""
RAPIDS_MAJORS = (13, 12)
"""Majors of CUDA that there are extras for, the newest first."""


def add(command: Command) -> None:
    """Add the command's arguments."""
    command.add_argument("--rows", type=count, default=1_000_000, metavar="N", help="customers (default: 1,000,000)")
    command.add_argument("--columns", type=count, default=10, metavar="D", help="columns (default: 10)")
    add_word(command, "--algorithm", *ALGORITHMS, default="kmeans", help="the algorithm to ask for (default: kmeans)")


def run(options: argparse.Namespace) -> None:
    """Print what was found."""
    from gpuseg.cli._output import give

    facts = facts_of(options.algorithm, rows=options.rows, columns=options.columns)
    give(options, facts, lines_of(facts))


def facts_of(algorithm: str, *, rows: int, columns: int) -> dict[str, Any]:
    """Return what is known of this machine, and what a fit of this size would run on."""
    from gpuseg.backends import KNOWN, get_backend
    from gpuseg.backends.devices import driver
    from gpuseg.card import LIBRARIES as CARD_LIBRARIES
    from gpuseg.card import versions

    found = driver()
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "free_memory": get_backend("cpu").free_memory(),
        "versions": versions((*CARD_LIBRARIES, *LIBRARIES)),
        "driver": None if found is None else found._asdict() | {"gpus": [gpu._asdict() for gpu in found.gpus]},
        "backends": {name: known.missing() for name, known in KNOWN.items()},
        "auto": {"algorithm": algorithm, "rows": rows, "columns": columns, **chosen(algorithm, rows, columns, found)},
        "install": advice(found, KNOWN["cuda"].missing(), platform.system()),
    }


def chosen(algorithm: str, rows: int, columns: int, found: "Driver | None") -> dict[str, Any]:
    """Return what "auto" takes for data on the host, why, and the memory of the matrix beside what is free."""
    from gpuseg.backends import choose
    from gpuseg.errors import GpusegError

    try:
        choice = choose(None, fit=algorithm)
    # A GPU library that is installed and broken fails in its own ways as it is loaded: the doctor's to tell.
    except (GpusegError, ImportError, OSError, RuntimeError) as error:
        return {"backend": None, "reason": " ".join(str(error).split())}
    gpu = found.gpus[0].free if choice.backend.name == "cuda" and found and found.gpus else None
    free = gpu if gpu is not None else choice.backend.free_memory()
    told = {"backend": choice.backend.name, "reason": choice.reason, "matrix": rows * columns * NUMBER, "free": free}
    if algorithm != "kmeans":
        return told
    vendor = [k for k in TRIED if choice.backend.vendor_lloyd_wins(rows, k, columns)]
    return {**told, "solver": "vendor" if len(vendor) == len(TRIED) else "lloyd" if not vendor else "by k"}


def advice(found: "Driver | None", missing: str | None, system: str) -> str:
    """Return what to install, in a sentence.

    >>> from gpuseg.backends.devices import Driver, Gpu
    >>> advice(Driver("580.65", (13, 0), (Gpu("L4", None, None),)), "cuML is not installed; ...", "Linux")
    "pip install 'gpuseg[cuda13]' makes the GPU usable"
    """
    if found is None or not found.gpus:
        return "nothing: without an NVIDIA GPU everything runs on the CPU"
    if missing is None:
        return "nothing: the GPU is usable"
    if system != "Linux":
        return f"nothing here: RAPIDS runs on Linux, or on Windows in WSL 2, and this is {system}"
    if "not installed" not in missing:
        return f"nothing, but mend this: {missing}"
    major = next((major for major in RAPIDS_MAJORS if found.cuda[0] >= major), None)
    if major is None:
        return f"a newer NVIDIA driver, for CUDA {RAPIDS_MAJORS[-1]} or later; this one is for {found.cuda[0]}"
    return f"pip install 'gpuseg[cuda{major}]' makes the GPU usable"


def lines_of(facts: dict[str, Any]) -> list[str]:
    """Return what a person reads."""
    auto, driver = facts["auto"], facts["driver"]
    usable = [f"{name}: {'usable' if why is None else f'no, {why}'}" for name, why in facts["backends"].items()]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items() if name != "python")
    host = f"{facts['cores']} cores, {_size(facts['free_memory'])} of memory free"
    return [
        f"machine   Python {facts['python']} on {facts['system']}; {host}",
        f"versions  {versions}",
        *(f"GPU       {line}" for line in _gpu_lines(driver)),
        *(f"backend   {line}" for line in usable),
        f"auto      {auto['algorithm']} of {auto['rows']:,} customers with {auto['columns']:,} columns: {_taken(auto)}",
        f"install   {facts['install']}",
    ]


def _gpu_lines(driver: dict[str, Any] | None) -> list[str]:
    if driver is None or not driver["gpus"]:
        return ["none found" if driver is None else f"none; driver {driver['version']} lists no device"]
    about = f"driver {driver['version']}, for CUDA {'.'.join(map(str, driver['cuda']))}"
    sizes = [f", {_size(g['memory'])}, {_size(g['free'])} free" if g["memory"] else "" for g in driver["gpus"]]
    return [f"{gpu['name']}{size}; {about}" for gpu, size in zip(driver["gpus"], sizes, strict=True)]


def _taken(auto: dict[str, Any]) -> str:
    if auto["backend"] is None:
        return f"no backend; {auto['reason']}"
    solver = f", solver {auto['solver']!r}" if "solver" in auto else ""
    size = f"the matrix takes {_size(auto['matrix'])}, {_size(auto['free'])} are free"
    room = "" if auto["matrix"] < auto["free"] else ": it does not fit, use fewer rows or columns"
    return f"backend {auto['backend']!r}{solver}; {auto['reason']}; {size}{room}"


def _size(count: int) -> str:
    """Return bytes in words.

    >>> _size(80_000), _size(80_000_000), _size(3_500_000_000)
    ('80 kB', '80 MB', '3.5 GB')
    """
    scale, unit, digits = next((row for row in UNITS if count >= row[0]), UNITS[-1])
    return f"{count / scale:,.{digits}f} {unit}"
