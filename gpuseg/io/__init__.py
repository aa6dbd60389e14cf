"""Read and write tables; a model's state <-> a zip."""

from gpuseg.io.parted import PartedTable
from gpuseg.io.tables import Opened, open_table, read_table, write_table

__all__ = ["Opened", "PartedTable", "open_table", "read_table", "write_table"]
