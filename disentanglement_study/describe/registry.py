"""Registries read from their files, unimported: JAX and matplotlib take seconds to import.

What is read is plain: a dict of literal keys, or of the keys of others. Tests compare it with the registry itself.
"""

import ast
import copy
import functools
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
Found = tuple[str, ast.expr]  # a value, and the module in which it is written


def names(module: str, registry: str) -> list[str]:
    """The keys of a dict of a module, in its order."""
    return list(items(module, registry))


def items(module: str, registry: str) -> dict[str, Found]:
    """A dict of a module, with its values as they are written."""
    return dict(_items(*assigned(module, registry)))


def assigned(module: str, name: str) -> Found:
    """What a name of a module is assigned, there or where it is imported from; KeyError if that cannot be read."""
    for node in _tree(module).body:
        targets = [*getattr(node, "targets", ()), getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return module, node.value  # type: ignore[attr-defined]
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            return assigned(str(node.module), name)
    raise KeyError(f"{module} assigns no {name}")


def documented(module: str, name: str) -> tuple[str, str]:
    """The module that defines a function or class which this module has, and its docstring."""
    body = _tree(module).body
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return module, ast.get_docstring(node) or ""
    for node in body:
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            return documented(str(node.module), name)
    raise KeyError(f"{module} defines no {name}")


def texts(value: ast.expr) -> dict[str, str]:
    """The keyword arguments of a call that are plain strings."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    constants = {str(one.arg): one.value.value for one in keywords if isinstance(one.value, ast.Constant)}
    return {name: value for name, value in constants.items() if isinstance(value, str)}


def called(value: ast.expr) -> tuple[str, dict[str, str]]:
    """The name of a function that stands alone or in a `partial`, and the arguments that are fixed there."""
    function = value.args[0] if isinstance(value, ast.Call) else value
    if not isinstance(function, ast.Name):
        raise KeyError(ast.unparse(value))
    return function.id, texts(value)


def _items(module: str, node: ast.expr) -> Iterator[tuple[str, Found]]:
    if isinstance(node, ast.Name):
        yield from _items(*assigned(module, node.id))
    elif isinstance(node, ast.DictComp):
        yield from _each(module, node)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                yield from _items(module, value)
            else:
                yield ast.literal_eval(key), (module, value)
    else:
        raise KeyError(ast.unparse(node))


def _each(module: str, node: ast.DictComp) -> Iterator[tuple[str, Found]]:
    """Those of {f"mcc_by_{name}": ... for name in OPTIONS} and of {name: ... for name, one in REGISTRY.items()}."""
    (loop,) = node.generators
    of = loop.iter.func.value if isinstance(loop.iter, ast.Call) else loop.iter  # type: ignore[attr-defined]
    variable = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else loop.target
    for key, _ in _items(module, of):
        put = _Put(variable.id, key)  # type: ignore[attr-defined]
        parts = node.key.values if isinstance(node.key, ast.JoinedStr) else [node.key]
        name = "".join(str(part.value) if isinstance(part, ast.Constant) else key for part in parts)
        yield name, (module, put.visit(copy.deepcopy(node.value)))


class _Put(ast.NodeTransformer):
    """A text in place of a name."""

    def __init__(self, name: str, text: str):
        self.name, self.text = name, text

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(self.text) if node.id == self.name else node


@functools.cache
def _tree(module: str) -> ast.Module:
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))
