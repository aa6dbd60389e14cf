"""``--config FILE.toml``: options in a file, under the names and with the checks that they have on the command line.

A key is an option's long name or a positional argument's name, with dashes or underscores. Plain keys hold for every
command that has the option; those of a table named after a command, as ``[run]``, for that command, and win.
"""

import argparse
import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuseg.cli._types import LISTS, neighbours, setting
from gpuseg.errors import InvalidFile, nearest_hint

Keys = Mapping[str, argparse.Action]
"""The arguments of a command by the key that a file gives them."""


def read_config(path: Path, command: str, commands: Mapping[str, Keys]) -> dict[str, Any]:
    """Return the values of a file for one command, by argparse's destination.

    ``commands``: the keys of every command. Raises InvalidFile, with the file and the key, for a file that cannot be
    read, a key or table that no command has, and a value that the option refuses.
    """
    plain, tables = _sorted(path, _content(path), commands)
    values = {key: (key, value) for key, value in plain.items() if key in commands[command]}
    values |= {key: (f"{command}.{key}", value) for key, value in tables.get(command, {}).items()}
    found = {}
    for key, (where, value) in values.items():
        action = commands[command][key]
        try:
            found[action.dest] = checked(action, value)
        except argparse.ArgumentTypeError as error:
            raise InvalidFile(f"{path}: {where}: {error}") from error
    return found


def checked(action: argparse.Action, value: Any) -> Any:
    """Return a file's value as the option makes it of its text; raise ArgumentTypeError where it refuses it."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise argparse.ArgumentTypeError(f"{_shown(value)} is not allowed; give true or false")
        return value
    if action.type is setting:
        return _settings(value)
    if isinstance(value, list) and action.type in LISTS:
        return LISTS[action.type](value)
    if isinstance(value, bool | list | dict):
        raise argparse.ArgumentTypeError(f"{_shown(value)} is not allowed; give one value, as {action.metavar}")
    text = value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)
    return action.type(text) if callable(action.type) else text


def _content(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise InvalidFile(f"--config {path} is a folder; give a TOML file")
    try:
        # With a line more, an error of the last line tells its number, not "end of document".
        return tomllib.loads(path.read_text(encoding="utf-8-sig") + "\n")
    except FileNotFoundError as error:
        raise InvalidFile(f"--config {path} does not exist; check the path{neighbours(path)}") from error
    except UnicodeDecodeError as error:
        raise InvalidFile(f"--config {path} is not text in UTF-8, as TOML has to be; save it so") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile(f"--config {path} is no valid TOML: {error}; mend that line") from error
    except OSError as error:
        raise InvalidFile(f"--config {path} cannot be read ({error.strerror}); give a file of yours") from error


def _sorted(
    path: Path, content: Mapping[str, Any], commands: Mapping[str, Keys]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the plain keys and the tables of commands, each known."""
    every = {key for keys in commands.values() for key in keys}
    plain, tables = {}, {}
    for name, value in content.items():
        if name not in commands:
            plain[name] = value
        elif isinstance(value, dict):
            tables[name] = _known(path, value, commands[name], f" in [{name}]", f"option of 'gpuseg {name}'")
        else:
            raise InvalidFile(f"{path}: {name} is a command; write a table [{name}] with its options below it")
    return _known(path, plain, dict.fromkeys([*every, *commands]), "", "option and no command"), tables


def _known(path: Path, table: Mapping[str, Any], keys: Mapping[str, Any], where: str, what: str) -> dict[str, Any]:
    """Return a table with its keys as commands write them; raise InvalidFile for one that is unknown or there twice."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        key = name.replace("_", "-")
        if key not in keys:
            raise InvalidFile(f"{path}: {name!r}{where} is no {what}; see --help{nearest_hint(key, sorted(keys))}")
        if key in found:
            raise InvalidFile(f"{path}: {name!r}{where} is there twice, with a dash and an underscore; give it once")
        found[key] = value
    return found


def _settings(value: Any) -> list[tuple[str, Any]]:
    """Return the parameters that a table, or a list of texts like those of the command line, sets."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return [setting(text) for text in value]
    raise argparse.ArgumentTypeError(f"{_shown(value)} is not allowed; give a table, as {{ n_init = 5 }}")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
