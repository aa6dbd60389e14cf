"""What is known of customers as one table by id: every column of a sample, and single columns of all."""

from collections.abc import Sequence

import narwhals as nw
import polars as pl

from gpuseg.engines.parts import Parts
from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.pairing import ROW
from gpuseg.interpret.values import decoded
from gpuseg.io.tables import Frame


def known_of(evidence: Evidence, parts: Parts, id_column: str | None, wanted: Sequence[str]) -> pl.DataFrame:
    """Return the ids of customers with the wanted columns of all, and the other columns of the sample.

    ``parts``: the customer table in parts. ``id_column``: the ids in it; None numbers the rows from 0, as "row".
    Columns of the sample are missing for customers who are not in it, and where none is wanted, these are left out.
    """
    on = ROW if id_column is None else id_column
    others = [column for column in decoded(evidence).get_columns() if column.name not in (on, *wanted)]
    sample = pl.DataFrame([*others, evidence.ids.alias(on)])
    if not wanted:
        return sample
    names = list(dict.fromkeys([*([] if id_column is None else [id_column]), *wanted]))
    whole = whole_of(parts, names)
    whole = whole.with_row_index(ROW) if id_column is None else whole
    return whole.with_columns(whole.get_column(on).cast(evidence.ids.dtype)).join(
        sample, on=on, how="left", maintain_order="left"
    )


def whole_of(parts: Parts, names: Sequence[str]) -> pl.DataFrame:
    """Return columns of a table in parts, all rows here."""
    return pl.concat([nw.from_native(one).to_polars() for one in parts.collect(_chosen, names)])


def _chosen(frame: Frame, names: Sequence[str]) -> Frame:
    """Return some columns of a part."""
    return frame.select(*names)
