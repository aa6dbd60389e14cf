"""The parser: its commands, the options that commands share, and errors of one line."""

import argparse
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

COMMANDS = ("features", "segment", "run", "predict", "inspect")
"""Each is a file of this folder with HELP, ``add(parser)`` and ``run(options)``."""


class UsageError(Exception):
    """The command line itself is wrong."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and an exception, so that exit codes are decided in one place."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; ``message`` says what is wrong."""
        raise UsageError(f"{message}; see '{self.prog} --help'")


class Once(argparse.Action):
    """Print what is asked for and end: ``--version`` without importing anything for other commands."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print the version and exit with 0."""
        from gpuseg import __version__

        print(f"gpuseg {__version__}")
        parser.exit()


def parser() -> Parser:
    """Return the parser of the whole command line."""
    top = Parser(prog="gpuseg", description="Customer segmentation on a CPU, a GPU or many.", allow_abbrev=False)
    top.add_argument("--version", action=Once, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        module = import_module(f"gpuseg.cli.{name}")
        text = module.HELP
        sub = commands.add_parser(name, help=text.splitlines()[0], description=text, allow_abbrev=False)
        module.add(sub)
        sub.add_argument("--json", action="store_true", help="print the result as one JSON object")
        sub.add_argument("--quiet", action="store_true", help="print nothing but errors")
        sub.set_defaults(run=module.run)
    return top


def add_roles(command: Parser) -> None:
    """Add the options that say how transactions are to be read."""
    roles = command.add_argument_group("columns of the transactions (found by common names where left out)")
    for name in ("customer", "time", "order", "amount", "quantity", "price", "product"):
        roles.add_argument(f"--{name}", metavar="COLUMN")
    roles.add_argument("--time-format", metavar="FORMAT", help="how times in text are written, as in %%d/%%m/%%Y")
    command.add_argument(
        "--as-of", metavar="TIME", help="the moment to count to (default: the day after the newest row)"
    )
    command.add_argument("--returns", choices=("exclude", "net"), help="drop returns, or subtract them from the amount")
    command.add_argument("--drop-duplicates", action="store_true", help="drop rows that repeat another exactly")
    command.add_argument("--set", choices=("rfm", "behaviour", "all"), default="rfm", help="features to work out")


def role_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of ``add_roles`` as arguments of ``customer_features``."""
    names = ("customer", "time", "order", "amount", "quantity", "price", "product", "time_format", "as_of", "returns")
    given = {name: getattr(options, name) for name in names}
    return {**given, "drop_duplicates": options.drop_duplicates, "set": options.set}


def add_segmenting(command: Parser) -> None:
    """Add the options that say how customers are to be segmented."""
    command.add_argument(
        "--columns", type=_names, metavar="a,b", help="columns to segment by (default: all but the id)"
    )
    command.add_argument("--algorithm", choices=("kmeans", "dbscan", "hdbscan"), default="kmeans")
    command.add_argument("--k", type=_k, default="auto", metavar="auto|N", help="how many segments (k-means)")
    command.add_argument("--k-range", type=_range, default=(2, 12), metavar="2:12", help="what --k auto tries")
    command.add_argument(
        "--set-param", type=_setting, action="append", default=[], metavar="name=value",
        help="a parameter of the algorithm, or of the preprocessor as preprocessor__name=value",
    )  # fmt: skip
    command.add_argument("--backend", choices=("auto", "cpu", "cuda"), default="auto")
    command.add_argument("--random-state", type=_whole, default=0, metavar="N", help="the seed of every draw")


def segmenter_of(options: argparse.Namespace, id_column: str | None) -> Any:
    """Return the Segmenter that the options of ``add_segmenting`` describe."""
    from gpuseg.preprocessing import Preprocessor
    from gpuseg.segmenter import Segmenter

    prefix = "preprocessor__"
    given = dict(options.set_param)
    preparing = {name.removeprefix(prefix): v for name, v in given.items() if name.startswith(prefix)}
    check_known("--set-param preprocessor__", preparing, Preprocessor)
    return Segmenter(
        id_column=id_column,
        columns=options.columns,
        algorithm=options.algorithm,
        n_clusters=options.k,
        k_range=options.k_range,
        algorithm_params={name: v for name, v in given.items() if not name.startswith(prefix)},
        preprocessor=Preprocessor(**preparing) if preparing else None,
        backend=options.backend,
        random_state=options.random_state,
    )


def check_known(what: str, given: dict[str, Any], estimator: Callable[..., Any]) -> None:
    """Raise UsageError for a parameter that the estimator does not have."""
    from gpuseg.errors import unknown

    allowed = sorted(estimator().get_params(deep=False))
    for name in given:
        if name not in allowed:
            raise UsageError(str(unknown(what, name, allowed)))


def path(text: str) -> Path:
    """Return a path; ``~`` is the user's folder also where the shell did not say so."""
    return Path(text).expanduser()


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("names no column; give names with commas between them, as in a,b")
    return names


def _k(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of segments; give 'auto' or a whole number from 1 up")
    return int(text)


def _range(text: str) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    if not (colon and text.isascii() and low.isdigit() and high.isdigit() and 2 <= int(low) <= int(high)):  # noqa: PLR2004 - a choice
        raise argparse.ArgumentTypeError(f"{text!r} is no range of k; give two whole numbers from 2 up, as in 2:12")
    return int(low), int(high)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} sets nothing; give name=value, as in min_samples=10")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; give a whole number from 0 up")
    return int(text)
