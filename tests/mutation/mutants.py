"""The mistakes: mutmut's, each as the text of a whole module."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from mutmut.mutation.file_mutation import Mutation, create_mutations, deep_replace

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """A module with one mistake."""

    module: str  # as in "nnbook/models.py"
    function: str  # as in "Sequential.fit"
    before: str  # the lines that changed, joined to one
    after: str
    line: int  # where they begin
    source: str  # of the whole module

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What still names the mutant after edits elsewhere."""
        return self.module, self.function, self.before, self.after

    def __str__(self) -> str:
        return (
            f"{self.module}:{self.line} {self.function}\n  - {self.before}\n"
            f"  + {self.after or '(nothing)'}"
        )


def mutants(module: str, source: str) -> list[Mutant]:
    """Return all mutants of a module that mutmut makes inside of functions."""
    tree, mutations, *_ = create_mutations(module, source)
    starts = {name: function.lineno for name, function in functions(ast.parse(source))}
    names = dict(_names(tree.body))
    lines = source.splitlines()
    made = []
    for mutation in mutations:
        function = mutation.contained_by_top_level_function
        if function in names:
            name = names[function]
            at, old, new = _difference(tree, mutation)
            start = starts[name] - 1
            indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
            at += start
            text = "\n".join(
                [*lines[:at], *(indent + line for line in new), *lines[at + len(old) :], ""]
            )
            made.append(Mutant(module, name, _joined(old), _joined(new), at + 1, text))
    return made


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


def _names(body: object, prefix: str = "") -> Iterator[tuple[cst.CSTNode, str]]:
    assert isinstance(body, tuple | list)
    for node in body:
        if isinstance(node, cst.FunctionDef):
            yield node, prefix + node.name.value
        elif isinstance(node, cst.ClassDef) and not prefix:
            yield from _names(node.body.body, f"{node.name.value}.")


def _difference(tree: cst.Module, mutation: Mutation) -> tuple[int, list[str], list[str]]:
    """Return the changed lines of a function: where, before and after."""
    function = mutation.contained_by_top_level_function
    assert function is not None
    bare = function.with_changes(leading_lines=[], decorators=[])
    mutated = deep_replace(bare, mutation.original_node, mutation.mutated_node)
    assert isinstance(mutated, cst.FunctionDef)
    old, new = (tree.code_for_node(f).splitlines() for f in (bare, mutated))
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    return first, old[first : len(old) - last], new[first : len(new) - last]


def _joined(lines: list[str]) -> str:
    return " ".join(textwrap.dedent("\n".join(lines)).split())
