"""The tables of notebooks: words wrap where they are long, and numbers do not."""

from gpuseg.html import LONG, Bar, Text, table_html


def test_a_long_text_goes_on_in_a_second_line_and_a_bar_does_not():
    words = "a" * (LONG + 1)
    page = table_html("t", [Text("rule"), "n"], [[Text(words), "1"], [Text("short"), words], [Bar(0.5, words), "2"]])
    assert page.count('class="text long"') == 1
    assert f'<td class="text long">{words}</td>' in page
    assert '<td class="text">short</td>' in page
