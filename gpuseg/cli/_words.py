"""The library's words in those of the command line: errors name arguments of functions, users give options."""

import argparse
import re
import shlex
from functools import partial

OPTIONS = {
    "id_column": "--id", "value_column": "--value", "columns": "--columns",
    "allow_personal": "--allow-personal", "algorithm": "--algorithm",
    "n_clusters": "--k", "k_range": "--k-range", "criteria": "--criteria",
    "min_share": "--min-share", "max_segments": "--max-segments", "random_state": "--random-state", "set": "--set",
    "categorical": "--categorical", "metric": "--metric",
    "as_of": "--as-of", "returns": "--returns", "time_format": "--time-format", "customer": "--customer",
    "time": "--time", "order": "--order", "amount": "--amount", "quantity": "--quantity", "price": "--price",
    "product": "--product", "segment": "--segment", "segment_column": "--segment", "persona_column": "--persona",
    "value": "--value", "contacts": "--contacts", "features": "--features",
    "min_report_size": "--min-report-size", "versus": "--versus",
}  # fmt: skip
"""The option that gives each argument. ``backend`` is not among them: the environment may have given it."""
LIST = r"\['[^\]]*'\]"
"""A list of names as errors show it."""
PREFIX = "preprocessor__"
"""What stands before a parameter of the preprocessor in ``--set-param``."""


def in_options(sentence: str, given: argparse.Namespace) -> str:
    """Return a sentence with the arguments that it names as options, where the command has such an option.

    What stands in quotes or in a path is the user's own and stays. Lists are written as options take them.

    >>> given = argparse.Namespace(id="who", as_of=None, columns=None)
    >>> in_options("id_column='who' is no column; give as_of, or 'as_of'", given)
    "--id 'who' is no column; give --as-of, or 'as_of'"
    >>> in_options("give columns=['a', 'b c']", given)
    "give --columns 'a,b c'"
    """
    for name, _ in getattr(given, "set_param", ()):
        if name.startswith(PREFIX):
            sentence = re.sub(_argument(name.removeprefix(PREFIX)), f"{name}=", sentence)
    for name, option in OPTIONS.items():
        if option.strip("-").replace("-", "_") in given:
            sentence = re.sub(_argument(name) + LIST, partial(_taken, option), sentence)
            sentence = re.sub(_argument(name), f"{option} ", sentence)
            if "_" in name:  # other names are words of sentences too
                sentence = re.sub(rf"(?<![\w'./=-]){name}(?![\w'./=-])", option, sentence)
    return sentence


def _taken(option: str, found: re.Match[str]) -> str:
    """Return an option with a list as the command line takes it."""
    names = ",".join(one[1:-1] for one in found[0].partition("=")[2].strip("[]").split(", "))
    return f"{option} {shlex.quote(names)}"


def _argument(name: str) -> str:
    """Return the pattern of ``name=`` before a value that is no part of a path."""
    return rf"(?<![\w'./=-]){re.escape(name)}=(?=['\d(\[-])(?!\S*/\w)"
