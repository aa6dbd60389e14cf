"""The release that these tests run against is the one that gpuseg's extras ask for."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.rapids.conftest import LACKING

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.skipif(LACKING != [], reason=f"RAPIDS is not installed: {', '.join(LACKING)}")
def test_the_installed_release_is_the_one_asked_for():
    extras = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    installed = {each.name.lower().replace("_", "-"): each.version for each in distributions()}
    asked = [Requirement(line) for flavour in ("cuda12", "cuda13") for line in extras[flavour]]
    found = {need.name: installed[need.name] in need.specifier for need in asked if need.name in installed}
    assert len(found) == len(extras["cuda13"])
    assert all(found.values()), found
