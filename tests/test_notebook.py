"""What a fitted segmenter shows of itself in a notebook: the summary of its report, as a table."""

import datetime as dt
import re

import numpy as np
import polars as pl

import gpuseg


def rows_of(html):
    """Return the texts of the cells of each row."""
    return [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", html)
    ]


def test_the_table_has_the_figures_of_the_profile():
    spend = np.array([1.0, 2, 1, 2, 2, 90, 91, 92, 90])
    joined = [dt.datetime(2026, 1, 1 + day) for day in range(9)]
    table = pl.DataFrame({"id": range(9), "spend": spend, "joined": joined, "<plan>": ["a"] * 5 + ["b"] * 4})
    fitted = gpuseg.Segmenter("id", n_clusters=2, value_column="spend").fit(table)
    html = fitted._repr_html_()
    head, first, second = rows_of(html)
    assert head == [
        "segment", "name", "size", "share of value", "spend, mean", "spend, median", "joined, mean", "joined, median",
        "&lt;plan&gt;, top", "&lt;plan&gt;, share of top",
    ]  # fmt: skip
    assert first[2:] == ["5 (55.6 %)", "2.2 %", "1.6", "2", "2026-01-03", "2026-01-03", "a", "100.0 %"]
    assert second[:2] == ["1", fitted.names_[1]]
    assert second[3] == "97.8 %"
    assert "2 segments of 9 customers by kmeans" in html
    assert "n_clusters=2 was asked for" in html


def test_noise_is_the_last_row_and_small_segments_are_told_of():
    x = np.concatenate([np.random.default_rng(0).normal(at, 0.1, (6, 2)) for at in (0, 9)] + [[[50.0, 50.0]]])
    fitted = gpuseg.Segmenter(algorithm="dbscan", algorithm_params={"eps": 0.5, "min_samples": 3}).fit(x)
    assert [row[0] for row in rows_of(fitted._repr_html_())] == ["segment", "0", "1", "noise"]
    assert rows_of(fitted._repr_html_())[1][2] == "6 (46.2 %)"
