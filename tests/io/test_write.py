import os
import signal
import stat
import subprocess
import sys
import threading

import polars as pl
import pytest

from gpuseg.errors import InvalidFile, InvalidInput
from gpuseg.io.write import check_writable, whole, write_frame

FRAME = pl.DataFrame({"id": [1, 2], "name": ["a;b", None], "spent": [1.5, 2.0]})
ENDINGS = ("csv", "parquet", "arrow", "feather")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("ending", [*ENDINGS, "CSV"])
def test_there_and_back_is_the_same(tmp_path, ending):
    path = write_frame(FRAME, tmp_path / f"out.{ending}")
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet}.get(ending.lower(), pl.read_ipc)
    assert read(path).equals(FRAME)
    assert names(tmp_path) == [path.name]


def test_the_written_csv_is_plain(tmp_path):
    assert write_frame(FRAME, tmp_path / "a.csv").read_bytes() == b"id,name,spent\n1,a;b,1.5\n2,,2.0\n"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.xlsx", r"ends in '.xlsx'; output is written to a name that ends in .csv, .parquet"),
        ("a", "ends in ''"),
        ("no/a.csv", "no is not a folder; make it first"),
        ("file/a.csv", "file is not a folder"),
        ("folder.csv", "is not a regular file; give another name"),
        ("x" * 300 + ".csv", "cannot be written"),
    ],
)
def test_refuses_a_place_for_no_file(tmp_path, name, sentence):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidFile, match=sentence):
        write_frame(FRAME, tmp_path / name)
    assert names(tmp_path) == ["file", "folder.csv"]


@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_a_folder_that_cannot_be_written_to_is_known_beforehand(tmp_path, folder):
    with pytest.raises(
        InvalidFile, match=rf"{folder}/a.csv cannot be written \(.*\); give a name in a folder of yours"
    ):
        check_writable(tmp_path.joinpath(folder, "a.csv"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every file")
def test_a_protected_file_is_kept(tmp_path):
    path = write_frame(FRAME, tmp_path / "a.csv")
    path.chmod(0o444)
    with pytest.raises(InvalidFile, match="is protected from writing"):
        write_frame(FRAME, path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("earlier", [True, False], ids=["over", "new"])
def test_a_full_disk_leaves_all_as_it_was(tmp_path, ending, earlier):
    path = tmp_path / f"out.{ending}"
    if earlier:
        path.write_bytes(b"earlier")
    script = f"""
import resource
from pathlib import Path
import polars as pl
from gpuseg.errors import InvalidFile
from gpuseg.io.write import write_frame
frame = pl.DataFrame({{"a": range(200_000)}})
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_frame(frame, Path({str(path)!r}))
except InvalidFile as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert "cannot be written" in done.stdout
    assert "File too large" in done.stdout
    assert "nothing was left there: free space or choose another place" in done.stdout
    assert done.stdout.count("\n") == 1
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == ([(path.name, b"earlier")] if earlier else [])


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_an_interrupt_leaves_nothing_and_harms_nothing(tmp_path, raised):
    path = tmp_path / "out.bin"
    path.write_bytes(b"earlier")
    with pytest.raises(raised), whole(path) as file:  # noqa: PT012 - the block is what is interrupted
        file.write(b"half")
        file.flush()
        raise raised
    assert path.read_bytes() == b"earlier"
    assert names(tmp_path) == ["out.bin"]


def test_control_c_leaves_nothing(tmp_path):
    script = f"""
import time
from pathlib import Path
from gpuseg.io.write import whole
with whole(Path({str(tmp_path / "out.csv")!r})) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        assert len(names(tmp_path)) == 1
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert names(tmp_path) == []


def test_our_own_errors_pass_as_they_are(tmp_path):
    with pytest.raises(InvalidFile, match=r"^mine$"), whole(tmp_path / "a.bin"):
        raise InvalidFile("mine")
    assert names(tmp_path) == []


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "latest.csv"
    link.symlink_to(tmp_path / "real" / "today.csv")
    write_frame(FRAME, link)
    write_frame(FRAME, link)
    assert link.is_symlink()
    assert pl.read_csv(tmp_path / "real" / "today.csv").equals(FRAME)
    assert names(tmp_path / "real") == ["today.csv"]


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with whole(tmp_path.joinpath("/").joinpath(tmp_path, "a")) as file:
        file.write(b"1")
    with whole(type(tmp_path)("~/b")) as file:
        file.write(b"2")
    assert names(tmp_path) == ["a", "b"]


@pytest.fixture
def umask():
    """Set the mask of the process and restore it."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_the_permissions_are_those_of_any_new_file(tmp_path, umask):
    path = write_frame(FRAME, tmp_path / "a.csv")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o604)
    assert stat.S_IMODE(write_frame(FRAME, path).stat().st_mode) == 0o604


def test_threads_may_write_side_by_side(tmp_path):
    path = tmp_path / "a.parquet"
    threads = [threading.Thread(target=write_frame, args=(FRAME, path)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pl.read_parquet(path).equals(FRAME)
    assert names(tmp_path) == ["a.parquet"]


def test_a_csv_holds_no_lists(tmp_path):
    frame = pl.DataFrame({"a": [[1]], "b": [b"x"], "c": [{"d": 1}], "e": [1]})
    with pytest.raises(InvalidInput, match=r"'a', 'b', 'c' hold lists or bytes, .*; write out.parquet"):
        write_frame(frame, tmp_path / "out.csv")
    assert pl.read_parquet(write_frame(frame, tmp_path / "out.parquet")).equals(frame)
