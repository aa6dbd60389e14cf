"""These tests need RAPIDS and no GPU; where it is not installed only test_release.py is collected, and says so."""

from importlib.util import find_spec
from pathlib import Path

NEEDED = ("cuml", "cudf", "cupy", "rmm", "dask_cuda")
LACKING = [name for name in NEEDED if find_spec(name) is None]
collect_ignore = [p.name for p in Path(__file__).parent.glob("*.py") if LACKING and p.name != "test_release.py"]
