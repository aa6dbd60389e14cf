"""What the README and the notebooks say runs as it is written."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own README
    assert "segment" in capsys.readouterr().out


def test_the_tree_of_the_readme_is_the_tree():
    tree = re.search(r"```\ngpuseg/\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)[1]
    drawn = {word for line in tree.splitlines() for word in line.split() if re.fullmatch(r"\w+(/|\.py)", word)}
    drawn -= {"local.py", "dask.py", "cpu.py", "cuda.py"}
    package = ROOT / "gpuseg"
    there = {f"{p.name}/" for p in package.iterdir() if (p / "__init__.py").exists()}
    there |= {p.name for p in package.glob("*.py") if not p.name.startswith("_")}
    assert drawn == there


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # of the kernel's own libraries
def test_a_notebook_runs_and_is_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    NotebookClient(notebook, timeout=120).execute()
