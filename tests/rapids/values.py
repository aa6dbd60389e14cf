"""What a name in a source stands for: a module, class or function itself, an instance of a class, or none of RAPIDS."""

import inspect
import re
from pathlib import Path
from typing import Any, NamedTuple

import cudf
import cupy
import narwhals

from tests.rapids.signatures import signature_of

ROOTS = ("cuda", "cudf", "cuml", "cupy", "cupyx", "cuvs", "dask_cuda", "dask_cudf", "pylibraft", "pynvml", "rmm")


class Real(NamedTuple):
    """A module, class or function itself, the name that it was reached by, and the class that a method is of."""

    it: Any
    name: str
    of: type | None = None


class Made(NamedTuple):
    """An instance of a class."""

    of: type

    @property
    def name(self):
        return f"{self.of.__module__.partition('.')[0]}.{self.of.__name__}"


class Lost(NamedTuple):
    """Something that RAPIDS gave and that has no known class: nothing may be asked of it."""

    where: str


class Own(NamedTuple):
    """A function of the source, and what its annotation says that it gives."""

    gives: Any


class Options(NamedTuple):
    """A dict of arguments whose names can be read."""

    keys: tuple[str, ...]


PLAIN = None
"""None of RAPIDS: what is asked of it is not looked at."""
ARRAY = Made(cupy.ndarray)
RESULTS = {
    "cupy.asnumpy": PLAIN,
    "cupy.cuda.get_allocator": PLAIN,
    "cupy.cuda.runtime.memGetInfo": PLAIN,
    "cupy.cuda.set_allocator": PLAIN,
    "cupy.get_default_memory_pool": Made(cupy.cuda.MemoryPool),
    "cupy.ndarray.get": PLAIN,
    "cupy.ndarray.item": PLAIN,
    "cupy.ndarray.tolist": PLAIN,
    "narwhals.DataFrame.select": Made(narwhals.DataFrame),
    "narwhals.DataFrame.to_native": Made(cudf.DataFrame),
    "narwhals.DataFrame.to_numpy": PLAIN,
    "rmm.mr.get_current_device_resource": PLAIN,
}
"""What a call gives where neither its annotation nor the rule that CuPy's functions give arrays tells it."""
WORDS = {"None": PLAIN, "int": PLAIN, "float": PLAIN, "bool": PLAIN, "str": PLAIN, "tuple": PLAIN}
WORDS |= {"ndarray": ARRAY, "_ndarray_base": ARRAY, "NDArray": ARRAY, "DataFrame": Made(cudf.DataFrame)}
"""What the last word of an annotation stands for."""


def is_rapids(it):
    """Return whether a module, class or function is of RAPIDS."""
    name = it.__name__ if inspect.ismodule(it) else getattr(it, "__module__", None) or type(it).__module__
    return name.partition(".")[0].removesuffix("_backends") in ROOTS


def annotated(text, found, package):
    """Return the value of an annotation, of which ``found`` is what its name stands for in the source.

    ``Array`` is taken for CuPy's, and in a backend ``Any`` too: what is no array there can say so.
    """
    if text == "Array" or (text == "Any" and package == "gpuseg.backends"):
        return ARRAY
    if text.startswith("nw.DataFrame"):
        return Made(narwhals.DataFrame)
    return Made(found.it) if isinstance(found, Real) and inspect.isclass(found.it) and is_rapids(found.it) else PLAIN


def result(function):
    """Return what a call of something real gives."""
    if function.name in RESULTS:
        return RESULTS[function.name]
    if inspect.isclass(function.it):
        return Made(function.it)
    signature = signature_of(function.it)
    says = signature.return_annotation if signature else inspect.Signature.empty
    word = re.findall(r"\w+", str(getattr(says, "__name__", says)))[-1:]
    if says is not inspect.Signature.empty and word:
        if word[0] == function.name.split(".")[-2]:  # as fit gives its own estimator
            return Made(function.of)
        if word[0] in WORDS:
            return WORDS[word[0]]
    return ARRAY if function.name.startswith(("cupy.", "cupyx.")) else Lost(function.name)


def is_set_by_a_fit(of, name):
    """Return whether a class of cuML assigns the attribute in its source, compiled classes in that beside them."""
    for base in of.__mro__[:-1]:
        module = inspect.getmodule(base)
        source = Path(getattr(module, "__file__", "")).with_suffix("").with_suffix(".pyx")
        text = source.read_text() if source.is_file() else _python_source(base)
        if re.search(rf"\bself\.{name}\s*(?::[^=\n]+)?=", text):
            return True
    return False


def _python_source(base):
    try:
        return inspect.getsource(base)
    except (OSError, TypeError):
        return ""
