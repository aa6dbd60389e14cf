"""The CDNOW files as they were published."""

import datetime as dt

import pytest

from gpuseg.datasets import read_cdnow
from gpuseg.errors import InvalidFile, InvalidInput


def test_the_real_sample(data):
    table = read_cdnow(data / "transactions" / "CDNOW_sample.txt")
    assert table.height == 6_919
    assert table["customer_id"].unique().sort().to_list() == list(range(1, 2_358))
    assert table.row(0) == (1, dt.date(1997, 1, 1), 2, 29.33)
    assert table.row(-1) == (2357, dt.date(1997, 3, 25), 2, 25.74)


def test_the_master_has_no_number_of_the_sample(tmp_path):
    path = tmp_path / "CDNOW_master.txt"
    path.write_bytes(b" 00001 19970101  1   11.77\r\n\r\n 23570 19970325  2   20.96\r\n")
    assert read_cdnow(path).rows() == [(1, dt.date(1997, 1, 1), 1, 11.77), (23570, dt.date(1997, 3, 25), 2, 20.96)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no lines; give CDNOW_master.txt or CDNOW_sample.txt as published"),
        ("1 19970101 1 11.77\n2 19970101 1\n", "line 2: there are no 4 fields customer_id, date, quantity, amount,"),
        ("1 19970101 1 11.77\n\n2 19971301 1 2\n", "line 3: there are no 4 fields"),
        ("1 2 19970101 1 11.77\n1 19970101 1 11.77\n", "line 2: there are no 5 fields master_id, customer_id, "),
        ("id date cds dollars\n", "line 1: "),
        ("1 19970101 1 nan\n", "line 1: there are no 4 fields"),
        ("one\n", "line 1: there are no 4 fields"),
        ("\u00e9", "cannot be read as the CDNOW data"),
    ],
)
def test_other_text_is_refused(tmp_path, text, sentence):
    path = tmp_path / "CDNOW.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidFile, match=sentence):
        read_cdnow(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(InvalidInput, match="a int is no path; give the name of a file"):
        read_cdnow(999)
    for path in (tmp_path, tmp_path / "CDNOW_sample.txt"):
        with pytest.raises(InvalidFile, match=r"cannot be read as the CDNOW data .*; give an undamaged file"):
            read_cdnow(path)
