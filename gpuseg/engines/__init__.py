"""Where blocks are worked on: in this process, or on the workers of a Dask cluster."""

from typing import Any

from gpuseg.engines.blocks import Block, Blocks, Engine, matrix_of
from gpuseg.engines.inputs import blocks_of, is_dask, is_files
from gpuseg.engines.local import LocalEngine, each
from gpuseg.engines.sites import Site, check_engine, is_client, plain_engine, site_of

__all__ = [
    "Block", "Blocks", "Engine", "LocalEngine", "Site", "blocks_of", "check_engine", "each", "engine_for", "is_client",
    "is_dask", "is_files", "matrix_of", "plain_engine", "site_of",
]  # fmt: skip


def engine_for(blocks: Blocks, backend: str, engine: Any = "auto", *, keep: bool = True) -> Engine:
    """Return the engine that walks the blocks where ``site_of`` says."""
    return site_of(engine, lazy=blocks.lazy).engine(blocks, backend, keep=keep)
