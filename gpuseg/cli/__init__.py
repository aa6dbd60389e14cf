"""The command line: one file a command, one line of error for what the user can mend.

Exit codes: 0 done; 2 something that the user can mend; 130 interrupted; 1 anything else.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Literal

from gpuseg.cli._arguments import FIRST_STEPS, parser
from gpuseg.cli._parser import UsageError
from gpuseg.cli._words import in_options
from gpuseg.errors import FewerSegments, GpusegError
from gpuseg.settings import config, worded

MENDABLE = 2
INTERRUPTED = 130

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        print(FIRST_STEPS, end="", file=sys.stderr)
        return MENDABLE
    options = argparse.Namespace()
    try:
        options = parser().parse_args(given)
        notices: Literal["off", "stderr"] = "off" if options.quiet else "stderr"
        told = worded(partial(in_options, given=options))
        with warnings.catch_warnings(), config(notices=notices, progress=_bars(options)), told:
            warnings.simplefilter("error", FewerSegments)
            options.run(options)
            if sys.stdout is not None:  # it is None where the shell closed it
                sys.stdout.flush()
    except (FewerSegments, GpusegError, UsageError) as error:
        return _refused(error, options)
    except KeyboardInterrupt:
        print("gpuseg: interrupted; no output was written", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        return _unwritten(error)
    return 0


def _refused(error: Exception, options: argparse.Namespace) -> int:
    """Print what the user can mend on one line, in the words of the command line; return its exit code."""
    sentence = " ".join(str(error).split())
    if isinstance(error, FewerSegments):  # a warning to Python, where the fit goes on; here nothing is written
        sentence = f"{sentence.partition(';')[0]}; ask for fewer segments"
    told = sentence if isinstance(error, UsageError) else in_options(sentence, options)
    print(f"gpuseg: {told}", file=sys.stderr)
    return MENDABLE


def _unwritten(error: OSError) -> int:
    """Return the exit code of an output that could not be written, and say why."""
    if sys.stdout is not None:  # what is still to be printed goes nowhere: Python would try again, and fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):  # the reader has gone, as in `gpuseg inspect M | head -1`
        return 0
    print(f"gpuseg: {error.strerror or error}; free space, or choose another place", file=sys.stderr)
    return MENDABLE


def _bars(options: argparse.Namespace) -> bool | None:
    return False if options.quiet or options.json else None
