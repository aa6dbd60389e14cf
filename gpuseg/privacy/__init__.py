"""Columns that hold data about persons, told by what their values look like."""

from gpuseg.privacy.columns import Traces, both, personal_kind, traces_in
from gpuseg.privacy.shapes import shown_value

__all__ = ["Traces", "both", "personal_kind", "shown_value", "traces_in"]
