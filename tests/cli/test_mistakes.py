"""A first-time user's mistakes on every command: exit code 2, one line that helps, and nothing written."""

from pathlib import Path

import pytest

from gpuseg.cli._arguments import COMMANDS, parser
from gpuseg.cli._types import ADDRESS, path, source

PARSERS = parser().commands
NEEDS = {
    "run": "needs TX and -o FOLDER",
    "features": "needs TX and -o CUSTOMERS",
    "choose-k": "needs CUSTOMERS",
    "segment": "needs CUSTOMERS and -o SEGMENTS",
    "predict": "needs MODEL and CUSTOMERS and -o OUT",
    "split": "needs MODEL and CUSTOMERS and --segment N and -o SEGMENTS",
    "compare": "needs SEGMENTS and PERSONAS",
    "explain": "needs MODEL",
    "inspect": "needs MODEL",
    "completion": "needs SHELL",
}
RIGHT = {
    "demo": ["-o", "out"],
    "run": ["in.csv", "-o", "out"],
    "features": ["in.csv", "-o", "out.csv"],
    "choose-k": ["in.csv"],
    "segment": ["in.csv", "-o", "out.csv"],
    "predict": ["in.gpuseg", "in.csv", "-o", "out.csv"],
    "split": ["in.gpuseg", "in.csv", "--segment", "0", "-o", "out.csv"],
    "compare": ["in.csv", "in.csv"],
    "explain": ["in.gpuseg"],
    "inspect": ["in.gpuseg"],
    "algorithms": [],
    "doctor": [],
    "completion": ["bash"],
}
"""A command line without a mistake; each test changes one thing."""
READING = [name for name, right in RIGHT.items() if "in.csv" in right]
MODELS = [name for name, right in RIGHT.items() if "in.gpuseg" in right]
TO_A_FILE = [name for name, right in RIGHT.items() if "out.csv" in right]
TO_A_FOLDER = [name for name, right in RIGHT.items() if "out" in right]
VALUED = [
    (name, action.option_strings[0])
    for name, command in PARSERS.items()
    for action in command.arguments()
    if action.option_strings and action.nargs is None
]
CHECKED = {
    "--rows": "many", "--columns": ",", "--customers": "0", "--k": "few", "--k-range": "9:2", "--set-param": "eps",
    "--random-state": "-1", "--set": ",", "--algorithm": "kmean", "--backend": "gpu", "--returns": "nett",
    "--difficulty": "mdium", "--config": "none.toml", "--report": "", "--model": "", "--new-model": "", "-o": "",
    "--segment": "-1", "--versus": "x", "--workers": "0", "--min-report-size": "0", "--scheduler": "here:8786",
}  # fmt: skip
"""A value that each option with a check refuses."""
ANY_TEXT = {("compare", "--segment"), ("compare", "--customers")}
"""Options that name a column or a file, where another command's option of this name has a check."""


def exchanged(name, old, new):
    return [new if part == old else part for part in RIGHT[name]]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Stand in an empty folder; at the end there is nothing in it but what the test put there."""
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("id,a,b\n1,2,3\n4,5,6\n")
    Path("in.gpuseg").write_text("no model")
    before = sorted(tmp_path.rglob("*"))
    made = []
    yield made
    assert sorted(tmp_path.rglob("*")) == sorted([*before, *(tmp_path / name for name in made)])


def test_every_command_is_here():
    assert set(RIGHT) == set(COMMANDS)
    assert {option for _, option in VALUED} >= set(CHECKED)


def test_nothing_at_all_shows_the_first_steps(gpuseg):
    code, out, err = gpuseg()
    assert (code, out) == (2, "")
    assert "gpuseg demo" in err
    assert "gpuseg run" in err
    assert err.count("\n") < 8


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (["segmnt"], "'segmnt' is no command; commands are demo, run,"),
        (["segmnt"], "did you mean 'segment'?"),
        (["--verison"], "did you mean '--version'?"),
        (["--json", "inspect"], "put it after, as in 'gpuseg inspect --json'"),
    ],
)
def test_a_wrong_beginning(gpuseg, given, word):
    code, out, err = gpuseg(*given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert word in err


@pytest.mark.parametrize("name", NEEDS)
def test_no_argument(refused, name):
    message = refused(name)
    assert f"'gpuseg {name}' {NEEDS[name]}, as in 'gpuseg {name} " in message


@pytest.mark.parametrize("name", COMMANDS)
def test_a_misspelt_option(refused, files, name):
    message = refused(name, *RIGHT[name], "--jsno")
    assert f"--jsno is no option of 'gpuseg {name}'; did you mean" in message
    assert "'--json'" in message
    assert "--zz is no option" in refused(name, *RIGHT[name], "--zz=3")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_with_one_dash(refused, files, name):
    assert "-json has one dash; did you mean '--json'?" in refused(name, *RIGHT[name], "-json")


@pytest.mark.parametrize("name", COMMANDS)
def test_an_argument_too_many(refused, files, name):
    message = refused(name, *RIGHT[name], "b.csv", "c.csv", "d.csv")
    assert f"'gpuseg {name}' takes" in message
    assert "d.csv" in message


def test_an_output_without_its_option(refused, files):
    assert "takes TX, and got in.csv out; put an output after -o" in refused("run", "in.csv", "out")
    assert "takes MODEL, and got a b; leave out the others" in refused("inspect", "a", "b")


@pytest.mark.parametrize(("name", "option"), VALUED)
def test_an_option_without_its_value(refused, files, name, option):
    message = refused(name, option)
    assert option in message
    assert "has no value; give one after it" in message


@pytest.mark.parametrize(("name", "option"), [pair for pair in VALUED if pair[1] != "--set-param"])
def test_an_option_given_twice(refused, files, name, option):
    fit = {"--k-range": "2:3", "--scheduler": "tcp://here:8786", "--min-share": "0.1", "--max-segments": "5"}
    value = fit.get(option) or next(iter(_choices(name, option)), "1")
    assert f"{option} is given twice; give it once" in refused(name, option, value, option, value)


@pytest.mark.parametrize(("name", "option"), [pair for pair in VALUED if pair[1] in CHECKED and pair not in ANY_TEXT])
def test_a_value_of_the_wrong_type(refused, files, name, option):
    bad = "many" if (name, option) == ("doctor", "--columns") else CHECKED[option]
    right = [part for part in RIGHT[name] if part not in ("-o", "out", "out.csv")] if option == "-o" else RIGHT[name]
    message = refused(name, *right, option, bad)
    assert option in message
    assert bad in message
    assert ";" in message


@pytest.mark.parametrize("name", COMMANDS)
def test_a_value_for_what_takes_none(refused, files, name):
    assert "takes no value" in refused(name, *RIGHT[name], "--json=yes")


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("address", ["https://shop.example/x.csv", "s3://bucket/x.parquet", "file:///x.csv"])
def test_an_address_for_an_input(refused, files, name, address):
    assert f"'{address}' is an address, not a path; download" in refused(name, *exchanged(name, "in.csv", address))


@pytest.mark.parametrize("name", TO_A_FILE)
def test_an_address_for_an_output(refused, files, name):
    assert "is an address, not a path" in refused(name, *exchanged(name, "out.csv", "s3://bucket/x.csv"))


@pytest.mark.parametrize("name", [name for name in READING if name not in MODELS])
def test_an_input_that_is_no_table(refused, files, name):
    Path("folder").mkdir()
    Path("empty.csv").touch()
    files += ["folder", "empty.csv"]
    assert "folder is a folder without a Parquet file" in refused(name, *exchanged(name, "in.csv", "folder"))
    assert "empty.csv is empty" in refused(name, *exchanged(name, "in.csv", "empty.csv"))
    assert "i.csv does not exist; check the path; did you mean 'in.csv'" in refused(
        name, *exchanged(name, "in.csv", "i.csv")
    )
    assert "ends in '.gpuseg'; give files" in refused(name, *exchanged(name, "in.csv", "in.gpuseg"))


def test_customers_to_predict_that_are_no_table(refused, model):
    Path("folder").mkdir()
    Path("empty.csv").touch()
    assert "folder is a folder without a Parquet file" in refused("predict", model, "folder", "-o", "p.csv")
    assert "empty.csv is empty" in refused("predict", model, "empty.csv", "-o", "p.csv")
    assert "or 'c.csv'" in refused("predict", model, "d.csv", "-o", "p.csv")
    assert not Path("p.csv").exists()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_none(refused, files, name):
    assert "no whole model file" in refused(name, *RIGHT[name])
    message = refused(name, *exchanged(name, "in.gpuseg", "im.gpuseg"))
    assert "im.gpuseg does not exist; check the path; did you mean 'in.gpuseg'?" in message
    Path("old").mkdir()
    Path("old/model.gpuseg").touch()
    files += ["old", "old/model.gpuseg"]
    message = refused(name, *exchanged(name, "in.gpuseg", "old"))
    assert "old is a folder; give a model file, which ends in .gpuseg; did you mean 'old/model.gpuseg'?" in message


@pytest.mark.parametrize("name", TO_A_FILE)
def test_an_output_that_is_no_table_file(refused, files, name):
    Path("folder").mkdir()
    files.append("folder")
    assert "folder is a folder; give the name of a file in it" in refused(name, *exchanged(name, "out.csv", "folder"))
    assert "out.xlsx ends in '.xlsx'" in refused(name, *exchanged(name, "out.csv", "out.xlsx"))
    assert "none is not a folder" in refused(name, *exchanged(name, "out.csv", "none/out.csv"))
    assert "in.csv is also the input" in refused(name, *exchanged(name, "out.csv", "in.csv"))


@pytest.mark.parametrize("name", TO_A_FOLDER)
def test_an_output_that_is_no_folder(refused, files, name):
    assert "in.csv is not a folder" in refused(name, *exchanged(name, "out", "in.csv"))
    message = refused(name, *exchanged(name, "out", "out.parquet"))
    assert "out.parquet is named as a file, and a folder of files is written" in message


@pytest.mark.parametrize("name", ["run", "segment"])
@pytest.mark.parametrize(
    ("report", "word"),
    [("r.pdf", "ends in '.pdf'"), ("none/r.html", "none is not a folder"), ("folder", "folder is a folder")],
)
def test_a_report_that_cannot_be_written(refused, files, name, report, word):
    Path("folder").mkdir()
    files.append("folder")
    assert word in refused(name, *RIGHT[name], "--report", report)


def test_an_address_is_told_from_a_windows_path():
    assert ADDRESS.match("HTTP://x")
    assert not ADDRESS.match("C:/x.csv")
    assert source("a//b.csv") == "a//b.csv"
    assert path("~") == Path.home()


def _choices(name, option):
    return next(action.choices or () for action in PARSERS[name].arguments() if option in action.option_strings)
