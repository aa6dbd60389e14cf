"""One offline file on a fitted model, HTML or Markdown: aggregates only, every name escaped.

``summary`` collects plain values, ``render`` writes them as a page, a template a section, in the folder templates;
``markdown`` writes them as text.
"""

from gpuseg.report.markdown import markdown
from gpuseg.report.page import render
from gpuseg.report.summary import summary
from gpuseg.report.write import ENDINGS, write_report

__all__ = ["ENDINGS", "markdown", "render", "summary", "write_report"]
