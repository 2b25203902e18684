"""Where things stand in a module's text."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef


def one_line(lines: Iterable[str]) -> str:
    """Join lines to one, whatever their indentation."""
    return " ".join(" ".join(lines).split())


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Find the functions and methods by name; a setter does not count beside its property."""
    seen = set()
    for node in tree.body:
        methods = node.body if isinstance(node, ast.ClassDef) else [node]
        for method in methods:
            if isinstance(method, Function):
                name = f"{node.name}.{method.name}" if node is not method else method.name  # type: ignore[attr-defined]
                if name not in seen:
                    yield name, method
                seen.add(name)


def statement_lines(tree: ast.Module, line: int) -> range:
    """Return the lines of the statement at a line; of a compound one, only its head.

    A function's head, where its defaults are, counts as the whole function.
    """
    best, found = range(0), False
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            assert node.end_lineno is not None
            end = node.end_lineno + 1
            body = getattr(node, "body", None)
            if body and not isinstance(node, Function) and node.lineno <= line < body[0].lineno:
                end = body[0].lineno
            lines = range(node.lineno, end)
            if line in lines and (not found or len(lines) <= len(best)):
                best, found = lines, True
    return best
