"""The parser: errors of one line, the nearest name for a wrong one, and arguments that a file may give."""

import argparse
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

from gpuseg.cli._types import path
from gpuseg.cli._words import OPTIONS, PREFIX
from gpuseg.errors import nearest_hint


class UsageError(Exception):
    """The command line itself is wrong."""


class Single(argparse.Action):
    """Store one value; a second one is an error, for the first would be lost unsaid."""

    given = False

    def __call__(self, _: Any, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        """Store the value."""
        if self.given:
            raise argparse.ArgumentError(self, f"{option} is given twice; give it once")
        self.given = True
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and an exception, so that exit codes are decided in one place."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, exit_on_error=False, **options)
        self.register("action", None, Single)
        self.register("action", "store", Single)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; ``message`` says what is wrong."""
        raise UsageError(f"{message}; see '{self.prog} --help'")

    def found(self, given: Sequence[str], namespace: argparse.Namespace | None) -> tuple[argparse.Namespace, list[str]]:
        """Return what argparse reads, and the texts that it does not know; what is wrong is a UsageError."""
        try:
            return super().parse_known_args(given, namespace)
        except argparse.ArgumentError as error:
            self.error(_sentence(error))

    def no_option(self, text: str) -> NoReturn:
        """Raise UsageError for an option that there is not, with the nearest that there is."""
        name = text.partition("=")[0]
        known = [option for action in self._actions for option in action.option_strings]
        hint = f"; for the file write './{text}'" if Path(text).exists() else nearest_hint(name, known)
        self.error(f"{name} is no option of '{self.prog}'{hint}")


class Command(Parser):
    """The parser of one command: positional arguments and needed options may come from ``--config FILE`` too.

    ``example`` is a command line that works; ``siblings`` are the parsers of all commands by name.
    """

    def __init__(self, *, example: str, **options: Any) -> None:
        self.example = example
        self.siblings: Mapping[str, Command] = {}
        self.places: list[argparse.Action] = []
        self.needed: list[argparse.Action] = []
        super().__init__(**options)

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument; whether a needed one is there is seen once the file is read, not by argparse."""
        needed = options.pop("required", False)
        action = super().add_argument(*names, **options)
        if not action.option_strings:
            self.places.append(action)
        if needed or not action.option_strings:
            self.needed.append(action)
        return action

    def arguments(self) -> list[argparse.Action]:
        """Return every argument of the command."""
        return list(self._actions)

    def no_option(self, text: str) -> NoReturn:
        """Raise UsageError for an option that there is not, with the way in which its parameter is set."""
        key = text.partition("=")[0].strip("-").replace("-", "_")
        known = [option for action in self._actions for option in action.option_strings]
        way = OPTIONS[key] if OPTIONS.get(key) in known else _setting(key) if "--set-param" in known else None
        if way is None:
            super().no_option(text)
        self.error(f"{text.partition('=')[0]} is no option of '{self.prog}'; give {way}")

    def keys(self) -> dict[str, argparse.Action]:
        """Return the arguments that a file may give, by key."""
        named = {a.dest: a for a in self.places}
        named |= {_long(a): a for a in self._actions if a.option_strings}
        return {key.replace("_", "-"): a for key, a in named.items() if a.dest not in ("help", "config")}

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str], namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Return what the command line and the file of ``--config`` say; the command line wins."""
        options = list(takewhile(lambda text: text != "--", args))
        self._check_dashes(options)
        filed = self._filed(options)
        self.set_defaults(**filed)
        for place in self.places:  # argparse would take none for none given as soon as an option stands before one
            place.nargs, place.required = argparse.SUPPRESS, False
        found, texts = self.found(options, namespace)
        if unknown := next((text for text in texts if text.startswith("-") and text != "-"), None):
            self.no_option(unknown)
        self._place(found, [*texts, *args[len(options) + 1 :]], filed)
        lacking = [_label(action) for action in self.needed if getattr(found, action.dest) is None]
        if lacking:
            raise UsageError(f"'{self.prog}' needs {' and '.join(lacking)}, as in '{self.example}'; see --help")
        return found, []

    def _filed(self, options: Sequence[str]) -> dict[str, Any]:
        """Return the values that the file of ``--config`` gives, by destination; none where there is no such file."""
        finder = Parser(prog=self.prog, add_help=False)
        finder.add_argument("--config", type=path, metavar="FILE")
        found, _ = finder.found(options, None)
        if found.config is None:
            return {}
        from gpuseg.cli._config import read_config

        name = next(name for name, parser in self.siblings.items() if parser is self)
        return read_config(found.config, name, {name: parser.keys() for name, parser in self.siblings.items()})

    def _check_dashes(self, options: Sequence[str]) -> None:
        """Raise UsageError for ``-output``, which argparse reads as ``-o utput``."""
        for text in options:
            long = f"-{text.partition('=')[0]}"
            if text[:1] == "-" != text[1:2] and any(long in action.option_strings for action in self._actions):
                self.error(f"{text} has one dash; did you mean '{long}'?")

    def _place(self, found: argparse.Namespace, texts: Sequence[str], filed: Mapping[str, Any]) -> None:
        """Put texts in the places of positional arguments: in all, or in those that the file leaves free."""
        labels = " and ".join(map(_label, self.places)) or "options alone"
        if len(texts) > len(self.places):
            written = any("-o" in action.option_strings for action in self._actions)
            hint = "put an output after -o, and a glob in quotes" if written else "leave out the others"
            self.error(f"'{self.prog}' takes {labels}, and got {' '.join(texts)}; {hint}")
        free = [place for place in self.places if place.dest not in filed]
        if len(free) < len(texts) < len(self.places):
            self.error(f"{texts[-1]!r} may be {labels.replace(' and ', ' or ')}, which the file gives; give both here")
        for place, text in zip(self.places if len(texts) == len(self.places) else free, texts, strict=False):
            try:
                setattr(found, place.dest, place.type(text) if callable(place.type) else text)
            except argparse.ArgumentTypeError as error:
                self.error(f"argument {_label(place)}: {error}")


class Top(Parser):
    """The parser of ``gpuseg`` itself, which takes a command and hands on the rest."""

    commands: Mapping[str, Command] = {}

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str], namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Return what the command of the command line reads."""
        before = list(takewhile(lambda text: text.startswith("-"), args))
        known = [option for action in self._actions for option in action.option_strings]
        command = args[len(before)] if len(before) < len(args) else None
        meant = next((text for text in args[len(before) :] if text in self.commands), None)
        for text in before:
            if meant and text not in known:
                self.error(f"{text} stands before the command; put it after, as in '{self.prog} {meant} {text}'")
            if text not in known:
                self.no_option(text)
        if not before and command not in self.commands:
            hint = nearest_hint(command, list(self.commands))
            self.error(f"{command!r} is no command; commands are {', '.join(self.commands)}{hint}")
        return self.found(args, namespace)


def _sentence(error: argparse.ArgumentError) -> str:
    """Return argparse's message with what to do."""
    if "expected one argument" in error.message:
        return f"{error.argument_name} has no value; give one after it"
    if error.message.startswith("ignored explicit argument"):
        return f"{error.argument_name} takes no value; leave out what stands after ="
    return error.message if "given twice" in error.message else str(error)


def _setting(key: str) -> str | None:
    """Return how a parameter of an algorithm or of the preprocessor is set, None where there is none of this name."""
    from gpuseg.cluster import ALGORITHMS
    from gpuseg.preprocessing import Preprocessor

    if takers := [name for name, algorithm in ALGORITHMS.items() if key in algorithm().get_params(deep=False)]:
        return f"--set-param {key}=VALUE, a parameter of {', '.join(takers)}"
    return f"--set-param {PREFIX}{key}=VALUE" if key in Preprocessor().get_params(deep=False) else None


def _long(action: argparse.Action) -> str:
    return next(text for text in action.option_strings if text.startswith("--")).removeprefix("--")


def _label(action: argparse.Action) -> str:
    """Return how an argument stands in a usage line."""
    return " ".join(str(part) for part in (*action.option_strings[:1], action.metavar) if part)
