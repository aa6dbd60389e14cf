"""Every call into RAPIDS fits the installed release, and the check would notice if one did not."""

import ast

import pytest

from tests.rapids.calls import ROOT, callers, checked

FILES = [*callers(), ROOT / "tests" / "backends" / "test_cuda.py"]
"""The files of gpuseg that import RAPIDS, and the tests that run on a GPU only."""


def package_of(path):
    return ".".join(path.relative_to(ROOT).parent.parts)


def found(path):
    return checked(path.read_text(), package_of(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_call_fits_the_installed_release(path):
    assert found(path).problems == []


def test_the_calls_that_matter_are_among_those_found():
    names = {call.name for path in callers() for call in found(path).bound}
    assert {f"cuml.cluster.{model}" for model in ("KMeans", "DBSCAN", "HDBSCAN")} <= names
    assert {f"cuml.{model}.fit" for model in ("KMeans", "DBSCAN", "HDBSCAN")} <= names
    assert {"cudf.DataFrame.to_cupy", "cupy.cuda.runtime.memGetInfo", "cupy.asnumpy"} <= names


def with_x(source, line, column):
    """Return the source with an x more at a place, as ast counts lines and bytes."""
    lines = source.encode().split(b"\n")
    lines[line - 1] = lines[line - 1][:column] + b"x" + lines[line - 1][column:]
    return b"\n".join(lines).decode()


@pytest.mark.parametrize("path", callers(), ids=lambda path: path.name)
def test_no_name_can_be_misspelt_unnoticed(path):
    """Every name of a called function and of a parameter gets one letter more, one at a time, in a copy."""
    source, package = path.read_text(), package_of(path)
    calls = checked(source, package).bound
    assert calls
    for _, node in calls:
        own = isinstance(node.func, ast.Name)  # a function's own name, or one that an import or a line before gave
        spots = [] if own else [(node.func.end_lineno, node.func.end_col_offset)]
        spots += [(k.lineno, k.col_offset + len(k.arg.encode())) for k in node.keywords if k.arg]
        for spot in spots:
            assert checked(with_x(source, *spot), package).problems, f"{path.name}:{spot}"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import cupy as cp\ncp.asaray(1)", "cupy has no 'asaray'"),
        ("import cupy as cp\ncp.cuda.runtime.memGetInfo(1)", "too many positional arguments"),
        ("import cupy as cp\ncp.sqrt(1, 2, 3)", "too many positional arguments"),
        ("import cupy as cp\ncp.asarray()", "missing a required argument"),
        ("import cupy as cp\nz = cp.zeros(3)\nz.astpye('f4')", "cupy.ndarray has no attribute 'astpye'"),
        ("import cupy as cp\n(1 + cp.zeros(3)[:2]).astype('f4', oder='C')", "unexpected keyword argument 'oder'"),
        ("import cupy as cp\nf = lambda x: cp.asarray(x, dtyp='f4')", "unexpected keyword argument 'dtyp'"),
        ("import cupy as cp\n[cp.asarray(x, dtyp='f4') for x in y]", "unexpected keyword argument 'dtyp'"),
        ("import cupy as cp\nwith cp.cuda.Device(9) as d:\n    d.sync()", "cupy.Device has no attribute 'sync'"),
        ("import cuml.clusters", "there is no module cuml.clusters"),
        ("from cuml.cluster import Kmeans", "cuml.cluster has no 'Kmeans'"),
        ("from cuml import cluster\ncluster.KMeans(3)", "positional argument"),
        ("from cuml.cluster import KMeans\nKMeans().fit(0).centers_", "cuml.KMeans has no attribute 'centers_'"),
        ("from cuml.cluster import KMeans\nKMeans(convert_dtype=True)", "unexpected keyword argument"),
        ("from cuml.cluster import KMeans\no = {'n_cluster': 3}\nKMeans(**o)", "argument 'n_cluster'"),
        ("from cuml.cluster import KMeans\ndef f(**o):\n    KMeans(**o)", "whose names cannot be read"),
        ("import rmm\nrmm.mr.PoolMemoryResource(upstream=1)", "missing a required argument: 'upstream_mr'"),
        ("import rmm.mr\nrmm.mr.CudaAsyncMemoryResource(pool=1)", "unexpected keyword argument 'pool'"),
        ("from dask_cuda import LocalCUDACluster\nLocalCUDACluster(n_worker=1)", "unexpected keyword argument"),
        ("import cudf\ncudf.read_parquet(a).sum().x", "asked of what"),
        ("def f(x: Array):\n    return x.astpye(1)", "cupy.ndarray has no attribute"),
        ("def f(t: 'nw.DataFrame[Any]'):\n    t.to_native().to_cupie()", "cudf.DataFrame has no attribute 'to_cupie'"),
    ],
)
def test_a_mistake_is_told(source, problem):
    (told,) = checked(source, "gpuseg.backends").problems
    assert problem in told


def test_what_is_right_is_bound_wherever_it_stands():
    source = """
import cupy as cp
from dask_cuda import LocalCUDACluster
from cuml.cluster import HDBSCAN, KMeans

def fit(x: Array, **options):
    common = {"max_iter": 3, "output_type": "cupy"}
    model = KMeans(n_clusters=2, **common)
    tree = HDBSCAN(min_samples=3).fit(x - cp.mean(x))._single_linkage_tree
    return model.fit(late(x)).labels_.astype(int), tree[:, :2].astype(int)

def late(x: Array) -> Array:
    with LocalCUDACluster(n_workers=1, rmm_pool_size=0.5, protocol="tcp", dashboard_address=None):
        return cp.asarray(x, dtype=cp.float32)
"""
    names = [call.name for call in checked(source, "gpuseg.backends").bound]
    assert checked(source, "gpuseg.backends").problems == []
    assert len(names) == 9
    assert names.count("cupy.ndarray.astype") == 2
