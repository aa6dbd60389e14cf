"""From a customer table to a matrix that can be clustered, and back into the user's units."""

from gpuseg.preprocessing.preprocessor import Preprocessor
from gpuseg.preprocessing.report import ColumnReport, Report

__all__ = ["ColumnReport", "Preprocessor", "Report"]
