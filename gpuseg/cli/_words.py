"""The library's words in those of the command line: errors name arguments of functions, users give options."""

import argparse
import re

OPTIONS = {
    "id_column": "--id", "value_column": "--value", "columns": "--columns", "algorithm": "--algorithm",
    "n_clusters": "--k", "k_range": "--k-range", "random_state": "--random-state", "set": "--set",
    "as_of": "--as-of", "returns": "--returns", "time_format": "--time-format", "customer": "--customer",
    "time": "--time", "order": "--order", "amount": "--amount", "quantity": "--quantity", "price": "--price",
    "product": "--product",
}  # fmt: skip
"""The option that gives each argument. ``backend`` is not among them: the environment may have given it."""
PREFIX = "preprocessor__"
"""What stands before a parameter of the preprocessor in ``--set-param``."""


def in_options(sentence: str, given: argparse.Namespace) -> str:
    """Return a sentence with the arguments that it names as options, where the command has such an option.

    What stands in quotes or in a path is the user's own and stays.

    >>> given = argparse.Namespace(id="who", as_of=None)
    >>> in_options("id_column='who' is no column; give as_of, or 'as_of'", given)
    "--id 'who' is no column; give --as-of, or 'as_of'"
    """
    for name, _ in getattr(given, "set_param", ()):
        if name.startswith(PREFIX):
            sentence = re.sub(_argument(name.removeprefix(PREFIX)), f"{name}=", sentence)
    for name, option in OPTIONS.items():
        if option.strip("-").replace("-", "_") in given:
            sentence = re.sub(_argument(name), f"{option} ", sentence)
            if "_" in name:  # other names are words of sentences too
                sentence = re.sub(rf"(?<![\w'./=-]){name}(?![\w'./=-])", option, sentence)
    return sentence


def _argument(name: str) -> str:
    """Return the pattern of ``name=`` before a value that is no part of a path."""
    return rf"(?<![\w'./=-]){re.escape(name)}=(?=['\d(\[-])(?!\S*/\w)"
