"""Read the transactions of Online Retail I and II: one schema, and no row twice."""

import os
from itertools import pairwise

import polars as pl

from gpuseg.datasets._files import place
from gpuseg.errors import InvalidFile, InvalidInput, listed
from gpuseg.io.tables import open_table
from gpuseg.io.text import Reading, Scan, convert, ids, numbers, plain
from gpuseg.io.times import times
from gpuseg.settings import say

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
OF_II = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
"""What the columns of Online Retail II are called in Online Retail."""


def read_online_retail(path: str | os.PathLike[str], *more: str | os.PathLike[str]) -> pl.DataFrame:
    r"""Return the rows of one or several files under the column names of Online Retail, in order of their times.

    InvoiceNo, StockCode, Description and Country are text, Quantity and CustomerID whole numbers, UnitPrice
    is a decimal, InvoiceDate a time, missing where its text is none. Files: Parquet or CSV of UCI's Online
    Retail (2010-12-01 to 2011-12-09) and of either sheet of Online Retail II (Chen 2015 and 2019). The rows of
    2010-12-01 to 2010-12-09 stand in both sheets: from the day on which a later file begins, the earlier one is
    cut, which is said. Nothing else is cleaned.

    Raises InvalidFile for a file that cannot be read, or has other columns or kinds of values, and InvalidInput
    for what is no path and where the rows to be cut are not those of the later file.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "retail.csv")
    >>> _ = path.write_text("Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    ...                     "489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.95,13085.0,France\n")
    >>> read_online_retail(path).select("InvoiceNo", "UnitPrice", "CustomerID").rows()
    [('489434', 6.95, 13085)]
    """
    tables = {source: _read(source) for source in map(place, (path, *more))}
    by_time = sorted(tables.items(), key=lambda item: item[1]["InvoiceDate"].min())  # type: ignore[arg-type, return-value]
    parts = [_before(*earlier, *later) for earlier, later in pairwise(by_time)]
    return pl.concat([*parts, by_time[-1][1]])


def _read(source: str) -> pl.DataFrame:
    frame = open_table(source, text=True).eager().lazy().to_native()
    names = frame.collect_schema().names()
    frame = frame.rename({old: new for old, new in OF_II.items() if old in names and new not in names})
    schema = frame.collect_schema()
    if missing := [name for name in COLUMNS if name not in schema]:
        raise InvalidFile(
            f"{source} has no column {listed(missing)}; give a file of Online Retail or Online Retail II with the "
            f"columns {listed(COLUMNS)}"
        )
    readings = [
        _text("InvoiceNo"),
        _text("StockCode"),
        _text("Description"),
        numbers("Quantity", schema["Quantity"]),
        times(Scan(frame), "InvoiceDate", schema["InvoiceDate"]),
        numbers("UnitPrice", schema["UnitPrice"]),
        ids("CustomerID", schema["CustomerID"]),
        _text("Country"),
    ]
    table = frame.select(c.expression for c in convert(Scan(frame), readings)).collect()
    table = table.with_columns(_whole(source, table[name]) for name in ("Quantity", "CustomerID"))
    table = table.cast({"UnitPrice": pl.Float64})
    if table["InvoiceDate"].null_count() == table.height:
        raise InvalidFile(f"{source} has no row with an InvoiceDate; give a file with rows")
    return table


def _text(column: str) -> Reading:
    return plain(pl.col(column).cast(pl.String))


def _whole(source: str, column: pl.Series) -> pl.Series:
    """Return a column as whole numbers; raise InvalidFile where a value is none, which a cast would cut or refuse."""
    whole = column.cast(pl.Int64, strict=False)
    odd = column.filter(column.is_not_null() & (whole.is_null() | (whole.cast(column.dtype) != column)))
    if odd.is_empty():
        return whole
    raise InvalidFile(
        f"{source} has a {column.name} that is no whole number in {len(odd):,} of {len(column):,} rows, for example "
        f"{odd.item(0)}; give a file of Online Retail or Online Retail II as published"
    )


def _before(earlier: str, rows: pl.DataFrame, later: str, others: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the earlier file until the day on which the later one begins."""
    begin = others.select(pl.col("InvoiceDate").min().dt.truncate("1d")).item()
    cut = rows.filter(pl.col("InvoiceDate") >= begin)
    if cut.is_empty():
        return rows
    differing = cut.join(others, on=list(COLUMNS), how="anti", nulls_equal=True).height
    if differing:
        raise InvalidInput(
            f"{earlier} has {differing:,} rows since {begin:%Y-%m-%d} that {later}, which begins then, has not; "
            "give files of different times, or that share their rows"
        )
    say(f"{earlier}: {cut.height:,} rows since {begin:%Y-%m-%d} are left out, as {later} has them too")
    return rows.filter((pl.col("InvoiceDate") < begin).fill_null(True))
