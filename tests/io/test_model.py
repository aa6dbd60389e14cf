"""A model file comes back as it was written, and any other file is one clear error."""

import io
import json
import zipfile

import numpy as np
import pytest

from gpuseg.errors import InvalidModel
from gpuseg.io.model import MANIFEST, read_model, write_model

STATE = {
    "centers": np.arange(6.0).reshape(2, 3),
    "names": np.array(["Käse", "b"]),
    "nested": {"list": [1, 2.5, "x", None, True], "empty": np.zeros((0, 3), np.int32)},
    "score": np.float64(0.5),
    "odd": [float("inf"), float("nan")],
    "pair": (2, (3, 4)),
    "$float": {"$array": 1, "$": 2},
}
CARD = {"rows": 10}


@pytest.fixture
def path(tmp_path):
    return write_model(tmp_path / "m.gpuseg", CARD, STATE)


def rewritten(path, change, **options):
    """Write the file's members again after ``change`` has had its hands on them."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_there_and_back(path):
    card, state = read_model(path)
    assert card == CARD
    np.testing.assert_array_equal(state["centers"], STATE["centers"])
    assert state["names"].tolist() == ["Käse", "b"]
    assert state["nested"]["list"] == STATE["nested"]["list"]
    assert state["nested"]["empty"].shape == (0, 3)
    assert state["nested"]["empty"].dtype == np.int32
    assert state["odd"][0] == float("inf")
    assert state["pair"] == (2, (3, 4))
    assert state["$float"] == {"$array": 1, "$": 2}
    assert np.isnan(state["odd"][1])


def test_the_same_model_is_the_same_bytes(path, tmp_path):
    assert write_model(tmp_path / "again.gpuseg", CARD, STATE).read_bytes() == path.read_bytes()


def test_no_pickle_goes_in(tmp_path):
    for value in (np.array([object()], dtype=object), {1, 2}):
        with pytest.raises((InvalidModel, ValueError), match=r"[Pp]ickle|cannot be kept|Object arrays"):
            write_model(tmp_path / "x.gpuseg", {}, {"a": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidModel, match="no whole model file"):
        read_model(path)


def test_every_flipped_byte_is_found_or_harmless(path):
    data, expected = path.read_bytes(), read_model(path)
    for at in range(0, len(data), 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        try:
            card, state = read_model(path)
        except InvalidModel:
            continue
        assert card == expected[0]
        np.testing.assert_array_equal(state["centers"], STATE["centers"])


def edit(**changes):
    def change(members):
        content = json.loads(members[MANIFEST])
        content.update(changes)
        members[MANIFEST] = json.dumps(content).encode()

    return change


def swap(members):
    members["arrays/0000.npy"] = members["arrays/0000.npy"][:-8] + bytes(8)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (edit(format_version=2), {}, "is of format version 2 and this gpuseg reads 1"),
        (edit(format="other"), {}, "is not in the format 'gpuseg-model'"),
        (edit(card={"rows": 99}), {}, "changed or damaged.*manifest"),
        (swap, {}, "changed or damaged.*0000.npy"),
        (lambda members: members.pop(MANIFEST), {}, "without a gpuseg manifest"),
        (lambda members: members.update(extra=b"x"), {}, "members are not those written"),
        (lambda members: members.pop("arrays/0000.npy"), {}, "members are not those written"),
        (lambda members: members.update({MANIFEST: b"{"}), {}, "changed or damaged"),
        (lambda members: members.update({MANIFEST: b"[]"}), {}, "changed or damaged"),
        (lambda members: members.update({MANIFEST: b"[" * 100_000}), {}, "changed or damaged"),
        (lambda members: members.update(bomb=bytes(10**8)), {"compression": zipfile.ZIP_DEFLATED}, "compressed zip"),
    ],
)
def test_a_changed_file(path, change, options, message):
    with pytest.raises(InvalidModel, match=message):
        read_model(rewritten(path, change, **options))


def test_an_array_that_promises_more_than_is_there(path):
    def change(members):
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
        data = file.getvalue()
        from hashlib import sha256

        content = json.loads(members[MANIFEST])
        content["arrays"]["arrays/0000.npy"] = sha256(data).hexdigest()
        members["arrays/0000.npy"] = data
        members[MANIFEST] = json.dumps(content).encode()
        members["manifest.sha256"] = sha256(members[MANIFEST]).hexdigest().encode()

    with pytest.raises(InvalidModel, match="promises another size"):
        read_model(rewritten(path, change))


@pytest.mark.parametrize(("name", "data"), [("none", None), ("empty", b""), ("text", b"a,b\n1,2\n")])
def test_what_is_no_model(tmp_path, name, data):
    path = tmp_path / f"{name}.gpuseg"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InvalidModel, match=r"does not exist|no whole model file"):
        read_model(path)
    with pytest.raises(InvalidModel, match="no file"):
        read_model(tmp_path)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(OSError, match=r"written to a name that ends in \.gpuseg"):
        write_model(tmp_path / "m.zip", {}, {})
