"""The signature of anything in RAPIDS: inspected, else read from the docstring, where Cython leaves it."""

import ast
import contextlib
import inspect
import re
from inspect import Parameter, Signature

EMBEDDED = re.compile(r"\A\s*(?:[\w.]+\.)?(\w+)\((.*?)\)\s*(?:->\s*(\S+))?\s*$", re.MULTILINE | re.DOTALL)
"""``name(arguments) -> result`` on the first lines of a docstring."""
NUMPYDOC = re.compile(r"^\s*Parameters\n\s*-+\n(.*?)(?:\n\s*\n\s*\w+\n\s*-+|\Z)", re.MULTILINE | re.DOTALL)


def signature_of(callable_):
    """Return the signature, None where nothing tells it; that of a method is less its ``self``."""
    with contextlib.suppress(ValueError, TypeError):
        return _with_bases(_bound(inspect.signature(callable_)), callable_)
    doc = inspect.cleandoc(callable_.__doc__ or "")
    return _embedded(doc) or _numpydoc(doc)


def _with_bases(signature, callable_):
    """Return the signature with what a class hands on by ``**`` spelt out: the names that its bases take."""
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if not inspect.isclass(callable_) or Parameter.VAR_KEYWORD not in kinds:
        return signature
    own = [parameter for parameter in signature.parameters.values() if parameter.kind is not Parameter.VAR_KEYWORD]
    handed = {
        name: parameter.replace(kind=Parameter.KEYWORD_ONLY)
        for base in callable_.__mro__[1:-1]
        if "__init__" in vars(base)
        for name, parameter in inspect.signature(base).parameters.items()
        if parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    }
    known = {parameter.name for parameter in own}
    return signature.replace(parameters=own + [handed[name] for name in handed if name not in known])


def _embedded(doc):
    found = EMBEDDED.match(doc)
    if found is None:
        return None
    # Cython writes C types before the names; NumPy's manner escapes stars; defaults may be <objects>.
    words = re.sub(r"<[^>]*>", "None", found[2].replace("\\", ""))
    words = re.sub(r"\b(?:[A-Za-z_][\w.]*\s+)+(?=[A-Za-z_]\w*\s*(?:,|=|$))", "", words)
    with contextlib.suppress(SyntaxError):
        arguments = ast.parse(f"def f({words}): pass").body[0].args
        return _bound(Signature(list(_parameters(arguments))))
    return None


def _bound(signature):
    first, *rest = [*signature.parameters.values(), None]
    return signature.replace(parameters=rest[:-1]) if first and first.name == "self" else signature


def _parameters(arguments):
    places = [*arguments.posonlyargs, *arguments.args]
    required = len(places) - len(arguments.defaults)
    for at, argument in enumerate(places):
        only = at < len(arguments.posonlyargs)
        kind = Parameter.POSITIONAL_ONLY if only else Parameter.POSITIONAL_OR_KEYWORD
        yield Parameter(argument.arg, kind, default=Parameter.empty if at < required else None)
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, Parameter.VAR_POSITIONAL)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(argument.arg, Parameter.KEYWORD_ONLY, default=Parameter.empty if default is None else None)
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD)


def _numpydoc(doc):
    """Return the parameters of the section of that name, all of them optional: it does not say which are."""
    found = NUMPYDOC.search(doc)
    if found is None:
        return None
    names = re.findall(r"^(\w+)\s*:", inspect.cleandoc(found[1]), re.MULTILINE)
    return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in names])
