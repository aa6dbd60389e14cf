"""What an index is worked out of: rows of finite numbers in float64, and a whole number a row."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

from gpuseg.backends import Array, Host, to_host
from gpuseg.engines import is_dask
from gpuseg.engines.blocks import check_weights, refuse_odd, refuse_weight, refuse_weightless
from gpuseg.errors import InvalidInput
from gpuseg.neighbors.sample import rows_of


def checked(x: Any, labels: Any) -> tuple[Array, Array]:
    """Return the rows and their labels, both where the rows are; raise InvalidInput where these are no such pair."""
    if is_dask(x) or is_dask(labels):
        raise InvalidInput("x or labels is a Dask collection; pass rows in memory, as x.compute()")
    rows = x if is_array_api_obj(x) else np.asarray(x)
    xp = array_namespace(rows)
    of = labels if is_array_api_obj(labels) and array_namespace(labels) is xp else np.asarray(to_host(labels))
    if rows.ndim != 2 or not rows.shape[1]:  # noqa: PLR2004 - a matrix
        raise InvalidInput(f"x has shape {tuple(rows.shape)}; pass two dimensions, rows and features")
    if isinstance(rows, np.ndarray) and rows.dtype.kind not in "biuf":
        raise InvalidInput(f"x holds {rows.dtype}; pass an array of numbers")
    if tuple(of.shape) != (rows.shape[0],) or not array_namespace(of).isdtype(of.dtype, ("integral", "real floating")):
        raise InvalidInput(
            f"labels are {of.dtype} of shape {tuple(of.shape)}; pass a number a row, -1 for noise, ({rows.shape[0]},)"
        )
    return rows, xp.asarray(of, device=device(rows))


def weights_of(x: Array, sample_weight: Any) -> Host | None:
    """Return one weight a row on the host, None where none were given; raise InvalidInput for what are none."""
    if sample_weight is None:
        return None
    weight = np.asarray(to_host(sample_weight))
    if weight.dtype.kind not in "biuf":
        raise InvalidInput(f"sample_weight holds {weight.dtype}; give a number of 0 or more a row")
    weight = weight.astype(np.float64)
    check_weights(weight, x.shape[0])
    refuse_weightless(float(np.max(refuse_weight(weight), initial=0.0)))
    return weight


def finite_rows(x: Array, picked: Array) -> Array:
    """Return the picked rows in float64; raise InvalidInput where one of them is not finite.

    In float32 the expanded square of a distance loses clusters that lie close together and far from the mean.
    """
    xp = array_namespace(x)
    rows = xp.astype(rows_of(x, picked), xp.float64, copy=False)
    refuse_odd(rows, None, at_least=True)
    return rows
