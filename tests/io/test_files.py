import datetime as dt
import gzip
import os

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gpuseg.errors import InvalidFile
from gpuseg.io.dialect import dialect_of, encoding_of
from gpuseg.io.files import found, scan_files


@pytest.fixture
def put(tmp_path):
    """Write bytes or text under a name, and return the path."""

    def write(content, name="a.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(path, **options):
    return scan_files(path, **options).collect().to_dict(as_series=False)


ROWS = {"name": ["Ann, Bob", "Eve"], "amount": [1.5, 2.0]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_finds_the_delimiter(put, delimiter):
    path = put(f'name{delimiter}amount\n"Ann, Bob"{delimiter}1.5\nEve{delimiter}2\n')
    assert dialect_of(path).delimiter == delimiter
    assert rows(path) == ROWS


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "open"])
def test_reads_every_line_end(put, line_end, last):
    text = line_end.join(["name,amount", '"Ann, Bob",1.5', "Eve,2"]) + line_end * last
    assert rows(put(text)) == ROWS


def test_a_quoted_field_holds_delimiters_line_ends_and_quotes(put):
    path = put('id;note\n1;"one;two\nthree ""four"""\n2;five\n')
    assert rows(path) == {"id": [1, 2], "note": ['one;two\nthree "four"', "five"]}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
    ],
)
def test_finds_the_encoding(put, encoding, name, capsys):
    path = put("customer,spent £\nJosé,12\n".encode(encoding))
    assert encoding_of(path) == name
    assert rows(path) == {"customer": ["José"], "spent £": [12]}
    assert ("is not UTF-8; it is read as Windows-1252" in capsys.readouterr().out) is (name == "cp1252")


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_reads_both_orders_of_utf_16(put, mark, encoding):
    assert rows(put(mark + "a;b\r\n1;£\r\n".encode(encoding))) == {"a": [1], "b": ["£"]}


@pytest.mark.parametrize(
    "content", ["£,b\n1,2\n3,4\n".encode("cp1252"), gzip.compress("£,b\n1,2\n3,4\n".encode())], ids=["cp1252", "gzip"]
)
def test_a_copied_file_is_scanned_as_often_as_one_likes(put, content, tmp_path):
    frame = scan_files(put(content, "a.csv.gz"))
    assert frame.select(pl.len()).collect().item() == 2
    assert frame.select(pl.col("£").sum(), pl.col("b").max()).collect().row(0) == (4, 4)
    assert [part.height for part in pl.collect_all([frame, frame.filter(pl.col("b") > 2)])] == [2, 1]
    assert frame.collect().rows() == frame.collect().rows() == [(1, 2), (3, 4)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv.gz"]


def test_the_copy_leaves_no_file_behind(put, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    frame = scan_files(put("£\n1\n".encode("cp1252")))
    assert list(place.iterdir()) == []
    assert frame.collect().height == 1


def test_a_full_disk_for_the_copy_is_a_clear_error(put, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/proc")
    with pytest.raises(InvalidFile, match="cannot be read as CSV"):
        scan_files(put("£\n1\n".encode("cp1252")))


@pytest.mark.parametrize("ending", ["\n\n", "\n\r\n", "\n\n\n1,2\n\n"])
def test_a_blank_line_is_no_row(put, ending):
    got = rows(put(f"a,b\n,5{ending}"))
    assert None in got["a"]
    assert None not in got["b"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a,b", ",", "1,2"], [(None, None), (1, 2)]),
        (["a,b", "", ",", "", "", "1,2", ""], [(None, None), (1, 2)]),
        (["a,b", "1,2", "NA,", ""], [(1, 2), (None, None)]),
        (["a,b", "", "1,2", ""], [(1, 2)]),
    ],
)
def test_a_row_of_empty_fields_is_a_row_beside_blank_lines(put, line_end, encoding, lines, expected):
    path = put("".join(line + line_end for line in lines).encode(encoding))
    assert scan_files(path).collect().rows() == expected
    assert scan_files(path, text=True).select(pl.len()).collect().item() == len(expected)


@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_a_blank_line_between_quotes_is_no_line(put, last):
    text = f'a,b\n1,"x\n\n""y"\n,\n2,z{last}'
    assert rows(put(text)) == {"a": [1, None, 2], "b": ['x\n\n"y', None, "z"]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_blank_lines_are_told_apart_wherever_a_chunk_ends(put, line_end, monkeypatch):
    text = line_end.join(["a,b", "", '1,"', "", '"', ",", "", "", "2,3", ""])
    for size in range(6, 20):  # the header stands in the first chunk
        monkeypatch.setattr("gpuseg.io.dialect.CHUNK", size)
        path = put(text)
        assert dialect_of(path).blank_lines == 3
        assert scan_files(path).collect().rows() == [(1, 2 * line_end), (None, None), (2, "3")]


@pytest.mark.parametrize("name", ["*", "^a$", "^.*$"])
def test_a_name_may_hold_signs_of_a_pattern(put, tmp_path, name):
    put(f"{name},a\n007,2024-01-02\n", "1.csv")
    put(f"a,{name}\n2024-01-03,8\n", "2.csv")
    expected = {name: ["007", "8"], "a": [dt.date(2024, 1, 2), dt.date(2024, 1, 3)]}
    assert rows(f"{tmp_path}/*.csv") == expected
    for number, day in enumerate(expected["a"]):
        pl.DataFrame({name: [number], "a": [day]}).write_parquet(tmp_path / f"{number}.parquet")
    assert rows(f"{tmp_path}/*.parquet") == expected | {name: [0, 1]}


def test_a_blank_line_of_one_column_is_a_missing_value(put):
    assert rows(put("a\n1\n\n3\n")) == {"a": [1, None, 3]}


def test_a_header_alone_has_no_rows(put):
    assert scan_files(put("a,b\n")).collect().shape == (0, 2)
    assert scan_files(put("a,b")).collect().shape == (0, 2)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2"], pl.Int64),
        (["1", "2.5"], pl.Float64),
        (["1"] * 20_000 + ["x"], pl.String),
        (["1"] * 20_000 + ["1.5"], pl.Float64),
        (["123", "0123"], pl.String),
        (["1"] * 20_000 + ["007"], pl.String),
        (["0", "0.5", "10"], pl.Float64),
        (["0", "10"], pl.Int64),
        (["1" * 30, "1"], pl.String),
        (["true", "false"], pl.Boolean),
        (["", "NA", "null"], pl.String),
        (["2024-02-29", "NA"], pl.Date),
        (["2024-02-29", "2023-02-29"], pl.String),
        (["2024-02-29"] * 2_000 + ["soon"], pl.String),
        (["2024-02-29 10:00", "2024-02-29T10:00:00.25"], pl.Datetime("us")),
        (["2024-02-29T10:00:00Z", "2024-02-29T10:00:00+02:00"], pl.Datetime("us", "UTC")),
        (["2024-02-29T10:00:00Z", "2024-02-29T10:00:00"], pl.String),
        (["2024-02-29 10:00", "2024-02-29"], pl.String),
        (["2024-02-29 25:00"], pl.String),
        (["02/01/2024"], pl.String),
        (["13-01-2024"], pl.String),
        (["2024-1-2"], pl.String),
        (["12:30:00"], pl.String),
        (["20240229"], pl.Int64),
    ],
)
def test_finds_the_type_in_all_rows(put, values, kind):
    frame = scan_files(put("key,value\n" + "".join(f"k,{value}\n" for value in values))).collect()
    assert frame.schema["value"] == kind
    missing = sum(value in ("", "NA", "null") for value in values)
    assert frame["value"].null_count() == missing


def test_the_values_of_dates(put):
    path = put("day,at,sent\n2024-02-29,2024-02-29 10:30,2024-02-29T10:30:00+02:00\n")
    assert scan_files(path).collect().row(0) == (
        dt.date(2024, 2, 29),
        dt.datetime(2024, 2, 29, 10, 30),
        dt.datetime(2024, 2, 29, 8, 30, tzinfo=dt.UTC),
    )


def test_text_leaves_every_column_as_text(put):
    got = rows(put("id,day,amount\n007,2024-01-02,1.50\n8,NULL,\n"), text=True)
    assert got == {"id": ["007", "8"], "day": ["2024-01-02", None], "amount": ["1.50", None]}


@pytest.mark.parametrize("spelling", ["", '""', "NA", "N/A", "NaN", "nan", "null", "NULL", "None"])
def test_spellings_of_a_missing_value(put, spelling):
    assert rows(put(f"a,b\n1,{spelling}\n2,3\n")) == {"a": [1, 2], "b": [None, 3]}


def test_a_short_line_ends_in_missing_values(put):
    assert rows(put("a,b\n1,2\n3\n")) == {"a": [1, 3], "b": [2, None]}


def test_a_header_of_numbers_is_said(put, capsys):
    assert rows(put("0,1\n5,6\n")) == {"0": [5], "1": [6]}
    assert "holds numbers only" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; give a file with a header and rows"),
        (b" \n\n  \n", "has no header line"),
        (b"\n1,2\n", "has no header line"),
        (b"a,b,a\n1,2,3\n", "has columns of the same name, 'a'; rename one of each"),
        (b",a\n0,1\n", "has no name for column 1 of 2; name each column"),
        (b"a, ,\n0,1,\n", "has no name for column 2, 3 of 3"),
        (b"PK\x03\x04\x14\0\0\0", "is no text file"),
        (b"a,b\n\x81\x8d,2\n", "is neither UTF-8, UTF-16 nor Windows-1252 text; save it as UTF-8"),
        (b"\xff\xfea\0,\0b\0\n\0c", "begins as UTF-16 and is no such text further on"),
        (gzip.compress(b"a,b\n" + os.urandom(9000).hex().encode())[:1000], "cannot be read as CSV"),
        (b"\x1f\x8bnothing packed", "cannot be read as CSV"),
        (b"a,b\n" + b'"' + b"x" * 200_000 + b'"\n', "cannot be read as CSV"),
    ],
)
def test_refuses_what_is_no_csv(put, content, sentence):
    path = put(content)
    with pytest.raises(InvalidFile, match=sentence) as caught:
        scan_files(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.parquet", "a.pq", "a.arrow", "a.feather", "a.ipc"])
@pytest.mark.parametrize("content", [b"PAR1 no more", b"ARROW1 no more", b"a,b\n1,2\n", os.urandom(5000)])
def test_refuses_what_is_no_table(put, name, content):
    with pytest.raises(InvalidFile, match=r"cannot be read as (Parquet|Arrow)"):
        scan_files(put(content, name))


def test_refuses_a_truncated_parquet(put, tmp_path):
    pl.DataFrame({"a": range(1000)}).write_parquet(tmp_path / "whole.parquet")
    path = put((tmp_path / "whole.parquet").read_bytes()[:-100], "cut.parquet")
    with pytest.raises(InvalidFile, match=r"cut.parquet cannot be read as Parquet"):
        scan_files(path)


@pytest.mark.parametrize("wanted", ["no.csv", "*.csv", "no/no.csv", "a\0b.csv", "x" * 5000 + ".csv", "~nobody-x/a.csv"])
def test_refuses_what_is_not_there(tmp_path, wanted):
    with pytest.raises(InvalidFile, match=r"does not exist|cannot be read"):
        scan_files(wanted if wanted.startswith("~") else f"{tmp_path}/{wanted}")


def test_names_the_nearest_file(put):
    path = put("a\n1\n", "customers.csv")
    with pytest.raises(InvalidFile, match=r"did you mean 'customers.csv'"):
        scan_files(path.with_name("custmers.csv"))


def test_refuses_other_endings(put):
    with pytest.raises(InvalidFile, match=r"ends in '.xlsx'; give files of one kind, of '.parquet'"):
        scan_files(put(b"PK", "a.xlsx"))
    put("a\n", "mixed/b.csv")
    put("a\n", "mixed/b.parquet")
    with pytest.raises(InvalidFile, match="files of one kind"):
        scan_files(put("a", "mixed/b.txt").with_name("*"))


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("name", ["a[1]", "a*", "a?", "année {1}"])
def test_a_name_may_hold_signs_of_a_glob(tmp_path, name, ending):
    path = tmp_path / f"{name}.{ending}"
    frame = pl.DataFrame({"a": [1]})
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "arrow": frame.write_ipc}[ending](path)
    assert rows(path) == {"a": [1]}


def test_home_is_expanded(put, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    put("a\n1\n", "sub/a.csv")
    assert rows("~/sub/a.csv") == rows("~/sub/*.csv") == {"a": [1]}


def test_endings_in_capitals_and_packed(put):
    assert rows(put("a\n1\n", "A.CSV")) == {"a": [1]}
    assert rows(put(gzip.compress(b"a\tb\n1\t2\n"), "a.b.TSV.GZ")) == {"a": [1], "b": [2]}


def test_csv_files_of_a_glob_share_types_over_all_files(put, tmp_path):
    put("id,amount,note,gone\n1,2,x,\n", "1.csv")
    put("amount;id;note;gone\r\n1.5;2;7;3\r\n", "2.csv")
    put("id,amount,note,gone\n", "3.csv")
    assert rows(f"{tmp_path}/*.csv") == {"id": [1, 2], "amount": [2.0, 1.5], "note": ["x", "7"], "gone": [None, 3]}


def test_csv_files_of_other_columns_are_refused(put, tmp_path):
    put("id,amount\n1,2\n", "1.csv")
    put("id,price\n1,2\n", "2.csv")
    with pytest.raises(InvalidFile, match=r"2.csv and .*1.csv differ in the columns 'amount', 'price'"):
        scan_files(f"{tmp_path}/*.csv")


@pytest.fixture
def folder(tmp_path):
    """Write Parquet files into a folder, from a name and a dict each."""

    def write(**tables):
        for name, data in tables.items():
            path = tmp_path / "folder" / f"{name.replace('__', '/')}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(data), path)
        return tmp_path / "folder"

    return write


def test_reads_a_folder_in_order_of_name(folder):
    place = folder(b={"x": [3]}, a={"x": [1, 2]}, c__d={"x": [4]})
    (place / "_SUCCESS").touch()
    assert rows(place) == {"x": [1, 2, 3, 4]}
    assert rows(place / "*.parquet") == {"x": [1, 2, 3]}
    assert rows(place / "**/*.parquet") == {"x": [1, 2, 3, 4]}
    assert len(found(place / "[abc]*")) == 3


def test_a_folder_s_hidden_parts_are_left_out(folder):
    place = folder(a={"x": [1]}, _temporary__b={"x": [2]})
    (place / ".c.parquet").write_bytes(b"half done")
    assert rows(place) == {"x": [1]}


def test_folders_named_key_and_value_are_a_column(folder):
    place = folder(**{"year=2023__a": {"x": [1]}, "year=2024__a": {"x": [2]}})
    assert rows(place) == {"x": [1, 2], "year": [2023, 2024]}


def test_parquet_files_may_differ_in_order_of_columns_and_kind_of_number(folder):
    place = folder(a={"x": [1], "y": ["p"]}, b={"y": ["q"], "x": [2.5]}, c={"x": pa.nulls(1), "y": ["r"]})
    assert rows(place) == {"x": [1.0, 2.5, None], "y": ["p", "q", "r"]}


def test_parquet_files_that_differ_are_refused(folder):
    with pytest.raises(InvalidFile, match=r"'x' is String in .*b.parquet and Int64 in .*a.parquet; write both"):
        scan_files(folder(a={"x": [1]}, b={"x": ["1"]}))
    with pytest.raises(InvalidFile, match="differ in the columns 'y'"):
        scan_files(folder(a={"x": [1]}, b={"x": [1], "y": [1]}))


def test_types_that_no_type_holds_are_refused_by_name_also_behind_a_part_without_values(folder):
    plain = pa.array([0], pa.timestamp("us"))
    with pytest.raises(InvalidFile, match=r"'x' is Datetime.*'UTC'.* in .*b.parquet and Datetime.* in .*a.parquet; w"):
        scan_files(folder(a={"x": plain}, b={"x": plain.cast(pa.timestamp("us", "UTC"))}))
    with pytest.raises(InvalidFile, match=r"'x' is String in .*c.parquet and Int64 in .*b.parquet; write both"):
        scan_files(folder(a={"x": pa.nulls(1)}, b={"x": [1]}, c={"x": ["1"]}))


def test_refuses_an_empty_folder(tmp_path):
    with pytest.raises(InvalidFile, match="is a folder without a Parquet file"):
        scan_files(tmp_path)


def test_reads_arrow_files_and_streams(tmp_path):
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None]})
    frame.write_ipc(tmp_path / "file.arrow", compression="zstd")
    frame.write_ipc_stream(tmp_path / "stream.arrow")
    frame.write_ipc(tmp_path / "file.feather")
    for name in ("file.arrow", "stream.arrow", "file.feather"):
        assert rows(tmp_path / name) == {"a": [1, 2], "b": ["x", None]}


def test_a_parquet_without_rows_has_its_columns(tmp_path):
    pl.DataFrame(schema={"a": pl.Int64}).write_parquet(tmp_path / "a.parquet")
    assert rows(tmp_path / "a.parquet") == {"a": []}


def test_refuses_a_parquet_without_columns(tmp_path):
    pq.write_table(pa.table({}), tmp_path / "a.parquet")
    with pytest.raises(InvalidFile, match="has no columns"):
        scan_files(tmp_path / "a.parquet")


def test_reads_a_csv_of_nothing_but_decimals(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1.5,-0.25\n2.5,0.75\n")
    assert rows(tmp_path / "a.csv") == {"a": [1.5, 2.5], "b": [-0.25, 0.75]}
