import threading

import nbformat
import pytest
from nbclient import NotebookClient

import gpuseg
from gpuseg.errors import InvalidInput
from gpuseg.progress import bar, watched
from gpuseg.settings import say, settings, wished_backend, worded


def test_the_argument_wins_over_the_context_and_the_context_over_the_variable(monkeypatch):
    assert wished_backend("auto").name == "auto"
    monkeypatch.setenv("GPUSEG_BACKEND", "cuda")
    assert wished_backend("auto") == ("cuda", "asked for by GPUSEG_BACKEND")
    with gpuseg.config(backend="cpu"):
        assert wished_backend("auto") == ("cpu", "asked for by gpuseg.config")
        assert wished_backend("cuda") == ("cuda", "asked for by name")
        with gpuseg.config(backend="auto"):
            assert wished_backend("auto").name == "auto"
        assert wished_backend("auto").name == "cpu"
    assert wished_backend("auto").name == "cuda"


def test_what_is_not_named_stays_and_an_error_ends_the_block():
    with gpuseg.config(notices="off"), gpuseg.config(backend="cpu") as now:
        assert now[:3] == ("cpu", "off", None)

    def broken():
        with gpuseg.config(backend="cpu"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert settings()[:3] == (None, "stdout", None)


def test_another_thread_has_its_own_settings():
    found = []
    with gpuseg.config(backend="cpu"):
        thread = threading.Thread(target=lambda: found.append(settings().backend))
        thread.start()
        thread.join()
    assert found == [None]


@pytest.mark.parametrize("wrong", [{"backend": "gpu"}, {"notices": "loud"}])
def test_a_wrong_setting_is_said(wrong):
    with pytest.raises(InvalidInput, match="is not known; allowed are"), gpuseg.config(**wrong):
        pass


def test_a_wrong_variable_is_said(monkeypatch):
    monkeypatch.setenv("GPUSEG_BACKEND", "cdua")
    with pytest.raises(InvalidInput, match=r"GPUSEG_BACKEND='cdua' is not known; .*did you mean 'cuda'"):
        wished_backend("auto")


@pytest.mark.parametrize(("where", "expected"), [("stdout", ("x\n", "")), ("stderr", ("", "x\n")), ("off", ("", ""))])
def test_notices_go_where_they_are_wanted(capsys, where, expected):
    with gpuseg.config(notices=where):
        say("x")
    assert tuple(capsys.readouterr()) == expected


def test_a_bar_is_shown_where_it_is_wanted(capsys, monkeypatch):
    assert list(bar(range(3), "k")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("CI", "true")
    assert not watched()
    monkeypatch.delenv("CI")
    assert watched()
    with gpuseg.config(progress=True):
        assert list(bar(range(3), "k")) == [0, 1, 2]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # of the kernel's own libraries
def test_a_bar_in_a_notebook_complains_of_nothing():
    code = "import gpuseg.progress\nwith gpuseg.config(progress=True): print(list(gpuseg.progress.bar('abc', 'k')))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120).execute()
    assert [output.text for output in notebook.cells[0].outputs] == ["['a', 'b', 'c']\n"]


def test_notices_are_printed_in_other_words(capsys):
    with worded(str.upper):
        say("taken by its name")
        with gpuseg.config(backend="cpu"):
            say("again")
    say("as it is")
    assert capsys.readouterr().out == "TAKEN BY ITS NAME\nAGAIN\nas it is\n"
