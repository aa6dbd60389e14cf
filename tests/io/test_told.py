"""What files say of themselves: rows exact from footers, estimated from the size of text."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from gpuseg.errors import InvalidFile
from gpuseg.io.dialect import CHUNK
from gpuseg.io.told import ends_of, told_of

ROWS = pl.DataFrame({"id": range(3, 9), "word": ["a", "ü", None] * 2})


@pytest.mark.parametrize("form", ["parquet", "ipc"])
def test_footers_are_exact(form, tmp_path):
    for number in range(2):
        getattr(ROWS, f"write_{form}")(tmp_path / f"{number}.{form}")
    told = told_of(tmp_path / f"*.{form}")
    assert (told.columns, told.rows, told.exact, len(told.files)) == (("id", "word"), 12, True, 2)
    assert told.bytes == sum(path.stat().st_size for path in told.files)


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_of_small_text_are_counted(end, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"id;x\n1;2\n3;4" + end.encode())
    told = told_of(tmp_path / "a.csv")
    assert (told.columns, told.rows, told.exact) == (("id", "x"), 2, False)


@pytest.mark.parametrize("packed", [False, True])
def test_lines_of_large_text_are_estimated(packed, tmp_path):
    count = 300_000
    text = "id,x\n" + "".join(f"{number},{number % 1000 / 7:.9f}\n" for number in range(count))
    assert len(gzip.compress(text.encode(), 1)) > CHUNK
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(text.encode(), 1) if packed else text.encode())
    assert told_of(path).rows == pytest.approx(count, rel=0.1)


def test_the_end_of_a_long_csv_is_not_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,x\n" + b"1,2\n" * (CHUNK // 2) + b"\xff\xfe\n")
    assert told_of(path).columns == ("id", "x")


def test_ends_stand_in_the_footers_of_parquet(tmp_path):
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    ROWS.write_parquet(paths[0], row_group_size=2)
    ROWS.with_columns(id=pl.col("id") - 10).write_parquet(paths[1])
    assert ends_of(paths, "id") == (-7, 8)
    assert ends_of(paths, "word") is None
    ROWS.write_parquet(paths[1], statistics=False)
    assert ends_of(paths, "id") is None
    assert ends_of([tmp_path / "a.csv"], "id") is None


def test_files_that_are_no_one_table(tmp_path):
    Path(tmp_path / "a.csv").write_text("id,x\n1,2\n")
    Path(tmp_path / "b.csv").write_text("id,y\n1,2\n")
    with pytest.raises(InvalidFile, match="differ in the columns 'x', 'y'"):
        told_of(tmp_path / "*.csv")
