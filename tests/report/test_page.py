import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from gpuseg import load
from gpuseg.card import profile_of
from gpuseg.errors import InvalidFile, InvalidInput
from gpuseg.features import customer_features
from gpuseg.notebook import shown
from gpuseg.report import render, summary, write_report
from tests.report.conftest import HOSTILE, customers, fitted

EMPTY = {"meta", "br", "img", "link", "input", "hr"}
LARGEST = 2_000_000


class Page(HTMLParser):
    """Read a page: its tags must balance; cells are the text of each td and th, words that of the whole body."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words, self.cells = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)
        if tag in {"td", "th"}:
            self.cells.append([])

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"style", "script"} & set(self.open):
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1].append(data.strip())

    def lines(self):
        return {part for cell in self.cells for part in cell}


@pytest.fixture(scope="module")
def html(card):
    return render(summary(card))


def ids(page):
    return [value for name, value in page.attributes if name == "id"]


def test_every_number_of_the_profile_is_in_the_page(card, html):
    lines = Page(html).lines()
    frame = profile_of(card["profile"])
    names = {row["segment"]: f"{row['name']} ({row['segment']})" for row in card["insight"]["names"]}
    words = {"size": "{:,}".format, "segment": names.get}
    for name in frame.columns:
        assert {words[name](v) if name in words else shown(name, v) for v in frame[name]} <= lines, name


def test_the_candidates_and_the_choice_are_in_the_page(card, html):
    page = Page(html)
    assert f"{card['choice']['reason']}." in page.words
    assert len(card["choice"]["candidates"]) == 2
    for tried in card["choice"]["candidates"]:
        assert {str(tried["k"]), f"{tried['silhouette']:.3f}", f"{tried['standard_error']:.3f}"} <= page.lines()
    assert page.tags.count("svg") == 1


def test_how_it_was_made_is_in_the_page(card, html):
    text = " ".join(Page(html).words)
    for wanted in (card["training_data_sha256"], card["backend"]["reason"], card["versions"]["gpuseg"], "n_init=10"):
        assert wanted in text
    score = card["metrics"]["silhouette"]
    assert f"Silhouette {score['mean']:.3f} ± {score['standard_error']:.3f}" in text
    assert f"Inertia {card['metrics']['inertia']:.3f}." in text
    assert "1 column of 6 not used: same." in "".join(Page(html).words)


def test_no_id_of_a_customer_is_in_the_page(html):
    assert "secret" not in html


def test_it_is_the_same_every_time(card, html):
    assert render(summary(card)) == html


def test_ids_in_the_page_are_unique(html):
    found = ids(Page(html))
    assert found
    assert len(found) == len(set(found))


def test_what_a_single_customer_is_like_is_not_in_the_page():
    table = pl.DataFrame({"spend": [*range(1001, 1041), 98_765], "plan": ["basic"] * 40 + ["a-plan-of-one"]})
    card = fitted(table, n_clusters=2).card_
    assert card["profile"]["values"][1] == [40, 1]
    text = render(summary(card))
    assert shown("", 1020.5) in Page(text).lines()
    assert not {"98,765", "98765", "a-plan-of-one"} & Page(text).lines()
    assert shown("", table["spend"].mean()) not in text  # from it and the other segment's, the one could be worked out


def test_names_that_are_empty_or_run_from_right_to_left_stand_apart():
    rng, group = np.random.default_rng(5), np.arange(40) % 2
    turned = "\u202eleft"
    table = {name: group * 9 + rng.normal(size=40) for name in (" ", turned)} | {"\u202esame": np.ones(40)}
    text = render(summary(fitted(pl.DataFrame(table), n_clusters=2).card_))
    assert "(no name)" in Page(text).lines()
    assert f"<bdi>{turned}</bdi>" in text
    assert "not used: <bdi>\u202esame</bdi>." in text


@pytest.mark.parametrize(
    ("score", "word"), [(0.71, "strong"), (0.7, "reasonable"), (0.3, "weak"), (-0.1, "hardly any")]
)
def test_a_silhouette_is_told_in_a_word(card, score, word):
    metrics = {**card["metrics"], "silhouette": {**card["metrics"]["silhouette"], "mean": score}}
    words = Page(render(summary({**card, "metrics": metrics}))).words
    assert f"silhouette: {word} structure" in words
    assert any(f"That is {word} structure" in line for line in words)


def test_no_markup_comes_from_data(hostile_card, html):
    title = "".join(HOSTILE)
    text = render(summary(hostile_card, title=title))
    page = Page(text)
    assert set(page.tags) <= set(Page(html).tags)
    assert page.tags.count("h1") == page.tags.count("title") == page.tags.count("script") == 1
    cells = {" ".join(cell).strip() for cell in page.cells}
    assert set(HOSTILE) <= cells | {name for cell in page.cells for name in cell}
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_a_models_own_words_are_escaped_too(card):
    bad = "<img src=x onerror=alert(1)>"
    backend = dict.fromkeys(card["backend"], bad)
    choice = {**card["choice"], "reason": bad}
    words = {bad: bad}
    page = Page(render(summary({**card, "algorithm": bad, "backend": backend, "choice": choice, "versions": words,
                                "parameters": words, "created": bad, "training_data_sha256": bad,
                                "metrics": {bad: 1.0}})))  # fmt: skip
    assert "img" not in page.tags
    assert sum(bad in word for word in page.words) >= 7


def test_it_loads_nothing_and_runs_its_own_script_alone(html, large_card):
    for text in (html, render(summary(large_card))):
        page = Page(text)
        links = {"href", "src", "srcset", "action", "data", "poster", "xlink:href"}
        addresses = [value for name, value in page.attributes if name in links]
        assert set(addresses) >= {"#main", "#sizes", "#appendix"}
        assert set(addresses) <= {f"#{name}" for name in ids(page)}
        assert not {"link", "img", "iframe", "object", "form", "base"} & set(page.tags)
        assert set(re.findall(r"url\(([^)]*)", text)) <= {f"#{name}" for name in ids(page)}
        assert "@import" not in text
        (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
        assert ("content", policy) in page.attributes


def test_headings_are_in_order_and_every_picture_has_a_text(html, large_card):
    for text in (html, render(summary(large_card))):
        levels = [int(tag[1]) for tag in Page(text).tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        pictures = re.findall("<svg[^>]*>", text)
        assert len(pictures) == (text is html)
        assert all(re.search('role="img" [^>]*aria-label="[^"]{40,}"', picture) for picture in pictures)


def test_fifty_segments_of_sixty_columns(large_card, tmp_path):
    path = write_report(tmp_path / "large.html", large_card)
    assert path.stat().st_size < LARGEST
    page = Page(path.read_text(encoding="utf-8"))
    assert set(large_card["profile"]["names"]) >= {"category 4_top", "flag 4_share"}
    frame = profile_of(large_card["profile"])
    assert {shown(name, value) for name in frame.columns[3:] for value in frame[name]} <= page.lines()


def test_noise_and_no_curve_with_a_density_method():
    rng = np.random.default_rng(3)
    near = rng.normal(size=(80, 2)) * 0.01 + (np.arange(80) % 2)[:, None]
    table = pl.DataFrame({"a": np.append(near[:, 0], 0.0), "b": np.append(near[:, 1], 1.0)})
    card = fitted(table, algorithm="dbscan", algorithm_params={"eps": 0.5, "min_samples": 5}).card_
    assert card["rows"]["noise"] == 1
    page = Page(render(summary(card)))
    assert "Noise" in page.lines()
    assert "svg" not in page.tags
    assert any("in no segment" in word for word in page.words)
    assert any("Fewer than 10 customers: Noise." in word for word in page.words)


def test_hdbscan_that_finds_nothing():
    rng = np.random.default_rng(4)
    card = fitted(
        pl.DataFrame({"a": rng.random(12)}), algorithm="hdbscan", algorithm_params={"min_cluster_size": 12}
    ).card_
    page = Page(render(summary(card)))
    assert page.tags.count("h2") == 6
    assert any("No segment was found" in word for word in page.words)


def test_one_segment():
    card = fitted(pl.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]}), n_clusters=1).card_
    text = render(summary(card))
    assert "1 segment of 4 customers" in text
    assert Page(text).tags.count("svg") == 0


def test_a_column_missing_in_a_whole_segment():
    group = np.repeat([0, 1], 20)
    table = pl.DataFrame({"a": group * 100.0 + np.arange(40), "b": group * 70.0 + np.arange(40)})
    card = fitted(table.with_columns(b=pl.when(pl.col("a") < 50).then(None).otherwise(pl.col("b"))), n_clusters=2).card_
    frame = profile_of(card["profile"])
    assert None in frame["b_mean"].to_list()
    assert "-" in Page(render(summary(card))).lines()


def test_a_loaded_model_gives_the_same_report(tmp_path):
    segmenter = fitted(customers(), id_column="id", n_clusters=3)
    segmenter.save(tmp_path / "m.gpuseg")
    assert render(summary(load(tmp_path / "m.gpuseg").card_)) == render(summary(segmenter.card_))


def test_measures_of_candidates_are_columns_where_there_are_any(card):
    candidates = [
        {**c, "davies_bouldin": None, "calinski_harabasz": 500.5 + c["k"]} for c in card["choice"]["candidates"]
    ]
    candidates[0]["silhouette"] = candidates[0]["standard_error"] = None
    lines = Page(render(summary({**card, "choice": {**card["choice"], "candidates": candidates}}))).lines()
    assert {"Calinski-Harabasz", "502.5", "503.5", "-"} <= lines
    assert "Davies-Bouldin" not in lines


def test_a_share_of_value_stands_beside_the_share(card):
    state = card["profile"]
    state = {**state, "names": [*state["names"][:3], "value_share", *state["names"][3:]]}
    state["types"] = [*card["profile"]["types"][:3], "Float64", *card["profile"]["types"][3:]]
    state["values"] = [*card["profile"]["values"][:3], [0.125, 1.0625, -0.1875], *card["profile"]["values"][3:]]
    text = render(summary({**card, "profile": state}))
    assert {"share of value", "12.5 %", "106.2 %", "-18.8 %"} <= Page(text).lines()
    assert max(float(length) for length in re.findall(r"width:([-\d.]+)%", text)) == 100.0
    assert min(float(length) for length in re.findall(r"width:([-\d.]+)%", text)) == 0.0


def test_what_cleaning_dropped_is_told(card):
    rows = {"customer_id": ["a", "b", None, "a"], "date": ["2024-01-01", "2024-02-01", "2024-02-02", "2024-03-01"]}
    table = pl.DataFrame({**rows, "amount": [5.0, 7.0, 1.0, 2.0], "order_id": [1, 2, 3, 4]})
    page = Page(render(summary(card, cleaning=customer_features(table)[1])))
    cells = ["".join(cell) for cell in page.cells]
    assert cells[cells.index("dropped: no id") + 1] == "1"
    assert cells[cells.index("rows read") + 1] == "4"
    assert cells[cells.index("rows kept") + 1] == "3"
    assert "dropped: bad timestamp" not in cells
    assert any("From 2024-01-01 to 2024-03-01, counted to 2024-03-02." in word for word in page.words)


@pytest.mark.parametrize("name", ["report.htm", "report", "report.pdf"])
def test_another_ending_is_refused(card, tmp_path, name):
    with pytest.raises(InvalidFile, match=r"written to a name that ends in \.html"):
        write_report(tmp_path / name, card)


def test_a_missing_folder_is_refused_and_a_folder_for_a_file(card, tmp_path):
    with pytest.raises(InvalidFile, match="is not a folder; make it first"):
        write_report(tmp_path / "no" / "report.html", card)
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InvalidFile, match="not a regular file"):
        write_report(tmp_path / "report.html", card)


def test_an_old_report_stays_where_the_new_one_fails(card, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(InvalidInput):
        write_report(path, {**card, "profile": None})
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert write_report(str(path), card, title="New") == path
    assert "<h1>New</h1>" in path.read_text(encoding="utf-8")


def test_a_title_that_has_no_utf_8_still_makes_a_report(card, tmp_path):
    assert "<h1>broken ?</h1>" in write_report(tmp_path / "r.html", card, title="broken \ud800").read_text("utf-8")
