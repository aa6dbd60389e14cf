"""The page in a real browser: headless Chromium, offline; skipped, and said, where none is."""

import json
import shutil

import numpy as np
import pytest

from gpuseg.card import profile_of
from gpuseg.report import write_report
from tests.report.conftest import HOSTILE

webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium is here to drive a browser")
NO_HOST = "--host-resolver-rules=MAP * ~NOTFOUND"
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", NO_HOST)
"""No name of a host is resolved: a page that asks for one fails at once."""
PHONE, LAPTOP = 390, 1280
CONTRAST = """
function rgb(text) {
  var n = text.match(/[\\d.]+/g).map(Number), unit = /^color/.test(text) ? 255 : 1;
  return [n[0] * unit, n[1] * unit, n[2] * unit, n.length > 3 ? n[3] : 1];
}
function over(top, below) { return [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat([1]); }
function light(c) {
  var l = c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4));
  return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
}
function ground(node) {
  var layers = [];
  for (; node && node.nodeType === 1; node = node.parentNode) layers.push(rgb(getComputedStyle(node).backgroundColor));
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
}
var bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), node;
while (node = walk.nextNode()) {
  var holder = node.parentElement, style = getComputedStyle(holder);
  if (!node.data.trim() || !holder.getClientRects().length || holder.closest("script,style,.skip")) continue;
  var below = ground(holder), ink = over(rgb(holder.closest("svg") ? style.fill : style.color), below);
  var a = light(ink), b = light(below), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  var size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
  if (ratio < (large ? 3 : 4.5)) bad.push(node.data.trim() + " " + ratio.toFixed(2));
}
return bad;
"""
"""The texts whose contrast is below WCAG's AA, with it."""


@pytest.fixture(scope="module")
def browser():
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no Chromium with its chromedriver is here to open the page in")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def shown(browser, full_card, tmp_path_factory):
    """Return a browser that shows the report of a card with all that can be in one."""
    page = write_report(tmp_path_factory.mktemp("page") / "report.html", full_card)
    browser.get(page.as_uri())
    return browser


def sized(browser, width, *, dark=False):
    """Show the page at this width, in light or dark."""
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def requests_of(browser):
    messages = [json.loads(line["message"])["message"] for line in browser.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def test_it_opens_offline_without_a_complaint(browser, full_card, hostile_card, tmp_path):
    requests_of(browser)
    cards = {"full": (full_card, None), "hostile": ({**hostile_card, "choice": full_card["choice"]}, HOSTILE[0])}
    for name, (card, title) in cards.items():
        page = write_report(tmp_path / f"{name}.html", card, title=title).as_uri()
        browser.get(page)
        assert [entry["message"] for entry in browser.get_log("browser")] == []
        assert [url for url in requests_of(browser) if not url.startswith("data:")] == [page]
        assert browser.execute_script("return document.scripts.length") == 1


@pytest.mark.parametrize("width", [PHONE, 768, LAPTOP])
def test_the_page_is_no_wider_than_the_window(shown, width):
    sized(shown, width)
    assert shown.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(shown, dark):
    sized(shown, LAPTOP, dark=dark)
    assert shown.execute_script(CONTRAST) == []
    ground = shown.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)")


def test_every_picture_has_a_text_and_every_table_can_be_reached(shown):
    asked = "return [...document.querySelectorAll('svg, img')].map(one => one.getAttribute('aria-label') || one.alt)"
    texts = shown.execute_script(asked)
    assert len(texts) >= 1
    assert all(len(text) > 40 for text in texts)
    asked = "return [...document.querySelectorAll('.wide')].filter(one => one.tabIndex !== 0 || !one.ariaLabel).length"
    assert shown.execute_script(asked) == 0


def test_a_table_is_sorted_by_the_keyboard(shown):
    sized(shown, LAPTOP)
    asked = "return [...document.querySelectorAll('#sizes tbody tr')].map(row => Number(row.cells[1].dataset.v))"
    shown.execute_script("document.querySelectorAll('#sizes thead button')[1].focus()")
    for order in ("ascending", "descending"):
        active = shown.switch_to.active_element
        active.send_keys("\ue007" if order == "ascending" else " ")
        sizes = shown.execute_script(asked)
        assert sizes == sorted(sizes, reverse=order == "descending")
        assert len(set(sizes)) > 1
        assert shown.execute_script("return document.activeElement.closest('th').ariaSort") == order
    shown.execute_script("document.querySelectorAll('#sizes thead button')[0].click()")
    asked = "return [...document.querySelectorAll('#sizes tbody th')].map(one => one.textContent)"
    names = shown.execute_script(asked)
    assert names == sorted(names)


def test_the_skip_link_is_the_first_stop(browser, full_card, tmp_path):
    browser.get(write_report(tmp_path / "r.html", full_card).as_uri())
    browser.switch_to.active_element.send_keys("\ue004")
    link = browser.switch_to.active_element
    assert link.text == "Skip to the report"
    link.send_keys("\ue007")
    assert browser.execute_script("return document.activeElement.id") == "main"


def test_the_bars_are_as_long_as_the_shares(shown, full_card):
    sized(shown, LAPTOP)
    asked = "return [...document.querySelectorAll('#sizes td.share:nth-child(3) i')].map(one => one.clientWidth)"
    drawn = np.array(shown.execute_script(asked), dtype=float)
    shares = profile_of(full_card["profile"])["share"].to_numpy()
    np.testing.assert_allclose(np.sort(drawn) / drawn.max(), np.sort(shares) / shares.max(), atol=0.01)


def test_it_is_printed_on_a_few_pages(shown):
    printed = shown.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    assert 20_000 < len(printed["data"]) < 4_000_000
