"""``--config FILE``: what a file says is what the command line would have said, and the command line wins."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from gpuseg.cli._arguments import COMMANDS, parser

SAMPLES = {
    "model": ('"m.gpuseg"', "m.gpuseg"), "customers": ('"c.csv"', "c.csv"), "transactions": ('"t.csv"', "t.csv"),
    "output": ('"o.csv"', "o.csv"), "out": ('"o"', "o"), "report": ('"r.html"', "r.html"), "shell": ('"zsh"', "zsh"),
    "k": ("3", "3"), "k-range": ("[2, 5]", "2:5"), "columns": ('["a", "b"]', "a,b"), "rows": ("100", "100"),
    "set": ('["recency", "monetary"]', "recency,monetary"), "set-param": ("{ n_init = 5 }", "n_init=5"),
    "random-state": ("7", "7"), "algorithm": ('"dbscan"', "dbscan"), "backend": ('"cpu"', "cpu"),
    "returns": ('"net"', "net"), "as-of": ("2026-01-31", "2026-01-31"), "difficulty": ('"hard"', "hard"),
    "segment": ("1", "1"), "versus": ("2", "2"), "time-format": ('"%d/%m/%Y"', "%d/%m/%Y"), "id": ('"who"', "who"),
    "workers": ("2", "2"), "min-report-size": ("20", "20"), "min-share": ("0.1", "0.1"), "max-segments": ("5", "5"),
    "scheduler": ('"tcp://here:8786"', "tcp://here:8786"),
}  # fmt: skip
"""A value of each key, as TOML writes it and as a shell does; other keys take names of columns."""
OTHER = {("doctor", "columns"): ("5", "5"), ("demo", "customers"): ("500", "500")}
FULL = [(command, key) for command, one in parser().commands.items() for key in one.keys()]  # noqa: SIM118 - a method


def options(*given):
    return vars(parser().parse_args([str(part) for part in given]))


def needed(command):
    """Return what the command cannot do without, by key."""
    one = parser().commands[command]
    return [key for key, action in one.keys().items() if action in one.needed]


def on_the_line(command, keys):
    line = []
    for key in keys:
        action = parser().commands[command].keys()[key]
        text = OTHER.get((command, key), SAMPLES.get(key, ('"x"', "x")))[1]
        line += [f"--{key}"] if action.nargs == 0 else [f"--{key}", text] if action.option_strings else [text]
    return line


def in_a_file(command, keys, name="f.toml"):
    lines = []
    for key in keys:
        flag = parser().commands[command].keys()[key].nargs == 0
        value = "true" if flag else OTHER.get((command, key), SAMPLES.get(key, ('"x"', "x")))[0]
        lines.append(f"{key.replace('-', '_')} = {value}")
    Path(name).write_text(f"[{command}]\n" + "\n".join(lines))
    return name


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def filed(refused):
    """Run ``segment`` with a file of this content, which has a fault; give the line of error."""

    def run(text, *more):
        Path("f.toml").write_text(text)
        return refused("segment", "c.csv", "-o", "o.csv", "--config", "f.toml", *more)

    return run


@pytest.mark.parametrize(("command", "key"), FULL)
def test_every_key_is_read_as_the_command_line_is(command, key):
    keys = [*needed(command), *({key} - set(needed(command)))]
    from_file = options(command, "--config", in_a_file(command, keys))
    assert from_file | {"config": None} == options(command, *on_the_line(command, keys))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_whole_file_is_a_whole_command(command):
    keys = list(parser().commands[command].keys())
    from_file = options(command, "--config", in_a_file(command, keys))
    assert from_file | {"config": None} == options(command, *on_the_line(command, keys))


def test_a_run_from_a_file_alone(gpuseg, transactions):
    transactions.rename({"amount": "total, net"}).write_csv("t.csv")
    Path("f.toml").write_text(
        'transactions = "t.csv"\nas_of = 2027-01-01\n[features]\noutput = "c.csv"\nset = ["recency", "monetary"]\n'
        'amount = "total, net"\n'
    )
    code, _, err = gpuseg("features", "--config", "f.toml")
    assert code == 0, err
    assert pl.read_csv("c.csv").columns == ["customer_id", "recency", "monetary"]
    oldest = (dt.datetime(2027, 1, 1) - transactions["date"].max()).days
    assert int(pl.read_csv("c.csv")["recency"].min()) == oldest


def test_the_command_line_wins():
    Path("f.toml").write_text(
        'k = 5\nbackend = "cpu"\nset_param = { n_init = 3, tol = 0.5 }\njson = true\nid = "file"\n'
    )
    given = ["segment", "c.csv", "-o", "o.csv", "--config", "f.toml"]
    found = options(*given, "--k", "2", "--no-json", "--set-param", "n_init=9")
    assert (found["k"], found["backend"], found["json"], found["id"]) == (2, "cpu", False, "file")
    assert dict(found["set_param"]) == {"n_init": 9, "tol": 0.5}
    assert options(*given, "--id", "line")["id"] == "line"


def test_a_table_of_the_command_wins_over_plain_keys():
    Path("f.toml").write_text('k = 5\nmodel = "m.gpuseg"\n[segment]\nk = 6\n[run]\nk = 7\n')
    found = options("segment", "c.csv", "-o", "o.csv", "--config", "f.toml")
    assert (found["k"], str(found["model"])) == (6, "m.gpuseg")
    # --model is no option of run: a plain key holds where there is such an option.
    assert options("run", "t.csv", "-o", "o", "--config", "f.toml")["k"] == 7


def test_arguments_that_the_file_gives_are_left_out_of_the_command_line():
    Path("f.toml").write_text('model = "m.gpuseg"\noutput = "o.csv"\n')
    found = options("predict", "new.csv", "--config", "f.toml")
    assert (str(found["model"]), found["customers"]) == ("m.gpuseg", "new.csv")
    found = options("predict", "-o", "p.csv", "other.gpuseg", "--config", "f.toml", "new.csv")
    assert (str(found["model"]), found["customers"], str(found["output"])) == ("other.gpuseg", "new.csv", "p.csv")


def test_one_argument_of_two_that_the_file_gives_is_refused(refused):
    Path("f.toml").write_text('model = "m.gpuseg"\noutput = "o.csv"\ncustomers = "c.csv"\n')
    assert "'new.csv' may be MODEL or CUSTOMERS, which the file gives" in refused(
        "predict", "new.csv", "--config", "f.toml"
    )


def test_what_neither_gives_is_asked_for(refused):
    Path("f.toml").write_text('output = "o.csv"\n')
    assert "needs MODEL and CUSTOMERS, as in" in refused("predict", "--config", "f.toml")


def test_values_after_two_dashes_are_arguments():
    assert options("inspect", "--", "-odd.gpuseg")["model"] == Path("-odd.gpuseg")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[segment]\nk = 'many'", ["f.toml: segment.k: 'many' is no number of segments"]),
        ("k = 0", ["f.toml: k: '0' is no number of segments"]),
        ("k = true", ["f.toml: k: true is not allowed; give one value, as auto|N"]),
        ("k_range = [9, 3]", ["k-range: '9:3' is no range of k"]),
        ("columns = ['a', 5]", ["columns: ['a', 5] is no list of names"]),
        ("columns = []", ["columns: [] is no list of names"]),
        ("algorithm = 'kmean'", ["algorithm: 'kmean' is not known", "did you mean 'kmeans'?"]),
        ("id = ['a']", ["id: ['a'] is not allowed; give one value"]),
        ("set-param = 5", ["set-param: 5 is not allowed; give a table"]),
        ("set-param = ['eps']", ["set-param: 'eps' sets nothing"]),
        ("json = 'yes'", ["json: 'yes' is not allowed; give true or false"]),
        ("model = 'https://x.example/m.gpuseg'", ["model: 'https://x.example/m.gpuseg' is an address"]),
        ("random_state = 1.5", ["random-state: '1.5' is no seed"]),
        ("colums = ['a']", ["f.toml: 'colums' is no option and no command", "did you mean 'columns'?"]),
        ("[segmnt]\nk = 3", ["'segmnt' is no option and no command", "did you mean 'segment'"]),
        ("[segment]\nk_rang = '2:3'", ["'k_rang' in [segment] is no option of 'gpuseg segment'", "'k-range'"]),
        ("[run]\nmodel = 'm.gpuseg'", ["'model' in [run] is no option of 'gpuseg run'"]),
        ("segment = 5", ["segment is a command; write a table [segment]"]),
        ("config = 'g.toml'", ["'config' is no option"]),
        ("k-range = '2:3'\nk_range = '2:4'", ["'k_range' is there twice"]),
        ("k = 3\nk = 4", ["f.toml is no valid TOML", "line 2"]),
        ("k = 3\nid = who", ["f.toml is no valid TOML", "line 2"]),
    ],
)
def test_a_fault_in_the_file(filed, text, words):
    message = filed(text)
    assert all(word in message for word in words), message


def test_a_key_of_the_command_line_is_checked_in_the_file_too(filed):
    assert "segment.k: 'many'" in filed("[segment]\nk = 'many'", "--k", "3")


def test_a_file_that_cannot_be_read(refused, folder):
    given = ["segment", "c.csv", "-o", "o.csv", "--config"]
    Path("f.toml").write_bytes(b"id = '\xff'")
    assert "f.toml is not text in UTF-8" in refused(*given, "f.toml")
    assert "g.toml does not exist; check the path; did you mean 'f.toml'?" in refused(*given, "g.toml")
    assert "is a folder; give a TOML file" in refused(*given, folder)


def test_help_of_a_command_tells_of_the_file(process):
    assert "TOML" in process("segment", "--help").stdout


def test_a_file_of_another_command_is_no_fault(gpuseg):
    Path("f.toml").write_text("[segment]\nk = 4\n[doctor]\nrows = 5\n")
    code, out, _ = gpuseg("doctor", "--config", "f.toml", "--json")
    assert (code, json.loads(out)["plan"]["rows"]) == (0, 5)
