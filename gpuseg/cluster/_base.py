"""What every clusterer shares: checked input as blocks, and the choice of who works, said aloud."""

from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, Self

import narwhals as nw
import numpy as np
from array_api_compat import array_namespace

from gpuseg._estimator import ClusterMixin, Stored, check_is_fitted, clone, seed_of, validate_data
from gpuseg.backends import Array, Backend, Host, Kernel, Task, holder, like
from gpuseg.cluster._words import holds_words, refuse_columns, refuse_kind
from gpuseg.engines import (
    Blocks,
    Engine,
    Site,
    blocks_of,
    check_engine,
    each,
    is_dask,
    is_files,
    plain_engine,
    site_of,
)  # fmt: skip
from gpuseg.engines.blocks import carried, check_weights, refuse_odd, refuse_weight, refuse_weightless
from gpuseg.errors import InvalidInput, UnsupportedOnBackend, listed
from gpuseg.io import open_table
from gpuseg.io.files import found
from gpuseg.settings import log

__all__ = [
    "FLOATS",
    "Clusterer",
    "Dispatch",
    "Work",
    "check_is_fitted",
    "given_back",
    "in_callers_library",
    "seed_of",
]


FLOATS = [np.float64, np.float32]


class Dispatch(NamedTuple):
    """Who worked, and why: for the log, the model card and the report. ``steps``: what ran out of memory before."""

    backend: str
    engine: str
    solver: str
    reason: str
    steps: tuple[str, ...] = ()


class Work(NamedTuple):
    """Input ready to be worked on; ``whole`` is the matrix where the backend works, None where it comes in blocks."""

    blocks: Blocks
    backend: Backend
    engine: Engine
    reason: str
    steps: tuple[str, ...] = ()
    whole: Any = None

    def kernel(self, body: Kernel, n_clusters: int) -> Kernel:
        """Return the backend's kernel for passes over these rows with so many centres, or its array body."""
        return self.backend.kernel_or(body, work=sum(self.blocks.sizes) * self.blocks.n_features * n_clusters)


class Clusterer(ClusterMixin, Stored):
    """The base of the estimators; a subclass has parameters ``backend`` and ``engine``.

    ``_fit_name`` is the row of the backends' ``fits`` without which fitting is impossible. ``in_blocks``: whether rows
    may come block by block, from files or on workers; ``beyond``: what is done with more rows than an exact fit takes;
    ``metrics``: between rows; ``places_alike``: whether ``predict`` gives the rows of the fit their ``labels_``.
    """

    backend: str
    engine: Any
    feature_names_in_: Any
    in_blocks: ClassVar[bool] = False
    beyond: ClassVar[str] = "refused"
    metrics: ClassVar[tuple[str, ...]] = ("euclidean",)
    places_alike: ClassVar[bool] = True
    _fit_name: ClassVar[str | None] = None

    def twin(self, share: float) -> Self:  # noqa: ARG002 - algorithms with parameters that count rows need it
        """Return an unfitted one like this for a sample that is this share of all rows: what counts rows is scaled."""
        return clone(self).set_params(engine="auto")

    def _open(self, x: Any, sample_weight: Any = None, *, reset: bool) -> Work:
        """Return checked blocks, the backend, and the engine that has the blocks on their devices."""
        site = site_of(self.engine, lazy=is_dask(x))
        blocks = self._blocks(x, sample_weight, site, reset=reset)
        fit, task = (self._fit_name, self._task(blocks)) if reset else (None, None)
        return self._work(blocks, site, fit=fit, task=task, reset=reset)

    def _work(self, blocks: Blocks, site: Site, *, fit: str | None, task: Task | None, reset: bool) -> Work:
        """Return blocks with the backend chosen for a fit of that name and task, and the engine that has them there."""
        backend, reason, steps, thrifty = site.choose(blocks.held, self.backend, fit=fit, task=task)
        # What no library has to fit goes on in blocks where memory ran out before.
        in_blocks = thrifty and fit is None
        if in_blocks or not blocks.in_memory or site.name == "dask":
            engine = site.engine(blocks, backend.name, keep=reset, thrifty=in_blocks)
            return Work(blocks, backend, engine, reason, steps)
        # One crossing for all rows, so that no backend has the blocks and the whole of them.
        whole = carried(blocks.held, backend)
        there = replace(blocks, parts=blocks_of(whole).parts, held=whole)
        return Work(blocks, backend, site.engine(there, backend.name, keep=reset), reason, steps, whole)

    def _whole(self, x: Any, sample_weight: Any = None) -> Work:
        """Return what ``_open`` does of rows in memory, for fits that need all of them in one array."""
        check_engine(self.engine)
        if is_dask(x) or is_files(x) or plain_engine(self.engine) == "dask":
            raise UnsupportedOnBackend(
                f"{type(self).__name__} got Dask or file input, or engine='dask', and needs all rows in memory; pass "
                "an array or a table in memory, a sample if all rows do not fit, or use KMeans"
            )
        return self._open(x, sample_weight, reset=True)

    def _task(self, blocks: Blocks) -> Task:
        """Return what there is to plan: a subclass adds the parameters that its needs depend on."""
        name, rows = type(self).__name__.lower(), sum(blocks.sizes)
        if not blocks.in_memory:
            return Task(name, rows, blocks.n_features, streamed=True)
        holding, itemsize = holder(blocks.held), array_namespace(blocks.held).finfo(blocks.held.dtype).bits // 8
        held = None if holding is None else holding.name
        return Task(name, rows, blocks.n_features, itemsize, held=held)

    def _blocks(self, x: Any, sample_weight: Any, site: Site, *, reset: bool) -> Blocks:
        if is_dask(x) or is_files(x):
            if is_files(x):
                x = [path for each in (x if isinstance(x, list) else [x]) for path in found(each)]
            names = None if reset else getattr(self, "feature_names_in_", None)
            refuse_kind(x)
            blocks = blocks_of(x, sample_weight, names=names, site=site, keep=reset)
            self._match(blocks.n_features, blocks.names, reset=reset)
            return blocks
        x = self._array(x, reset=reset)
        names = getattr(self, "feature_names_in_", None)
        walk = each if isinstance(x, np.ndarray) else map
        refuse_odd(x, None if names is None else list(names), walk=walk)
        if sample_weight is not None:
            sample_weight = _weights(sample_weight, x)
        return blocks_of(x, sample_weight, missing=True)

    def _array(self, x: Any, *, reset: bool) -> Array:
        """Return a matrix of floats: host data by scikit-learn's checks, device data where it is."""
        table = nw.from_native(x, pass_through=True)
        if isinstance(table, nw.LazyFrame) or (isinstance(table, nw.DataFrame) and table.implementation.is_pyarrow()):
            x = open_table(x).eager().to_polars()
        refuse_columns(x)
        held = holder(x)
        if held is None or held.name == "cpu":
            return validate_data(self, x, dtype=FLOATS, order="C", ensure_all_finite=False, reset=reset)
        names = None
        if isinstance(table, nw.DataFrame):
            names, x = tuple(table.columns), held.matrix(table)
        if x.ndim != 2:  # noqa: PLR2004 - a matrix
            raise InvalidInput(f"X has shape {tuple(x.shape)}; pass two dimensions, rows and features")
        self._match(x.shape[1], names, reset=reset)
        xp = array_namespace(x)
        # Row by row, as blocks are cut: cuDF gives its columns one after the other.
        return held.to_device(x if xp.isdtype(x.dtype, "real floating") else xp.astype(x, xp.float64))

    def _match(self, n_features: int, names: tuple[str, ...] | None, *, reset: bool) -> None:
        """Learn width and names of the input, or hold it against those learnt; scikit-learn does it for host data."""
        if reset:
            self.n_features_in_ = n_features
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            if names is not None:
                self.feature_names_in_ = np.asarray(names)
            return
        if n_features != self.n_features_in_:
            raise InvalidInput(
                f"X has {n_features} features; the model was fitted to {self.n_features_in_}: pass those"
            )
        learnt = getattr(self, "feature_names_in_", None)
        if names is not None and learnt is not None and list(names) != list(learnt):
            raise InvalidInput(
                f"X has columns {listed(names)}; the model was fitted to {listed(learnt)}, in this order"
            )

    def _say(self, dispatch: Dispatch) -> Self:
        self.backend_, self.dispatch_ = dispatch.backend, dispatch
        log.info("%s: %s", type(self).__name__, dispatch)
        return self


def _weights(weight: Any, x: Array) -> Array:
    """Return one weight a row, checked where it is; of host data a number may stand for that of every row."""
    if not isinstance(x, np.ndarray):
        check_weights(weight, x.shape[0])
        return weight
    given = np.asarray(weight)
    if given.dtype.kind not in "biufO" or (given.dtype.kind == "O" and holds_words(given.ravel())):
        words = "words" if given.dtype.kind == "O" else given.dtype
        raise InvalidInput(f"sample_weight holds no numbers but {words}; give a weight of 0 or more a row")
    given = np.ascontiguousarray(given, dtype=x.dtype) if given.ndim else np.full(len(x), weight, dtype=x.dtype)
    check_weights(given, len(x))
    refuse_weightless(np.max(refuse_weight(given), initial=0.0))
    return given


def given_back(values: Host, backend: Backend, blocks: Blocks) -> Array:
    """Return row-long host values as the caller works: on the device for device data, else NumPy."""
    return values if blocks.lazy else in_callers_library((backend.to_device(values),), blocks)[0]


def in_callers_library(arrays: Any, blocks: Blocks) -> tuple[Any, ...]:
    """Return row-long results as the caller works: Dask for Dask, device arrays for device arrays, else NumPy."""
    return tuple(array if blocks.lazy else like(array, blocks.held) for array in arrays)
