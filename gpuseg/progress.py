"""A bar for long work: in a terminal and in a notebook, and nothing in CI or a log."""

import os
import sys
from collections.abc import Iterable, Sized
from importlib.util import find_spec
from typing import TypeVar

from gpuseg.settings import settings

T = TypeVar("T")


def bar(items: Iterable[T], label: str) -> Iterable[T]:
    """Return the items, with a bar that counts them where somebody watches."""
    if not watched():
        return items
    if find_spec("ipywidgets"):
        from tqdm.auto import tqdm
    else:  # the other one would complain of that in a notebook
        from tqdm.std import tqdm

    total = len(items) if isinstance(items, Sized) else None
    return tqdm(items, desc=label, total=total, leave=False, file=sys.stderr, delay=0.5)


def watched() -> bool:
    """Return whether a person sees bars here: as set, else in a terminal or a notebook outside CI."""
    if (wanted := settings().progress) is not None:
        return wanted
    return not os.environ.get("CI") and (sys.stderr.isatty() or "ipykernel" in sys.modules)
