"""Scripts that complete: bash is here and completes; the other shells' scripts hold every command and option."""

import json
import subprocess
from pathlib import Path

import pytest

from gpuseg.cli._arguments import COMMANDS, parser

ASK = """
source script.bash
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_shtab_gpuseg
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def completed(gpuseg):
    """Give what bash offers for the last word."""
    Path("script.bash").write_text(gpuseg("completion", "bash")[1])

    def offered(words):
        done = subprocess.run(
            ["bash", "-c", ASK.format(words=words)], capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout.split()

    return offered


def test_bash_completes_commands(completed):
    assert completed("gpuseg se") == ["segment"]
    assert set(completed("gpuseg ''")) == set(COMMANDS)


def test_bash_completes_options(completed):
    assert completed("gpuseg choose-k --k-r") == ["--k-range"]
    assert completed("gpuseg run --drop-d") == ["--drop-duplicates"]
    assert completed("gpuseg features --jso") == ["--json"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("gpuseg segment --algorithm db", ["dbscan"]),
        ("gpuseg run x -o y --returns n", ["net"]),
        ("gpuseg demo --difficulty ''", ["easy", "medium", "hard"]),
        ("gpuseg completion z", ["zsh"]),
        ("gpuseg segment --json --backend cu", ["cuda"]),
    ],
)
def test_bash_completes_words(completed, words, expected):
    assert completed(words) == expected


def test_bash_completes_files_and_folders(completed):
    Path("shop.csv").touch()
    Path("shop.out").mkdir()
    assert set(completed("gpuseg segment sho")) == {"shop.csv", "shop.out"}
    assert set(completed("gpuseg predict m.gpuseg sho")) == {"shop.csv", "shop.out"}
    assert set(completed("gpuseg segment --model sho")) == {"shop.csv", "shop.out"}
    assert completed("gpuseg run shop.csv -o sho") == ["shop.out"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_every_script_holds_every_command_and_option(gpuseg, shell):
    code, out, err = gpuseg("completion", shell)
    assert code == 0
    assert err.startswith(f"{shell}: write it to ")
    for name, command in parser().commands.items():
        assert name in out
        for action in command.arguments():
            assert all(option.lstrip("-") in out for option in action.option_strings)


def test_a_script_as_json(gpuseg):
    code, out, _ = gpuseg("completion", "zsh", "--json")
    result = json.loads(out)
    assert (code, result["shell"], sorted(result)) == (0, "zsh", ["install", "script", "shell"])
    assert result["script"].startswith("#compdef gpuseg")
