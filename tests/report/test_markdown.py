"""The report as text: every figure of the page, and no markup from data."""

import re

from gpuseg.card import profile_of
from gpuseg.notebook import shown
from gpuseg.report import markdown, render, summary, write_report
from gpuseg.report.markdown import escaped
from tests.report.conftest import HOSTILE


def test_it_has_the_sections_of_the_page_in_their_order(card):
    told = summary(card)
    headings = re.findall("^## (.*)$", markdown(told), re.MULTILINE)
    assert headings == re.findall("<h2[^>]*>(.*?)</h2>", render(told))
    assert len(headings) == 7


def test_it_has_the_figures_of_the_profile(card):
    text = markdown(summary(card))
    cells = {cell.strip() for line in text.splitlines() for cell in line.split("|")}
    frame = profile_of(card["profile"])
    for name in ("spend_mean", "age_mean", "joined_mean", "member_share"):
        assert {escaped(shown(name, value)) for value in frame[name]} <= cells, name
    assert "SHA-256 " + card["training_data_sha256"] in text


def test_no_markup_comes_from_data(hostile_card):
    text = markdown(summary(hostile_card, title="".join(HOSTILE)))
    assert not re.search(r"(?<!\\)[<>]", text)
    assert not re.search(r"(?<!\\)[`*\[$]", text)
    for line in text.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) >= 3


def test_tables_are_even(card):
    rows = [line for line in markdown(summary(card)).splitlines() if line.startswith("| ")]
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    head = [width for row, width in zip(rows, widths, strict=True) if "---" in row]
    assert len(head) >= 4
    assert set(widths) == set(head)


def test_it_is_written_by_the_files_ending(card, tmp_path):
    path = write_report(tmp_path / "r.MD", card, title="Ours")
    assert path.read_text(encoding="utf-8").startswith("# Ours\n\nkmeans, ")
