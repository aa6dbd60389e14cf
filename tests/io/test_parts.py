"""Tables in parts: files that workers read, Dask DataFrames, frames cut up, and what cannot be one table."""

import os

import pandas as pd
import polars as pl
import pytest
from dask import array as da
from dask import dataframe as dd
from polars.testing import assert_frame_equal

import gpuseg
from gpuseg.errors import InvalidFile, InvalidInput
from gpuseg.io import pieces
from gpuseg.io.parted import PartedTable
from gpuseg.io.parts import in_parts, open_parts
from gpuseg.io.tables import open_table
from tests.clusters import processes

ROWS = pl.DataFrame({"id": range(12), "x": [i / 2 for i in range(12)], "word": ["a,b", None, "ü"] * 4})


@pytest.fixture(scope="module", autouse=True)
def workers():
    with processes(2) as client:
        yield client


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        ROWS[4 * number : 4 * number + 4].write_parquet(tmp_path / f"{number}.parquet", row_group_size=2)
    return tmp_path


def here(opened):
    return pl.concat(opened.parts.collect(native))


def native(part):
    return part.to_native()


def first_id(part):
    return part["id"][0]


def pid(part):
    return os.getpid()


def test_a_folder_is_read_by_the_workers_a_run_of_row_groups_a_part(folder, workers):
    opened = open_parts(folder)
    assert (opened.names, opened.sizes, opened.on_host) == (("id", "x", "word"), (4, 4, 4), True)
    assert_frame_equal(here(opened), ROWS)
    assert os.getpid() not in opened.parts.collect(pid)
    listed = open_parts([folder / "2.parquet", str(folder / "0.parquet")])
    assert listed.parts.collect(first_id) == [8, 0]


def test_row_groups_are_joined_up_to_a_number_of_rows(folder):
    sizes = [piece.rows for piece in pieces.look_at(str(folder / "0.parquet"), keyed=False, text=False).pieces]
    assert sizes == [4]
    assert list(pieces._runs([600_000, 500_000])) == [(0, 600_000), (600_000, 500_000)]


@pytest.mark.parametrize("form", ["parquet", "csv", "arrow"])
def test_small_neighbours_are_a_part_with_the_same_rows(form, tmp_path, monkeypatch):
    write = {"parquet": pl.DataFrame.write_parquet, "csv": pl.DataFrame.write_csv, "arrow": pl.DataFrame.write_ipc}
    for number, rows in enumerate([3, 1, 0, 4, 2, 2]):
        write[form](ROWS[2 * number : 2 * number + rows], tmp_path / f"{number}.{form}")
    apart = open_parts(tmp_path / f"*.{form}")
    assert apart.sizes == (3, 1, 4, 2, 2)
    monkeypatch.setattr("gpuseg.io.parts.SMALL", 5)
    opened = open_parts(tmp_path / f"*.{form}")
    assert opened.sizes == (4, 4, 4)
    assert here(opened).equals(here(apart))
    assert here(opened.only(["word"])).equals(here(apart).select("word"))


def test_small_files_of_other_keys_and_types_are_joined(tmp_path, monkeypatch):
    monkeypatch.setattr("gpuseg.io.parts.SMALL", 100)
    for year, kind in {2025: pl.Int64, 2026: pl.Float64}.items():
        (tmp_path / f"year={year}").mkdir()
        ROWS.with_columns(pl.col("id").cast(kind)).write_parquet(tmp_path / f"year={year}" / "a.parquet")
    opened = open_parts(tmp_path)
    assert opened.sizes == (24,)
    assert_frame_equal(here(opened), open_table(tmp_path).eager().to_native())


def test_only_the_columns_asked_for_are_read(folder):
    opened = open_parts(folder).only(["word", "id"])
    assert opened.names == ("word", "id")
    assert_frame_equal(here(opened), ROWS.select("word", "id"))


def test_csv_files_are_typed_over_all_of_them(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("id;x;word\n1;1;\n2;2;b\n")
    (tmp_path / "b.csv").write_bytes("word;id;x\nü;3;2.5\n\n".encode("cp1252"))
    (tmp_path / "c.csv").write_text("id;x;word\n")
    opened = open_parts(tmp_path / "*.csv")
    assert_frame_equal(here(opened), open_table(tmp_path / "*.csv").eager().to_native())
    assert opened.sizes == (2, 1)
    assert capsys.readouterr().out.count("b.csv is not UTF-8; it is read as Windows-1252") == 2  # once each
    assert set(open_parts(tmp_path / "*.csv", text=True).schema.values()) == {pl.String()}


def test_arrow_files_and_folders_named_by_a_key(tmp_path):
    ROWS.write_ipc(tmp_path / "a.arrow")
    assert_frame_equal(here(open_parts(tmp_path / "a.arrow")), ROWS)
    for year in (2025, 2026):
        (tmp_path / "by" / f"year={year}").mkdir(parents=True)
        ROWS.write_parquet(tmp_path / "by" / f"year={year}" / "a.parquet")
    opened = open_parts(tmp_path / "by")
    assert_frame_equal(here(opened), open_table(tmp_path / "by").eager().to_native())


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of Dask's own use of pandas
def test_a_dask_frame_gives_one_back(capsys):
    frame = pd.DataFrame(ROWS.to_dict(as_series=False)).set_index("id", drop=False)
    source = dd.from_pandas(frame, npartitions=3)
    source = source[source["x"] != 99].map_partitions(emptied, meta=source._meta)
    opened = open_parts(source)
    assert "the index 'id' is no column" in capsys.readouterr().out
    assert opened.sizes == (4, 4)
    given = opened.give_back(opened.parts)
    assert isinstance(given, dd.DataFrame)
    assert_frame_equal(pl.from_pandas(given.compute()), ROWS[4:])


def emptied(frame):
    return frame[frame["x"] >= 2]


def test_a_frame_of_this_process_is_cut_and_comes_back(monkeypatch):
    monkeypatch.setattr("gpuseg.io.parts.ROWS", 5)
    opened = open_parts(ROWS.to_pandas(), "dask")
    assert opened.sizes == (5, 5, 2)
    assert isinstance(opened.give_back(opened.parts), pd.DataFrame)
    assert_frame_equal(pl.from_pandas(opened.give_back(opened.parts)), ROWS)


def test_a_large_frame_goes_to_the_workers_without_a_warning():
    opened = open_parts(pl.DataFrame({"x": range(3_000_000)}), "dask")
    assert opened.sizes == (1_000_000,) * 3


def test_a_table_in_parts_is_a_table(folder):
    opened = open_parts(folder)
    table = opened.give_back(opened.parts)
    assert isinstance(table, PartedTable)
    assert (table.columns, len(table)) == (["id", "x", "word"], 12)
    assert repr(table) == "PartedTable(12 rows in 3 parts; columns 'id', 'x', 'word')"
    assert "<table>" in table._repr_html_()
    assert_frame_equal(table.to_polars(), ROWS)
    assert_frame_equal(here(open_parts(table)), ROWS)
    assert_frame_equal(open_table(table).eager().to_native(), ROWS)
    assert_frame_equal(pl.from_pandas(table.to_dask().compute()), ROWS)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"id": [1], "y": [2.0], "word": ["c"]}, r"3.parquet and .*0.parquet differ in the columns 'x', 'y'"),
        ({"id": ["1"], "x": [2.0], "word": ["c"]}, r"'id' is String in .*3.parquet and Int64 in .*0.parquet"),
    ],
)
def test_parts_that_are_no_one_table_are_refused(folder, other, message):
    pl.DataFrame(other).write_parquet(folder / "3.parquet")
    with pytest.raises(InvalidFile, match=message):
        open_parts(folder)


def test_empty_parts_are_passed_over_and_an_empty_table_is_refused(folder):
    ROWS.clear().write_parquet(folder / "3.parquet")
    assert open_parts(folder).sizes == (4, 4, 4)
    with pytest.raises(InvalidInput, match=r"3.parquet has no rows; give a table with some"):
        open_parts(folder / "3.parquet")


def test_a_part_that_is_no_parquet_and_a_folder_without_any(folder):
    (folder / "3.parquet").write_text("id,x\n1,2\n")
    with pytest.raises(InvalidFile, match=r"3.parquet cannot be read as Parquet \(.*\); give an undamaged file"):
        open_parts(folder)
    (folder / "empty").mkdir()
    with pytest.raises(InvalidFile, match="empty is a folder without a Parquet file"):
        open_parts(folder / "empty")


def test_a_path_that_workers_cannot_see_is_told(folder):
    opened = open_parts(folder)
    (folder / "1.parquet").rename(folder / "moved")
    with pytest.raises(
        InvalidFile, match=r"the worker at tcp://\S+ cannot see \S+1.parquet; put it where every worker"
    ):
        opened.parts.collect(first_id)


def test_the_engine_decides_whether_a_table_is_in_parts():
    assert not in_parts(ROWS, "auto")
    assert in_parts(dd.from_pandas(ROWS.to_pandas(), npartitions=1), "auto")
    with pytest.raises(InvalidInput, match=r"engine='spark' is not known; allowed are 'auto', 'local', 'dask'"):
        in_parts(ROWS, "spark")
    with pytest.raises(InvalidInput, match="engine='local' got a Dask collection; use engine='dask'"):
        in_parts(dd.from_pandas(ROWS.to_pandas(), npartitions=1), "local")
    with pytest.raises(InvalidInput, match="got a Dask Array; pass a Dask DataFrame"):
        open_parts(da.ones((3, 2)))


def test_partitions_of_other_types_are_refused():
    frame = dd.from_map(typed, [1, "a"])
    with gpuseg.config(notices="off"), pytest.raises(InvalidFile, match="'id' is String in part 1 and Int64 in part 0"):
        open_parts(frame)


def typed(value):
    return pd.DataFrame({"id": [value]})
