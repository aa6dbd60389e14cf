"""Read the CDNOW transactions as they were published: lines of numbers between blanks."""

import os
from pathlib import Path

import polars as pl

from gpuseg.datasets._files import place
from gpuseg.errors import InvalidFile
from gpuseg.io.dialect import unreadable

FIELDS = {
    4: ("customer_id", "date", "quantity", "amount"),
    5: ("master_id", "customer_id", "date", "quantity", "amount"),
}
"""The columns by the number of fields: the master file has 4, the 1/10 sample 5."""


def read_cdnow(path: str | os.PathLike[str]) -> pl.DataFrame:
    r"""Return the CDNOW transactions: customer_id (whole number), date, quantity (CDs), amount (dollars).

    ``path``: CDNOW_master.txt (customer, yyyymmdd, CDs, dollars) or CDNOW_sample.txt, which has the customer's
    number in the sample after the one in the master; the former is the ``customer_id``. The data are those
    of Fader and Hardie, "Forecasting Repeat Sales at CDNOW" (Interfaces, 2001). Raises InvalidFile for a
    file that cannot be read or holds something else, InvalidInput for what is no path.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "CDNOW_master.txt")
    >>> _ = path.write_text(" 00001 19970101  1   11.77\n 00002 19970112  5   77.00\n")
    >>> read_cdnow(path).rows()
    [(1, datetime.date(1997, 1, 1), 1, 11.77), (2, datetime.date(1997, 1, 12), 5, 77.0)]
    """
    lines = pl.Series("line", _text(path).splitlines(), dtype=pl.String).to_frame().with_row_index("number", offset=1)
    fields = lines.select("number", pl.col("line").str.extract_all(r"\S+")).filter(pl.col("line").list.len() > 0)
    if fields.is_empty():
        raise InvalidFile(f"{path} has no lines; give CDNOW_master.txt or CDNOW_sample.txt as published")
    width = fields["line"].list.len()
    names = FIELDS.get(width.item(0), FIELDS[4])
    parts = {name: pl.col("line").list.get(at, null_on_oob=True) for at, name in enumerate(names)}
    table = fields.select(
        "number",
        parts["customer_id"].cast(pl.Int64, strict=False).alias("customer_id"),
        parts["date"].str.to_date("%Y%m%d", strict=False).alias("date"),
        parts["quantity"].cast(pl.Int64, strict=False).alias("quantity"),
        parts["amount"].cast(pl.Float64, strict=False).alias("amount"),
    )
    odd = table.filter(
        (width != len(names)) | pl.any_horizontal(pl.all().is_null()) | ~pl.col("amount").is_finite().fill_null(False)
    )
    if not odd.is_empty():
        raise InvalidFile(
            f"{path}, line {odd['number'].item(0)}: there are no {len(names)} fields {', '.join(names)}, "
            "of numbers and a day as in 19970101; give CDNOW_master.txt or CDNOW_sample.txt as published"
        )
    return table.drop("number")


def _text(path: str | os.PathLike[str]) -> str:
    try:
        return Path(place(path)).read_text(encoding="ascii")
    except (OSError, UnicodeError) as error:
        raise unreadable(path, error, kind="the CDNOW data") from error
