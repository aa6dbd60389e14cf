"""One offline HTML file on a fitted model: aggregates only, every name escaped.

``summary`` collects plain values, ``render`` writes them as a page: a template a section, in the folder templates.
"""

from gpuseg.report.page import ENDINGS, render, write_report
from gpuseg.report.summary import summary

__all__ = ["ENDINGS", "render", "summary", "write_report"]
