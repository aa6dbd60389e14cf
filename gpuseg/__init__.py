"""GPU-accelerated customer segmentation: the public names, loaded when they are first used."""

import importlib
from typing import TYPE_CHECKING, Any

from gpuseg.settings import config

if TYPE_CHECKING:
    from gpuseg.io import read_table, write_table

__version__ = "0.1.0"

_HOMES = {
    "read_table": "gpuseg.io",
    "write_table": "gpuseg.io",
}
"""Where each public name lives; importing gpuseg loads none of these."""

__all__ = ["__version__", "config", "read_table", "write_table"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gpuseg' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
