"""Every displayed formula is labelled, and proven by a test that quotes it.

A test says which formula it evaluates, and writes it as the page does:

    @proves("eq-dense", r"z = x W + b")
    def test_dense() -> None: ...

A formula without a test, a test without a formula, and a formula that is no longer what its test
quotes are failures. The decorators are read from the source of the test modules, so that the
answer does not depend on which tests are run, or in which order.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tests.verify.markdown import Equation, read_page
from tests.verify.notebooks import (
    ROOT,
    Notebook,
    cell_name,
    notebook_paths,
    page_paths,
    read_notebook,
)

Test = TypeVar("Test", bound=Callable[..., None])

LABEL = re.compile(r"\beq-[a-z0-9-]*[a-z0-9]\b")  # in a docstring
KERAS = re.compile(r"Counterpart:\s+``(keras[\w.]*)``")


@dataclass(frozen=True)
class Shown:
    """A formula on a page."""

    where: str
    equation: Equation


@dataclass(frozen=True)
class Proof:
    """A test that claims to prove a formula."""

    where: str
    label: str
    latex: str


def proves(label: str, latex: str) -> Callable[[Test], Test]:
    """Mark a test as the proof of the formula `label`, quoted as it stands on the page."""
    if not label or not latex.strip():
        raise ValueError("proves() needs the label of a formula and its LaTeX")
    return lambda test: test


def normalise(latex: str) -> str:
    """LaTeX without the accidents of line breaks and indentation."""
    return " ".join(latex.split())


def shown_in_notebook(name: str, notebook: Notebook) -> Iterator[Shown]:
    """The displayed formulas of a notebook."""
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            for equation in read_page(cell.source).equations:
                yield Shown(f"{name}, {cell_name(place, cell)}", equation)


def shown_in_book() -> list[Shown]:
    """The displayed formulas of all pages."""
    shown: list[Shown] = []
    for path in notebook_paths():
        shown += shown_in_notebook(path.name, read_notebook(path))
    for path in page_paths():
        page = read_page(path.read_text(encoding="utf-8"))
        shown += [Shown(path.name, equation) for equation in page.equations]
    return shown


@functools.cache
def latex_by_label() -> dict[str, str]:
    """The LaTeX of every formula with a label, read once: a build asks for it on each page."""
    equations = (one.equation for one in shown_in_book())
    return {one.label: one.latex for one in equations if one.label}


def proofs_in_source(source: str, name: str) -> Iterator[Proof]:
    """The proofs of a test module: tests at its top level or in a test class, not skipped."""
    module = ast.parse(source)
    bodies = [module.body]
    bodies += [n.body for n in module.body if isinstance(n, ast.ClassDef) and n.name[:4] == "Test"]
    for node in (node for body in bodies for node in body):
        if not (isinstance(node, ast.FunctionDef) and node.name.startswith("test")):
            continue
        if any("skip" in ast.unparse(d) or "xfail" in ast.unparse(d) for d in node.decorator_list):
            continue  # a test that does not count proves nothing
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("proves"):
                values = [a.value if isinstance(a, ast.Constant) else None for a in decorator.args]
                if len(values) != 2 or not all(isinstance(value, str) for value in values):
                    raise ValueError(f"{name}::{node.name}: proves() takes two plain strings")
                yield Proof(f"{name}::{node.name}", str(values[0]), str(values[1]))


def proofs_in_tests() -> list[Proof]:
    """The proofs of the whole test suite."""
    proofs: list[Proof] = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.name != "test_verifier.py":  # it proves nothing: it tests this check
            name = path.relative_to(ROOT).as_posix()
            proofs += proofs_in_source(path.read_text(encoding="utf-8"), name)
    return proofs


def equation_problems(shown: Iterable[Shown], proofs: Iterable[Proof]) -> list[str]:
    """Where pages and proofs do not fit together, each naming the page or the test."""
    shown = list(shown)
    problems = []
    by_label = defaultdict(list)
    for proof in proofs:
        by_label[proof.label].append(proof)
    labels = Counter(s.equation.label for s in shown if s.equation.label)
    for place in shown:
        label, latex = place.equation.label, normalise(place.equation.latex)
        if label is None:
            problems.append(
                f"{place.where}: the displayed formula {_cut(latex)} has no label: "
                "write it as $$...$$ (eq-name) and prove it in a test"
            )
            continue
        if labels[label] > 1:
            problems.append(f"{place.where}: the label {label} is used {labels[label]} times")
        if label not in by_label:
            problems.append(
                f"{place.where}: no test proves {label}: mark one with "
                f"@proves({label!r}, r{latex!r})".replace("\\\\", "\\")
            )
        for proof in by_label.get(label, []):
            if normalise(proof.latex) != latex:
                problems.append(
                    f"{place.where}: {label} is {_cut(latex)} on the page, but {proof.where} "
                    f"proves {_cut(normalise(proof.latex))}: make the test prove what is shown"
                )
    problems += [
        f"{proof.where}: proves {label}, which is on no page"
        for label, several in by_label.items()
        if label not in labels
        for proof in several
    ]
    return problems


def _cut(text: str, most: int = 100) -> str:
    return text if len(text) <= most else text[:most] + "..."
