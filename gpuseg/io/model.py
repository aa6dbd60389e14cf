"""A model file: a zip of ``manifest.json`` and ``.npy`` arrays, stored, hashed, and free of pickle.

Members are stored, not compressed: a file then holds no more than its own size, and a zip that
unfolds into more is refused before anything is read.
"""

import hashlib
import io
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gpuseg.backends import Host
from gpuseg.errors import InvalidModel
from gpuseg.io.write import check_writable, whole

FORMAT = "gpuseg-model"
VERSION = 1
ENDINGS = (".gpuseg",)
MALFORMED = (KeyError, TypeError, AttributeError, ValueError, RuntimeError, SyntaxError, tokenize.TokenError)
"""What reading JSON, an array's header or an encrypted member raises where a file was made by hand."""
MANIFEST, DIGEST = "manifest.json", "manifest.sha256"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same model is the same bytes."""


def write_model(path: str | Path, card: Mapping[str, Any], state: Mapping[str, Any]) -> Path:
    """Write a model's card (what a person reads) and state (what assigning needs), whole or not at all."""
    path = Path(path).expanduser()
    check_writable(path, ENDINGS)
    arrays: dict[str, bytes] = {}
    tree = _packed(state, arrays)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in arrays.items()}
    content = {"format": FORMAT, "format_version": VERSION, "card": _packed(card, {}), "state": tree, "arrays": hashes}
    manifest = json.dumps(content, indent=1, allow_nan=False).encode()
    members = {MANIFEST: manifest, DIGEST: hashlib.sha256(manifest).hexdigest().encode(), **arrays}
    with whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data)
    return path


def read_model(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return card and state of a model file; raise InvalidModel for any other file, in one sentence."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise InvalidModel(f"{path} does not exist or is no file; give a model file written by gpuseg")
    try:
        with zipfile.ZipFile(path) as archive:
            content = _manifest(archive, path)
            arrays = {name: _array(archive, name, digest, path) for name, digest in content["arrays"].items()}
            return _unpacked(content["card"], {}), _unpacked(content["state"], arrays)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, zlib.error) as error:
        if isinstance(error, InvalidModel):
            raise
        raise InvalidModel(f"{path} is no whole model file ({error}); copy or write it again") from error
    except MALFORMED as error:
        raise _changed(path, f"{type(error).__name__}: {error}") from error


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """Return the checked manifest: nothing is read before sizes and names are known to be sane."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if any(m.compress_type != zipfile.ZIP_STORED or m.file_size != m.compress_size for m in members):
        raise InvalidModel(f"{path} is a compressed zip; model files are not compressed: write it with gpuseg again")
    if sum(member.file_size for member in members) > path.stat().st_size or len(set(names)) != len(names):
        raise _changed(path, "its members overlap or repeat")
    if MANIFEST not in names or DIGEST not in names:
        raise InvalidModel(f"{path} is a zip without a gpuseg manifest; give a model file written by gpuseg")
    data = archive.read(MANIFEST)
    content: dict[str, Any] = json.loads(data)
    if content.get("format") != FORMAT:
        raise InvalidModel(f"{path} is not in the format {FORMAT!r}; give a model file written by gpuseg")
    if content.get("format_version") != VERSION:
        raise InvalidModel(
            f"{path} is of format version {content.get('format_version')!r} and this gpuseg reads {VERSION}; "
            "use the gpuseg that wrote it, or fit again"
        )
    if hashlib.sha256(data).hexdigest().encode() != archive.read(DIGEST):
        raise _changed(path, "the manifest is not the one written")
    if set(names) != {MANIFEST, DIGEST, *content["arrays"]}:
        raise _changed(path, "its members are not those written")
    return content


def _array(archive: zipfile.ZipFile, name: str, digest: str, path: Path) -> Host:
    data = archive.read(name)
    if hashlib.sha256(data).hexdigest() != digest:
        raise _changed(path, f"{name} is not the array written")
    array = np.lib.format.read_array(_sound(data, name, path), allow_pickle=False)
    array.setflags(write=False)
    return array


def _sound(data: bytes, name: str, path: Path) -> io.BytesIO:
    """Return the bytes of an array as a file, if its header promises no more than is there."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise _changed(path, f"the header of {name} promises another size")
    file.seek(0)
    return file


def _changed(path: Path, what: str) -> InvalidModel:
    return InvalidModel(f"{path} was changed or damaged after it was written ({what}); copy or write it again")


def _packed(value: Any, arrays: dict[str, bytes]) -> Any:
    """Return the value as JSON can hold it; arrays go to ``arrays`` and leave a reference."""
    if isinstance(value, np.ndarray):
        file = io.BytesIO()
        np.lib.format.write_array(file, np.ascontiguousarray(value), version=(1, 0), allow_pickle=False)
        name = f"arrays/{len(arrays):04}.npy"
        arrays[name] = file.getvalue()
        return {"$array": name}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        # A column may be called "$array": a mark of ours has one dollar, a name of the user's one more.
        return {_escaped(str(key)): _packed(item, arrays) for key, item in value.items()}
    if isinstance(value, tuple):
        return {"$tuple": [_packed(item, arrays) for item in value]}
    if isinstance(value, list):
        return [_packed(item, arrays) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidModel(f"a {type(value).__name__} cannot be kept in a model file; use numbers, text, lists or arrays")


def _escaped(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


def _unpacked(value: Any, arrays: Mapping[str, Host]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$array"}:
            return arrays[value["$array"]]
        if set(value) == {"$tuple"}:
            return tuple(_unpacked(item, arrays) for item in value["$tuple"])
        if set(value) == {"$float"}:
            return float(value["$float"])
        return {key.removeprefix("$"): _unpacked(item, arrays) for key, item in value.items()}
    return [_unpacked(item, arrays) for item in value] if isinstance(value, list) else value
