"""Tables on a GPU, where there is one: a library more for every test that takes tables of any."""

import pyarrow as pa

from gpuseg.backends.devices import gpu_missing


def in_cudf(table):
    """Return a table of Polars or Arrow in cuDF."""
    import cudf

    return cudf.DataFrame.from_arrow(table if isinstance(table, pa.Table) else table.to_arrow())


CUDF = {} if gpu_missing() else {"cudf": in_cudf}
