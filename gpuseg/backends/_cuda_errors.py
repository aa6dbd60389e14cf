"""What cuML raises, in a sentence of ours."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from gpuseg.backends._attempt import LONGEST, ran_out
from gpuseg.errors import GpusegError, UnsupportedOnBackend

Given = ParamSpec("Given")
Found = Mapping[str, Any]


def told(fit: Callable[Given, Found]) -> Callable[Given, Found]:
    """Return a fit whose library's errors are UnsupportedOnBackend; memory that ran out is the caller's to mend."""

    @wraps(fit)
    def telling(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        try:
            return fit(*args, **kwargs)
        except (RuntimeError, ValueError, TypeError) as error:
            if isinstance(error, GpusegError) or ran_out(error):
                raise
            words = " ".join(str(error).split())[:LONGEST]
            name = fit.__name__.partition("_")[2]
            raise UnsupportedOnBackend(f"backend='cuda' failed at {name!r} ({words}); use backend='cpu'") from error

    return telling
