"""Where the pages are, and how a notebook and a cell are named in a message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]

Notebook = Any  # nbformat's NotebookNode: a dictionary with attribute access, untyped
Cell = Any


def notebook_paths() -> list[Path]:
    """The chapters, in the order of the book."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def page_paths() -> list[Path]:
    """The pages that are not notebooks."""
    return sorted((ROOT / "book").glob("*.md"))


def read_notebook(path: Path) -> Notebook:
    """A notebook as it is stored. (`nbformat.read` would repair missing and double cell ids.)"""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))  # type: ignore[no-untyped-call]


def write_notebook(path: Path, notebook: Notebook) -> None:
    """Replace the file in one step: a run that is cut off leaves the old one whole."""
    text: str = nbformat.v4.writes(notebook)  # type: ignore[no-untyped-call]
    new = path.with_suffix(".ipynb.new")
    new.write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    new.replace(path)


def node(value: Mapping[str, Any]) -> Any:
    """A dictionary as nbformat keeps it, with attribute access."""
    return nbformat.from_dict(value)  # type: ignore[no-untyped-call]


def cell_name(index: int, cell: Cell) -> str:
    """A cell as an author finds it: its place (from 1, as the eye counts) and its id."""
    return f"cell {index + 1} ({cell.get('id', 'no id')})"


def expected_counts(notebook: Notebook) -> dict[int, int]:
    """The execution count that each code cell must carry, by its place: 1..n without the empty."""
    places = [
        place
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]
    return {place: count for count, place in enumerate(places, start=1)}
