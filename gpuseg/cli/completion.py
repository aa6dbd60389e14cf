"""``gpuseg completion``: a script that completes commands, options, words and files in a shell."""

import argparse
from collections.abc import Iterable

from gpuseg.cli._parser import Command
from gpuseg.cli._types import folder, one_of, path, source

SHELLS = {
    "bash": "write it to ~/.local/share/bash-completion/completions/gpuseg and open a new shell",
    "zsh": "write it to _gpuseg in a folder of $fpath, such as ~/.zsh, and run compinit",
    "tcsh": "write it to ~/.gpuseg.tcsh and add 'source ~/.gpuseg.tcsh' to ~/.tcshrc",
}
"""Each shell, and where its script belongs."""
HELP = "Print a script that completes commands, options and files in a shell."
USAGE = "bash|zsh|tcsh [options]"
EXAMPLE = "bash > ~/.local/share/bash-completion/completions/gpuseg"
COMPLETED = {source: "file", path: "file", folder: "directory"}
"""What a shell offers for an argument, by the type of its text."""


def add(command: Command) -> None:
    """Add the command's arguments."""
    where = "; ".join(f"{shell}: {how}" for shell, how in SHELLS.items())
    command.add_argument("shell", metavar="SHELL", type=one_of(*SHELLS), choices=tuple(SHELLS), help=where)


def run(options: argparse.Namespace) -> None:
    """Print the script; how to install it goes where notices go."""
    import shtab

    from gpuseg.cli._arguments import parser
    from gpuseg.cli._output import give
    from gpuseg.settings import say

    top = parser()
    for command in top.commands.values():
        _mark(command.arguments())
    script = shtab.complete(top, options.shell)
    say(f"{options.shell}: {SHELLS[options.shell]}")
    give(options, {"shell": options.shell, "install": SHELLS[options.shell], "script": script}, [script])


def _mark(actions: Iterable[argparse.Action]) -> None:
    """Say which arguments are files and folders, in the attribute that shtab looks for."""
    for action in actions:
        if action.type in COMPLETED:
            action.complete = COMPLETED[action.type]  # type: ignore[attr-defined]
