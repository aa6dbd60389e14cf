import json

import polars as pl
import pytest

from gpuseg.engines.dask import DaskSite
from gpuseg.engines.dask_parts import DaskParts
from gpuseg.errors import InvalidFile
from gpuseg.io import read_table, write_table
from gpuseg.io.outputs import together
from gpuseg.io.parted import PartedTable
from gpuseg.io.write_parts import MANIFEST
from tests.clusters import processes

PARTS = [pl.DataFrame({"id": [1, 2], "x": ["a", None]}), pl.DataFrame({"id": [3], "x": ["c"]})]


def itself(frame):
    return frame


def broken(frame):
    if frame["id"][0] == 3:
        raise InvalidFile("the second part cannot be made")
    return frame


@pytest.fixture(scope="module")
def client():
    with processes(2) as client:
        yield client


@pytest.fixture
def parts(client):
    return DaskParts.of(itself, PARTS, site=DaskSite.of(client))


def test_a_table_in_parts_is_written_by_its_workers_and_read_back(parts, tmp_path):
    folder = PartedTable.of(parts).write(tmp_path / "out.parquet")
    assert read_table(folder).equals(pl.concat(PARTS))
    about = json.loads((folder / MANIFEST).read_text())
    assert about["rows"] == 3
    assert about["parts"] == {"part-00000.parquet": 2, "part-00001.parquet": 1}
    assert about["columns"] == {"id": "Int64", "x": "String"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet"]


def test_a_folder_of_ours_is_replaced_and_so_is_a_file(parts, tmp_path):
    path = tmp_path / "out.parquet"
    pl.concat(PARTS).write_parquet(path)
    write_table(PartedTable.of(parts), path)
    write_table(PartedTable.of(parts.chosen([1])), path)
    assert read_table(path).equals(PARTS[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet"]
    with together() as place:
        PARTS[0].write_parquet(place(path))
    assert path.is_file()
    assert read_table(path).equals(PARTS[0])


def test_a_part_that_cannot_be_made_leaves_what_was_there(parts, tmp_path):
    path = write_table(PartedTable.of(parts), tmp_path / "out")
    late = PartedTable(parts.map(broken), {"id": pl.Int64}, [2, 1])
    with pytest.raises(InvalidFile, match="the second part cannot be made"):
        late.write(path)
    assert read_table(path).height == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def both(table, path, other):
    with together() as place:
        write_table(table, place(path))
        place(other)


def test_together_all_or_none(parts, tmp_path):
    path, table = tmp_path / "out", PartedTable.of(parts)
    table.write(path)
    (tmp_path / "taken").mkdir()
    with pytest.raises(InvalidFile, match="is not a regular file"):
        both(PartedTable.of(parts.chosen([0])), path, tmp_path / "taken")
    assert read_table(path).height == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.csv", r"ends in '.csv', and a table on workers is written as a folder of Parquet files"),
        ("theirs", "is a folder that gpuseg did not write"),
        ("none/out", "is not a folder; make it first"),
    ],
)
def test_a_place_that_will_not_do_is_said(parts, tmp_path, name, message):
    (tmp_path / "theirs").mkdir()
    with pytest.raises(InvalidFile, match=message):
        PartedTable.of(parts).write(tmp_path / name)


def test_a_part_that_went_missing_is_said(parts, tmp_path):
    folder = PartedTable.of(parts).write(tmp_path / "out")
    (folder / "part-00001.parquet").unlink()
    with pytest.raises(InvalidFile, match=r"lacks 'part-00001.parquet' of the 2 parts"):
        read_table(folder)


def gone(frame, folder):
    import shutil

    shutil.rmtree(folder, ignore_errors=True)  # as on a machine that does not share the disk
    return frame


def test_a_worker_that_does_not_see_the_folder_says_so(client, tmp_path):
    from gpuseg.io.write_parts import write_parts

    parts = DaskParts.of(itself, PARTS, site=DaskSite.of(client)).map(gone, str(tmp_path / "out"))
    with pytest.raises(InvalidFile, match=r"the worker at tcp://.* cannot see .*out; write to a folder that every"):
        write_parts(parts, tmp_path / "out")
