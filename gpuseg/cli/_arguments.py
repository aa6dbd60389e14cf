"""The commands, and the options that several of them share."""

import argparse
from collections.abc import Iterable
from importlib import import_module
from typing import Any, NoReturn

from gpuseg.cli import _types
from gpuseg.cli._parser import Command, Top, UsageError
from gpuseg.cli._words import OPTIONS, PREFIX
from gpuseg.settings import MIN_REPORT_SIZE

COMMANDS = (
    "demo",
    "run",
    "features",
    "choose-k",
    "segment",
    "predict",
    "split",
    "compare",
    "explain",
    "inspect",
    "algorithms",
    "doctor",
    "completion",
)
"""Each is a file of this folder with HELP, USAGE, EXAMPLE, ``add(command)`` and ``run(options)``."""
ALGORITHMS = (
    "kmeans", "bisectingkmeans", "minibatchkmeans", "kmedoids", "clarans", "kprototypes", "agglomerative",
    "diana", "birch", "dbscan", "hdbscan", "optics",
)  # fmt: skip
CHOOSING = tuple(name for name in ALGORITHMS if name != "optics")
"""Those that choose-k tries: they are told the number of segments, or how dense a segment is."""
CRITERIA = ("stability", "separability", "gap")
BACKENDS = ("auto", "cpu", "cuda")
ROLES = ("customer", "time", "order", "amount", "quantity", "price", "product")
CONFIG = "take options from this TOML file, under their long names; what stands on the command line wins"
OWN = {name: OPTIONS[name] for name in ("n_clusters", "random_state", "categorical")} | {"backend": "--backend"}
"""Parameters of algorithms that have an option of their own."""
FIRST_STEPS = """gpuseg turns transactions into customer segments.

first:  gpuseg demo                          a simulated shop, from transactions to a report
then:   gpuseg run transactions.csv -o out   the same with your own file
help:   gpuseg --help, gpuseg COMMAND --help
"""


class Version(argparse.Action):
    """Print the version and end: nothing is imported for it by other commands."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        """Print the version and exit with 0."""
        from gpuseg import __version__

        print(f"gpuseg {__version__}")
        parser.exit()


def parser() -> Top:
    """Return the parser of the whole command line."""
    about = "Customer segmentation on a CPU, a GPU or many. Start with: gpuseg demo"
    top = Top(prog="gpuseg", usage="gpuseg COMMAND ...", description=about)
    top.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Command)
    top.commands = commands.choices
    for name in COMMANDS:
        module = import_module(f"gpuseg.cli.{name.replace('-', '_')}")
        about, example = module.HELP, f"gpuseg {name} {module.EXAMPLE}".strip()
        command = commands.add_parser(
            name, prog=f"gpuseg {name}", usage=f"gpuseg {name} {module.USAGE}", help=about, description=about,
            epilog=f"example: {example}", example=example,
        )  # fmt: skip
        command.siblings = commands.choices
        module.add(command)
        command.add_argument("--config", type=_types.path, metavar="FILE", help=CONFIG)
        add_flag(command, "--json", help="print the result as one JSON object")
        add_flag(command, "--quiet", help="print nothing but errors")
        command.set_defaults(run=module.run)
    return top


def add_flag(command: Command, name: str, *, help: str) -> None:  # noqa: A002 - argparse's word
    """Add an option that is on or off; ``--no-...`` turns off what a file turned on."""
    command.add_argument(name, action=argparse.BooleanOptionalAction, help=help)


def add_word(command: Command, name: str, *allowed: str, default: str | None = None, help: str) -> None:  # noqa: A002
    """Add an option that takes one of a few words."""
    command.add_argument(name, type=_types.one_of(*allowed), choices=allowed, default=default, help=help)


def add_roles(command: Command) -> None:
    """Add the options that say how transactions are to be read."""
    roles = command.add_argument_group("columns of the transactions (found by common names where left out)")
    for name in ROLES:
        roles.add_argument(f"--{name}", metavar="COLUMN")
    roles.add_argument("--time-format", metavar="FORMAT", help="how times in text are written, as in %%d/%%m/%%Y")
    command.add_argument(
        "--as-of", metavar="TIME", help="the moment to count to (default: the day after the newest row)"
    )
    add_word(
        command,
        "--returns",
        "exclude",
        "net",
        help="drop or subtract returns (default: exclude; net where a column marks them)",
    )
    add_flag(command, "--drop-duplicates", help="drop rows that repeat another exactly")
    command.add_argument(
        "--set", type=_types.features, default="rfm", metavar="SET",
        help="rfm, behaviour, all, or names of features such as recency,frequency (default: rfm)",
    )  # fmt: skip


def role_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of ``add_roles`` as arguments of ``customer_features``."""
    given = {name: getattr(options, name) for name in (*ROLES, "time_format", "as_of", "returns")}
    return {**given, "drop_duplicates": bool(options.drop_duplicates), "set": options.set}


def add_k_range(command: Command) -> None:
    """Add the option that says which numbers of segments are tried."""
    command.add_argument(
        "--k-range", type=_types.span, default=(2, 12), metavar="2:12", help="numbers to try (default: 2:12)"
    )


def add_choice(command: Command) -> None:
    """Add the options that say which numbers of segments are tried, what is told of each, and what is asked of them."""
    add_k_range(command)
    command.add_argument(
        "--criteria", type=_types.names, metavar="a,b",
        help=f"of {', '.join(CRITERIA)}: what tells how good each number is (default: {','.join(CRITERIA[:2])})",
    )  # fmt: skip
    command.add_argument(
        "--min-share", type=_types.share, metavar="S", help="the share of the customers that a segment has at least"
    )
    command.add_argument("--max-segments", type=_types.limit, metavar="N", help="try no more segments than these")


def add_metric(command: Command) -> None:
    """Add the option that names the distance between rows."""
    command.add_argument(
        "--metric", metavar="NAME",
        help="the distance between rows, of algorithms with several; gower compares categories (see gpuseg algorithms)",
    )  # fmt: skip


def add_segmenting(command: Command) -> None:
    """Add the options that say which algorithm makes how many segments."""
    add_word(command, "--algorithm", *ALGORITHMS, default="kmeans", help="how to find segments (default: kmeans)")
    command.add_argument(
        "--k",
        type=_types.segments,
        default="auto",
        metavar="auto|N",
        help="how many segments, of algorithms that are told the number (default: auto)",
    )
    add_choice(command)
    add_metric(command)
    add_report(command)


def add_report(command: Command) -> None:
    """Add the options that ask for a report and say what it may tell."""
    command.add_argument(
        "--report", type=_types.path, metavar="R.html",
        help="write a report as well: a page, .html, or text, .md",
    )  # fmt: skip
    command.add_argument(
        "--min-report-size", type=_types.count, default=MIN_REPORT_SIZE, metavar="N",
        help=f"segments of fewer customers are pooled in the report (default: {MIN_REPORT_SIZE})",
    )  # fmt: skip


def add_fitting(command: Command) -> None:
    """Add the options of everything that fits: columns, parameters, backend and seed."""
    command.add_argument(
        "--columns", type=_types.names, metavar="a,b", help="columns to segment by (default: all but the id)"
    )
    command.add_argument(
        "--allow-personal", type=_types.names, metavar="a,b",
        help="columns to use although they look like data about persons (default: these are left out)",
    )  # fmt: skip
    add_settings(command)
    add_word(command, "--backend", *BACKENDS, default="auto", help="where to compute (default: auto)")
    add_seed(command)


def add_settings(command: Command) -> None:
    """Add the options that set parameters of the algorithm and of the preprocessor."""
    command.add_argument(
        "--categorical", type=_types.names, metavar="a,b",
        help="columns that hold categories, as codes in numbers do (default: those of text)",
    )  # fmt: skip
    command.add_argument(
        "--set-param", type=_types.setting, action="append", default=[], metavar="name=value",
        help="a parameter of the algorithm, or of the preprocessor as preprocessor__name=value",
    )  # fmt: skip


def add_dry_run(command: Command) -> None:
    """Add the option that asks for the plan alone."""
    add_flag(command, "--dry-run", help="print what the work needs and which backend is taken; write nothing")


def add_seed(command: Command) -> None:
    """Add the seed of random draws."""
    command.add_argument(
        "--random-state", type=_types.seed, default=0, metavar="N", help="the seed of draws (default: 0)"
    )


def segmenter_of(
    options: argparse.Namespace, *, id_column: str | None, value_column: str | None = None, engine: Any = "auto"
) -> Any:
    """Return the Segmenter that the options describe."""
    from gpuseg.preprocessing import Preprocessor
    from gpuseg.segmenter import Segmenter

    algorithm = getattr(options, "algorithm", "kmeans")
    own, steps = settings_of(options, algorithm)
    return Segmenter(
        id_column=id_column,
        columns=options.columns,
        allow_personal=options.allow_personal,
        algorithm=algorithm,
        n_clusters=getattr(options, "k", "auto"),
        k_range=options.k_range,
        criteria=options.criteria,
        min_share=options.min_share,
        max_segments=options.max_segments,
        algorithm_params=own,
        value_column=value_column,
        preprocessor=Preprocessor(**steps) if steps else None,
        backend=options.backend,
        engine=engine,
        random_state=options.random_state,
    )


def settings_of(options: argparse.Namespace, algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters given of an algorithm, and those of the preprocessor; raise UsageError for what is none."""
    from gpuseg.cluster import ALGORITHMS as ESTIMATORS
    from gpuseg.preprocessing import Preprocessor

    given = dict(options.set_param)
    if twofold := next((name for name in given if name in OWN), None):
        raise UsageError(f"--set-param cannot set {twofold}, which has an option of its own; give {OWN[twofold]}")
    named = {"metric": getattr(options, "metric", None), f"{PREFIX}categorical": options.categorical}
    for name, value in named.items():
        if value is not None and name in given:
            option = OPTIONS[name.removeprefix(PREFIX)]
            raise UsageError(f"{option} and --set-param {name} say the same; give one of them")
    takers = [name for name, one in ESTIMATORS.items() if "metric" in one().get_params(deep=False)]
    if named["metric"] is not None and algorithm not in takers:
        able = [name for name in takers if named["metric"] in ESTIMATORS[name].metrics] or takers
        raise UsageError(f"--metric is not for {algorithm}; use --algorithm with one of {', '.join(able)}")
    given |= {name: value for name, value in named.items() if value is not None}
    own = {name: value for name, value in given.items() if not name.startswith(PREFIX)}
    preparing = {name.removeprefix(PREFIX): value for name, value in given.items() if name.startswith(PREFIX)}
    _check_known(own, ESTIMATORS[algorithm]().get_params(deep=False).keys() - OWN.keys() - {"engine"}, algorithm)
    _check_known(preparing, Preprocessor().get_params(deep=False).keys(), "the preprocessor", prefix=PREFIX)
    return own, preparing


def _check_known(given: Iterable[str], known: Iterable[str], whose: str, *, prefix: str = "") -> None:
    """Raise UsageError for a parameter that an estimator does not have."""
    from gpuseg.errors import listed, nearest_hint

    allowed = sorted(known)
    for name in given:
        if name not in allowed:
            has = f"{listed(allowed, most=len(allowed))}{nearest_hint(name, allowed)}"
            raise UsageError(f"--set-param {prefix}{name} is no parameter of {whose}, which has {has}")
