"""Where blocks are worked on: in this process, or on the workers of a Dask cluster."""

from gpuseg.engines.blocks import Block, Blocks, Engine, blocks_of, is_dask, is_files, matrix_of
from gpuseg.engines.local import LocalEngine, each
from gpuseg.errors import InvalidInput, UnsupportedOnBackend, unknown

__all__ = ["Block", "Blocks", "Engine", "blocks_of", "each", "engine_for", "is_dask", "is_files", "matrix_of"]


def engine_for(blocks: Blocks, backend: str, name: str = "auto", *, keep: bool = True) -> Engine:
    """Return the engine that walks the blocks: the named one, else Dask for a Dask array only.

    Without ``keep`` Dask's workers hold nothing: results stay lazy, and hang off the caller's own graph.
    """
    if name not in ("auto", "local", "dask"):
        raise unknown("engine", name, ("auto", "local", "dask"))
    if name == "local" and blocks.lazy:
        raise InvalidInput("engine='local' got a Dask array; use engine='dask', or pass X.compute()")
    if name == "dask" or blocks.lazy:
        try:
            from gpuseg.engines.dask import DaskEngine
        except ModuleNotFoundError as error:
            raise UnsupportedOnBackend(f"engine='dask' needs {error.name}; install gpuseg[dask]") from error
        return DaskEngine.of(blocks, backend, keep=keep)
    return LocalEngine.of(blocks, backend)
