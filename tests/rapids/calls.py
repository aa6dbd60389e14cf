"""Every call that a source makes into RAPIDS, held against the installed signatures: a function of the source's text.

Names are followed from their import through assignments, operators and results to the class that they are of. What
came out of RAPIDS and has no known class is never passed over: to ask anything of it is a problem, which an annotation
or a row of ``values.RESULTS`` mends. What is hidden in attributes of gpuseg's own objects is not followed.
"""

import ast
import importlib
import inspect
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import gpuseg
from tests.rapids.signatures import signature_of
from tests.rapids.values import (
    ARRAY,
    PLAIN,
    ROOTS,
    Lost,
    Made,
    Options,
    Own,
    Real,
    annotated,
    is_rapids,
    is_set_by_a_fit,
    result,
)  # fmt: skip

ROOT = Path(gpuseg.__file__).parents[1]


class Bound(NamedTuple):
    """A call that fits its signature."""

    name: str
    node: ast.Call


class Checked(NamedTuple):
    """The calls that were bound, and what is wrong, in words with the line."""

    bound: list[Bound]
    problems: list[str]


def callers():
    """Return the files of gpuseg that import any of RAPIDS."""
    return [path for path in sorted((ROOT / "gpuseg").rglob("*.py")) if _imports_rapids(ast.parse(path.read_text()))]


def _imports_rapids(tree):
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] in ROOTS for name in names)


def checked(source, package):
    """Return which calls ``source``, a module of ``package``, makes into RAPIDS, and what is wrong with them."""
    tree, trace = ast.parse(source), _Trace(package)
    trace.block(tree.body, {})
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node not in trace.seen]
    trace.problems += [f"line {node.lineno}: {ast.unparse(node)} is not reached" for node in calls]
    return Checked(trace.bound, trace.problems)


class _Trace:
    """One walk over a source: ``names`` say what each stands for, ``seen`` are the calls looked at."""

    def __init__(self, package):
        self.package, self.bound, self.problems, self.seen = package, [], [], set()

    def wrong(self, node, words):
        self.problems.append(f"line {node.lineno}: {words}")
        return PLAIN

    def block(self, body, names):
        """Look at statements, then at the bodies of functions: they see names that stand below them."""
        functions = [node for node in body if isinstance(node, ast.FunctionDef)]
        names.update({node.name: Own(self.annotation(node.returns, names)) for node in functions})
        for node in body:
            if node not in functions:
                self.statement(node, names)
        for node in functions:
            names[node.name] = Own(self.annotation(node.returns, names))
            self.function(node, dict(names))

    def function(self, node, names):
        given = node.args
        for part in [*node.decorator_list, *given.defaults, *filter(None, given.kw_defaults)]:
            self.value(part, names)
        for argument in [*given.posonlyargs, *given.args, *given.kwonlyargs]:
            names[argument.arg] = self.annotation(argument.annotation, names)
        names.update({argument.arg: PLAIN for argument in (given.vararg, given.kwarg) if argument})
        self.block(node.body, names)

    def annotation(self, node, names):
        if node is None:
            return PLAIN
        text = ast.unparse(node).strip("'\"")
        found = self.value(node, names) if isinstance(node, ast.Name | ast.Attribute) else PLAIN
        return annotated(text, found, self.package)

    def statement(self, node, names):
        match node:
            case ast.Import():
                for alias in node.names:
                    self.imported(alias, names, node)
            case ast.ImportFrom():
                module = importlib.import_module("." * node.level + (node.module or ""), self.package)
                for alias in node.names:
                    names[alias.asname or alias.name] = self.attribute(Real(module, module.__name__), alias.name, node)
            case ast.Assign():
                value = self.value(node.value, names)
                for target in node.targets:
                    self.assign(target, value, names)
            case ast.AnnAssign():
                value = self.value(node.value, names) if node.value else PLAIN
                self.assign(node.target, value or self.annotation(node.annotation, names), names)
            case ast.For():
                self.assign(node.target, _element(self.value(node.iter, names)), names)
                self.block([*node.body, *node.orelse], names)
            case _:
                self.parts(node, names)

    def parts(self, node, names):
        """Look at all that a node holds; a name that ``with`` gives stands for the manager itself."""
        for part in ast.iter_child_nodes(node):
            match part:
                case ast.withitem(context_expr=made, optional_vars=ast.Name() as target):
                    names[target.id] = self.value(made, names)
                case ast.FunctionDef():
                    self.block([part], names)
                case ast.stmt():
                    self.statement(part, names)
                case ast.expr():
                    self.value(part, names)
                case _:
                    self.parts(part, names)

    def imported(self, alias, names, node):
        root = alias.name.partition(".")[0]
        if root in ROOTS and find_spec(alias.name) is None:
            self.wrong(node, f"there is no module {alias.name}")
            return
        module = importlib.import_module(alias.name)
        short = module if alias.asname else importlib.import_module(root)
        names[alias.asname or root] = Real(short, short.__name__)

    def assign(self, target, value, names):
        match target:
            case ast.Name():
                names[target.id] = value
            case ast.Tuple() | ast.List():
                for each in target.elts:
                    self.assign(each, _element(value), names)
            case _:
                self.value(target, names)

    def value(self, node, names):
        """Return what an expression stands for, after a look at every call in it."""
        return getattr(self, f"_{type(node).__name__.lower()}", self._other)(node, names)

    def _other(self, node, names):
        self.parts(node, names)
        return PLAIN

    def _name(self, node, names):
        return names.get(node.id, PLAIN)

    def _attribute(self, node, names):
        return self.attribute(self.value(node.value, names), node.attr, node)

    def _subscript(self, node, names):
        self.value(node.slice, names)
        return _element(self.value(node.value, names))

    def _ifexp(self, node, names):
        self.value(node.test, names)
        return self.value(node.body, names) or self.value(node.orelse, names)

    def _dict(self, node, names):
        self.parts(node, names)
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        return Options(tuple(keys)) if len(keys) == len(node.keys) else PLAIN

    def _operator(self, node, names):
        found = [self.value(part, names) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
        return next((each for each in found if isinstance(each, Made | Lost)), PLAIN)

    _binop = _unaryop = _boolop = _compare = _operator

    def _comprehension(self, node, names):
        names = dict(names)
        for each in node.generators:  # before what is made of their names
            self.assign(each.target, _element(self.value(each.iter, names)), names)
        self.parts(node, names)
        return PLAIN

    _listcomp = _setcomp = _dictcomp = _generatorexp = _comprehension

    def _namedexpr(self, node, names):
        names[node.target.id] = self.value(node.value, names)
        return names[node.target.id]

    def _call(self, node, names):
        self.seen.add(node)
        function = self.value(node.func, names)
        for part in node.args:
            self.value(part, names)
        keywords = [(each.arg, self.value(each.value, names)) for each in node.keywords]
        if isinstance(function, Made):
            function = Real(function.of.__call__, f"{function.name}.__call__", function.of)
        match function:
            case Lost():
                return self.wrong(node, f"what {function.where} gives is called, and has no row in RESULTS")
            case Own():
                return function.gives
            case Real(it, _, of) if of is not None or is_rapids(it):
                self.bind(node, function, keywords)
                return result(function)
        return _foreign(function) if isinstance(function, Real) else PLAIN

    def attribute(self, owner, name, node):
        """Return what ``owner.name`` stands for."""
        match owner:
            case Lost():
                return self.wrong(node, f".{name} is asked of what {owner.where} gives, which has no row in RESULTS")
            case Made():
                return self.of_instance(owner, name, node)
            case Real():
                return self.of_real(owner, name, node)
        return PLAIN

    def of_instance(self, owner, name, node):
        if not hasattr(owner.of, name):
            known = is_set_by_a_fit(owner.of, name)
            return ARRAY if known else self.wrong(node, f"{owner.name} has no attribute {name!r}")
        found = getattr(owner.of, name)
        if callable(found):
            return Real(found, f"{owner.name}.{name}", owner.of)
        return ARRAY if name.endswith("_") or name == "T" else PLAIN

    def of_real(self, owner, name, node):
        holder, full = owner.it, f"{owner.name}.{name}"
        if hasattr(holder, name):
            return Real(getattr(holder, name), full)
        if hasattr(holder, "__path__") and find_spec(full):
            return Real(importlib.import_module(full), full)
        return self.wrong(node, f"{owner.name} has no {name!r}") if is_rapids(holder) else PLAIN

    def bind(self, node, function, keywords):
        """Try the call's arguments on the signature."""
        signature = signature_of(function.it)
        if signature is None:
            return self.wrong(node, f"{function.name} tells no signature")
        names = [name for name, _ in keywords if name]
        for value in [value for name, value in keywords if name is None]:
            if not isinstance(value, Options):
                return self.wrong(node, f"{function.name} gets ** of something whose names cannot be read")
            names += value.keys
        starred = any(isinstance(part, ast.Starred) for part in node.args)
        take = signature.bind_partial if starred else signature.bind
        try:
            take(*[None] * (len(node.args) - starred), **dict.fromkeys(names))
        except TypeError as error:
            return self.wrong(node, f"{function.name}{signature}: {error}")
        return self.bound.append(Bound(function.name, node))


def _element(value):
    """Return what an index or a loop takes out of a value."""
    return value if value == ARRAY or isinstance(value, Lost) else PLAIN


def _foreign(function):
    """Return what a function of gpuseg says that it gives; of other packages nothing is known."""
    module = getattr(function.it, "__module__", None) or ""
    if not (inspect.isfunction(function.it) and module.startswith("gpuseg.")):
        return PLAIN
    says = str(function.it.__annotations__.get("return", "")).removeprefix("typing.")
    return annotated(says, PLAIN, module.rpartition(".")[0])
