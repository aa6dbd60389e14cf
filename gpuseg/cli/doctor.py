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
    from gpuseg.planning import plan

    found = driver()
    # Before anything is loaded: what is loaded has no start-up left.
    planned = plan(algorithm, rows, columns)
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "free_memory": get_backend("cpu").free_memory(),
        "versions": versions((*CARD_LIBRARIES, *LIBRARIES)),
        "driver": None if found is None else found._asdict() | {"gpus": [gpu._asdict() for gpu in found.gpus]},
        "backends": {name: trouble(name) for name in KNOWN},
        "plan": planned.to_dict(),
        "install": advice(found, KNOWN["cuda"].missing(), platform.system()),
    }


def trouble(name: str) -> str | None:
    """Return why a backend cannot be used, None where it can: it is loaded to find out."""
    from gpuseg.backends import KNOWN, get_backend
    from gpuseg.errors import GpusegError

    if (why := KNOWN[name].missing()) is not None:
        return why
    try:
        get_backend(name)
    # A GPU library that is installed and broken fails in its own ways as it is loaded: the doctor's to tell.
    except (GpusegError, ImportError, OSError, RuntimeError) as error:
        return " ".join(str(error).split())
    return None


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
    from gpuseg.backends import size
    from gpuseg.planning import Plan

    driver, planned = facts["driver"], str(Plan.of(facts["plan"])).splitlines()
    usable = [f"{name}: {'usable' if why is None else f'no, {why}'}" for name, why in facts["backends"].items()]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items() if name != "python")
    host = f"{facts['cores']} cores, {size(facts['free_memory'])} of memory free"
    return [
        f"machine   Python {facts['python']} on {facts['system']}; {host}",
        f"versions  {versions}",
        *(f"GPU       {line}" for line in _gpu_lines(driver)),
        *(f"backend   {line}" for line in usable),
        *(f"{word:9} {line}" for word, line in zip(("plan", *[""] * len(planned)), planned, strict=False)),
        f"install   {facts['install']}",
    ]


def _gpu_lines(driver: dict[str, Any] | None) -> list[str]:
    if driver is None or not driver["gpus"]:
        return ["none found" if driver is None else f"none; driver {driver['version']} lists no device"]
    from gpuseg.backends import size

    about = f"driver {driver['version']}, for CUDA {'.'.join(map(str, driver['cuda']))}"
    sizes = [f", {size(g['memory'])}, {size(g['free'])} free" if g["memory"] else "" for g in driver["gpus"]]
    return [f"{gpu['name']}{size}; {about}" for gpu, size in zip(driver["gpus"], sizes, strict=True)]
