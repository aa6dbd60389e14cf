"""What a fitted preprocessor does to a block: plain arrays, and the functions that apply and undo them."""

from typing import Any, NamedTuple, Self

import numpy as np
from array_api_compat import array_namespace

from gpuseg.backends import Array, Host
from gpuseg.engines import Block
from gpuseg.preprocessing.levels import nearest_codes
from gpuseg.preprocessing.transforms import Preparation, beside, finite, prepared, taken, unbent


class Plan(NamedTuple):
    """Every number that transforming needs.

    ``measured`` and ``coded`` are places in the raw matrix; ``flagged`` are places among the measured
    columns that get a 0/1 column for missing values; ``tables`` hold the features of each code of each
    coded column and ``code_fill`` the code of a missing one. Features are made in the order measured,
    flagged, coded; ``order`` puts those of one column side by side, and leaves out what does not vary.
    """

    measured: Host
    coded: Host
    flagged: Host
    preparation: Preparation
    center: Host
    scale: Host
    code_fill: Host
    tables: list[Host]
    order: Host

    def state(self) -> dict[str, Any]:
        """Return the plan as a dict of arrays."""
        return {**self._asdict(), "preparation": self.preparation._asdict()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Return the plan that ``state`` was taken from."""
        return cls(**{**state, "preparation": Preparation(**state["preparation"])})

    def within(self, kept: Host) -> Self:
        """Return the plan for a raw matrix that has only the columns ``kept``, rising places."""
        return self._replace(measured=np.searchsorted(kept, self.measured), coded=np.searchsorted(kept, self.coded))


def features_of(block: Block, plan: Plan) -> tuple[Array]:
    """Return the features of a block's rows, (rows, features), in the block's float type."""
    xp = array_namespace(block.x)
    values = finite(taken(block.x, plan.measured))
    center, scale = (beside(block.x, numbers)[None, :] for numbers in (plan.center, plan.scale))
    parts = [
        (prepared(values, plan.preparation) - center) / scale,
        xp.astype(xp.isnan(taken(values, plan.flagged)), xp.float64),
    ]
    for at, fill, table in zip(plan.coded, plan.code_fill, plan.tables, strict=True):
        parts.append(_looked_up(block.x, int(at), float(fill), table))
    features = xp.take(xp.concat(parts, axis=1), beside(block.x, plan.order), axis=1)
    return (xp.astype(features, block.x.dtype),)


def raw_of(features: Host, plan: Plan) -> Host:
    """Return the raw matrix that features come from: measured columns, then codes."""
    width = len(plan.measured)
    parts = np.zeros((len(features), width + len(plan.flagged) + sum(table.shape[1] for table in plan.tables)))
    parts[:, plan.order] = features
    values = unbent(parts[:, :width] * plan.scale + plan.center, plan.preparation)
    codes, at = [], width + len(plan.flagged)
    for table in plan.tables:
        codes.append(nearest_codes(parts[:, at : at + table.shape[1]], table))
        at += table.shape[1]
    return np.column_stack([values, *codes])


def _looked_up(x: Array, at: int, fill: float, table: Host) -> Array:
    xp = array_namespace(x)
    codes = taken(x, np.array([at]))[:, 0]
    codes = xp.where(xp.isnan(codes), xp.full_like(codes, fill), codes)
    return xp.take(beside(x, table), xp.astype(codes, xp.int64), axis=0)
