"""The conda recipe asks for what the package asks for: nobody can solve it here, but drift can be told."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RECIPE = dict(re.findall(r"^  - ([\w-]+) ([<>=].+)$", (ROOT / "environment.yml").read_text(), re.MULTILINE))
"""What conda calls it, and its versions."""


@pytest.mark.parametrize("asked", PROJECT["dependencies"])
def test_the_recipe_has_every_dependency(asked):
    need = Requirement(asked)
    assert SpecifierSet(RECIPE[need.name]) == need.specifier


@pytest.mark.parametrize("flavour", ["12", "13"])
def test_the_recipe_has_the_release_of_the_extras(flavour):
    asked = [Requirement(line) for line in PROJECT["optional-dependencies"][f"cuda{flavour}"]]
    names = {re.sub(rf"-(cu|cuda){flavour}x?$", "", need.name): str(need.specifier) for need in asked}
    in_conda = {name: re.sub(r"^==([\d.]+)\.\*$", r"=\1", versions) for name, versions in names.items()}
    assert in_conda.items() <= RECIPE.items()


def test_the_recipe_has_the_pythons_of_the_package():
    assert SpecifierSet(RECIPE["python"]) == SpecifierSet(PROJECT["requires-python"])
