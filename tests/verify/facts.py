"""What the pages hold and the tests compare, counted; and the record of the last full test run.

The pages are built from this as well, without the packages that only tests need.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from tests.verify import equations, prose
from tests.verify.markdown import read_page
from tests.verify.notebooks import ROOT, Cell, Notebook, notebook_paths, read_notebook
from tests.verify.numbers import read_numbers

RECORD = ROOT / "build" / "verification.json"


@dataclass(frozen=True)
class Counts:
    """What is on a page, or on several together."""

    cells: int = 0  # of code, all of them executed
    outputs: int = 0
    numbers: int = 0  # that the outputs print
    figures: int = 0
    prose_numbers: int = 0  # in the text; each stands in an output
    equations: int = 0
    exercises: int = 0
    mistakes: int = 0  # that the exercises know by name

    def __add__(self, other: Counts) -> Counts:
        names = [field.name for field in fields(self)]
        return Counts(*(getattr(self, name) + getattr(other, name) for name in names))


def count(name: str, notebook: Notebook) -> Counts:
    """Count what is in a chapter."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and is_shown(cell)]
    outputs = [output for cell in code for output in cell.outputs]
    texts = [text for cell in code for text in prose.output_texts(cell)]
    chapter = prose.Chapter.from_notebook(name, notebook, prose.read_constants())
    claims = [
        claim
        for cell in notebook.cells
        for _, text, markdown in prose.prose_of(cell)
        for claim in chapter.claims(text, markdown=markdown)
    ]
    checked = _exercises(name)
    return Counts(
        cells=len(code),
        outputs=len(outputs),
        numbers=sum(len(read_numbers(text)) for text in texts),
        figures=sum(any(m.startswith("image/") for m in o.get("data", {})) for o in outputs),
        prose_numbers=len(claims),
        equations=len(list(equations.shown_in_notebook(name, notebook))),
        exercises=len(checked),
        mistakes=sum(len(one.mistakes) for one in checked),
    )


def is_shown(cell: Cell) -> bool:
    """Whether a cell is on the page: what only Colab needs is not."""
    return "remove-cell" not in cell.metadata.get("tags", [])


def _exercises(name: str) -> list[Any]:
    """The exercises of a chapter. By name, since building the pages needs no other part of it."""
    found = importlib.import_module("nnbook.exercises").exercises(name[:2].lstrip("0"))
    return list(found.values())


@functools.cache
def chapters() -> dict[str, Counts]:
    """The counts of each chapter, by its file name without ending; counted once."""
    return {path.stem: count(path.stem, read_notebook(path)) for path in notebook_paths()}


def title(notebook: Notebook) -> str:
    """The heading of a chapter."""
    headings = (f.text for f in read_page(notebook.cells[0].source).fragments if f.heading == 1)
    return next(headings)


# ---- which piece of the library computes which formula -------------------------------------------


@dataclass(frozen=True)
class Piece:
    """A class, function or method of nnbook whose docstring names a formula."""

    name: str  # nnbook.layers.Dense.backward
    keras: str | None  # its counterpart

    @property
    def source(self) -> str:
        """Its place in the pages of sources."""
        _, module, *path = self.name.split(".")
        return f"nnbook/{module}.html#{'.'.join(path)}"


def pieces() -> dict[str, list[Piece]]:
    """The pieces of the library by the labels of the formulas that their docstrings name."""
    found: dict[str, list[Piece]] = {}
    for path in sorted((ROOT / "nnbook").glob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        for name, docstring, keras in _docstrings(module, f"nnbook.{path.stem}", None):
            for label in dict.fromkeys(equations.LABEL.findall(docstring)):
                found.setdefault(label, []).append(Piece(name, keras))
    return found


def _docstrings(
    node: ast.AST, name: str, keras: str | None
) -> Iterator[tuple[str, str, str | None]]:
    """Public names with their docstrings, and the Keras counterpart of each or of its class."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef) or child.name.startswith("_"):
            continue
        text = ast.get_docstring(child) or ""
        counterpart = equations.KERAS.search(text)
        own = counterpart[1] if counterpart else keras
        yield f"{name}.{child.name}", text, own
        if isinstance(child, ast.ClassDef):
            yield from _docstrings(child, f"{name}.{child.name}", own)


def used(notebook: Notebook) -> list[str]:
    """The public classes and functions of nnbook that the code of a chapter names."""
    meant: dict[str, str] = {}  # what a name in the notebook stands for
    found = set()
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                meant |= {a.asname or a.name: a.name for a in node.names if a.name == "nnbook"}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nnbook"):
                meant |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                for a in node.names:  # the same name, from Keras
                    meant.pop(a.asname or a.name, None)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute | ast.Name):
                first, _, rest = ast.unparse(node).partition(".")
                if first in meant:
                    found.add(f"{meant[first]}.{rest}".rstrip("."))
    return sorted({SHORT.get(name, name) for name in found} & public_names())


SHORT = {"nnbook.Input": "nnbook.layers.Input", "nnbook.Sequential": "nnbook.models.Sequential"}


def public_names() -> set[str]:
    """The classes and functions of the library, by their full names."""
    names = set()
    for path in (ROOT / "nnbook").glob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        names |= {
            f"nnbook.{path.stem}.{node.name}"
            for node in module.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
        }
    return names


# ---- the record of the last full run -------------------------------------------------------------


def fingerprint() -> str:
    """A digest of all that a full run verifies."""
    digest = hashlib.sha256()
    for pattern in ("nnbook/**/*.py", "tests/**/*.py", "notebooks/*.ipynb", "book/**/*.md"):
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def record() -> dict[str, Any] | None:
    """The record of the last full run, where there is one of these very files."""
    if not RECORD.is_file():
        return None
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found if found.get("fingerprint") == fingerprint() else None
