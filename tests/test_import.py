"""Importing gpuseg is quick, and loads nothing that costs: what is needed is loaded when it is used."""

import subprocess
import sys

HEAVY = ("sklearn", "pandas", "cupy", "cudf", "cuml", "dask", "distributed", "matplotlib", "polars", "pyarrow", "numba")


def test_import_loads_no_library_that_costs():
    code = f"import gpuseg, sys; print([m for m in {HEAVY} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_every_public_name_loads_and_no_other():
    code = "import gpuseg; print(all(getattr(gpuseg, n) is not None for n in gpuseg.__all__), hasattr(gpuseg, 'nope'))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "True False"


def test_a_star_import_gives_the_public_names():
    import gpuseg

    assert set(gpuseg.__all__) <= set(dir(gpuseg))
    assert sorted(gpuseg.__all__, key=str) == sorted(set(gpuseg.__all__), key=str)


def test_modules_load_when_they_are_named():
    code = (
        "import gpuseg, sys; print('gpuseg.plot' in sys.modules, 'plot' in dir(gpuseg), "
        "gpuseg.plot.dendrogram.__name__, gpuseg.metrics.adjusted_rand.__name__, gpuseg.datasets.make_shop.__name__)"
    )
    told = "False True dendrogram adjusted_rand make_shop"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == told


def test_choosing_a_backend_loads_no_gpu_library():
    code = (
        "import numpy as np, sys; from gpuseg.backends import choose; choose(np.zeros((2, 2)));"
        "print([m for m in ('cupy', 'cudf', 'cuml', 'dask') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
