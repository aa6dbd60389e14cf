"""The report as a file: a page of HTML or a text of Markdown, whole or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuseg.features import CleaningReport
from gpuseg.io.write import check_writable, whole
from gpuseg.report.markdown import markdown
from gpuseg.report.page import render
from gpuseg.report.summary import summary
from gpuseg.settings import MIN_REPORT_SIZE

FORMS = {".html": render, ".md": markdown}
"""How a summary is written, by what the file's name ends in."""
ENDINGS = tuple(FORMS)
"""What a report's name ends in."""


def write_report(
    path: str | Path,
    card: Mapping[str, Any],
    *,
    cleaning: CleaningReport | Mapping[str, Any] | None = None,
    title: str | None = None,
    min_report_size: int = MIN_REPORT_SIZE,
) -> Path:
    """Write the report of a model card to an .html or .md file, whole or not at all; return the path.

    ``card``, ``cleaning``, ``title`` and ``min_report_size`` as for ``summary``. The file holds aggregates only and
    loads nothing. Raises InvalidFile for a path that cannot be written, InvalidInput for what is no card.

    >>> import gpuseg, pathlib, polars as pl, tempfile
    >>> customers = pl.DataFrame({"spend": [1.0, 2, 1, 2, 90, 91, 92, 90]})
    >>> with gpuseg.config(notices="off"):
    ...     card = gpuseg.Segmenter().fit(customers).card_
    >>> page = write_report(pathlib.Path(tempfile.mkdtemp(), "report.html"), card).read_text()
    >>> "<h1>2 segments of 8 customers</h1>" in page
    True
    """
    place = Path(path)
    check_writable(place, ENDINGS)
    text = FORMS[place.suffix.lower()](summary(card, cleaning=cleaning, title=title, min_report_size=min_report_size))
    with whole(place) as file:
        # A lone surrogate, as file names and broken text hold, has no UTF-8.
        file.write(text.encode(errors="replace"))
    return place
