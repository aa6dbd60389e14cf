"""The docstring of the room says what each of its files is for."""

from importlib.resources import files

from gpuseg import interpret


def test_every_file_is_told_of():
    names = {file.name.removesuffix(".py") for file in files(interpret).iterdir() if file.is_file()} - {"__init__"}
    assert len(names) > 30
    assert not {name for name in names if f"``{name}``" not in interpret.__doc__}
