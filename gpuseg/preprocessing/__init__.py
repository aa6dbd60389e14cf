"""From a customer table to a matrix that can be clustered, and back into the user's units."""

from gpuseg.preprocessing._walk import NothingKept, Prepared
from gpuseg.preprocessing.preprocessor import Preprocessor
from gpuseg.preprocessing.report import ColumnReport, Report
from gpuseg.preprocessing.schema import is_id_name
from gpuseg.preprocessing.transforms import LARGEST

__all__ = ["LARGEST", "ColumnReport", "NothingKept", "Prepared", "Preprocessor", "Report", "is_id_name"]
