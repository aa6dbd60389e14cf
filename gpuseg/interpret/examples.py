"""Customers who are typical of a segment: for Python alone, never to be written."""

import numpy as np
import polars as pl

from gpuseg.interpret.evidence import Evidence
from gpuseg.interpret.values import column_of


def nearest(evidence: Evidence, segment: int, n: int) -> pl.DataFrame:
    """Return the customers of a segment nearest to what represents it: id, their columns, and their distance.

    In the user's units, yes and no as such, categories by their levels; of equally near ones the order is that of the
    sample, which hangs on their values.
    """
    rows = np.flatnonzero(evidence.segments == segment)
    rows = rows[np.argsort(evidence.distance[rows], kind="stable")[:n]]
    columns = [column_of(field, evidence.raw[rows, at]) for at, field in enumerate(evidence.fields)]
    distance = pl.Series("distance_to_segment", evidence.distance[rows])
    return pl.DataFrame([evidence.ids.gather(rows), *columns, distance])
