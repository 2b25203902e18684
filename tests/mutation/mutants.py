"""The mistakes: mutmut's, each as the text of a whole module."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from mutmut.mutation.file_mutation import create_mutations, deep_replace

from tests.mutation.listed import Key
from tests.mutation.source import functions, one_line


@dataclass(frozen=True)
class Mutant:
    """A module with one mistake."""

    module: str  # as in "nnbook/models.py"
    function: str  # as in "Sequential.fit"
    before: str  # the lines that changed, joined to one
    after: str
    nth: int  # of those that read the same, from 1 on
    line: int  # where they begin
    source: str  # of the whole module

    @property
    def key(self) -> Key:
        """What still names the mutant after edits elsewhere."""
        return self.module, self.function, self.before, self.after, self.nth

    def __str__(self) -> str:
        return (
            f"{self.module}:{self.line} {self.function}\n  - {self.before}\n"
            f"  + {self.after or '(nothing)'}"
        )


def mutants(module: str, source: str) -> list[Mutant]:
    """Return all mutants of a module that mutmut makes inside of functions."""
    # mutmut leaves out functions with decorators
    tree, mutations, *_ = create_mutations(module, _undecorated(source))
    starts = {name: function.lineno for name, function in functions(ast.parse(source))}
    lines = source.splitlines()
    made: list[Mutant] = []
    seen: Counter[tuple[str, str, str]] = Counter()
    named: set[str] = set()
    for function, name in _names(tree.body):
        if name in named:  # the setter of a property, as in functions()
            continue
        named.add(name)
        bare = function.with_changes(leading_lines=[], decorators=[])
        original = tree.code_for_node(bare).splitlines()
        start = starts[name] - 1
        indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
        for mutation in mutations:
            if mutation.contained_by_top_level_function is not function:
                continue
            mutated = deep_replace(bare, mutation.original_node, mutation.mutated_node)
            assert isinstance(mutated, cst.FunctionDef)
            at, old, new = _difference(original, tree.code_for_node(mutated).splitlines())
            at += start
            text = "\n".join(
                [*lines[:at], *(indent + line for line in new), *lines[at + len(old) :], ""]
            )
            change = name, one_line(old), one_line(new)
            seen[change] += 1
            made.append(Mutant(module, *change, seen[change], at + 1, text))
    return made


def _undecorated(source: str) -> str:
    """Return the source with comments in place of decorators: all lines stay where they are."""
    lines = source.splitlines()
    for _, function in functions(ast.parse(source)):
        for decorator in function.decorator_list:
            assert decorator.end_lineno is not None
            for line in range(decorator.lineno, decorator.end_lineno + 1):
                lines[line - 1] = "#"
    return "\n".join([*lines, ""])


def _names(body: object, prefix: str = "") -> Iterator[tuple[cst.FunctionDef, str]]:
    assert isinstance(body, tuple | list)
    for node in body:
        if isinstance(node, cst.FunctionDef):
            yield node, prefix + node.name.value
        elif isinstance(node, cst.ClassDef) and not prefix:
            yield from _names(node.body.body, f"{node.name.value}.")


def _difference(old: list[str], new: list[str]) -> tuple[int, list[str], list[str]]:
    """Return the lines that differ: where, before and after."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    return first, old[first : len(old) - last], new[first : len(new) - last]
