"""What can be said of a notebook without running it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

from nbformat.validator import iter_validate

from tests.verify.markdown import read_page
from tests.verify.notebooks import Cell, Notebook, cell_name, expected_counts, read_notebook

ALT_WORDS = 8  # fewer cannot say what a figure shows

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE_INFO = {"name": "python"}  # no version: it would change with each author's machine

_MARK = re.compile(r"#\s*(NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)")
_FETCH = re.compile(
    r"^\s*[!%]{1,2}\s*(?:pip|conda|sh|bash|cmd|system|sx)\b|^\s*!|"
    r"\b(?:urllib|requests|httpx|fetch_\w+|get_file|keras\.datasets|tensorflow_datasets)\b",
    re.MULTILINE,
)
# What another machine, another user or another minute would print differently.
_VOLATILE = {
    "a memory address": re.compile(r"\b0x[0-9a-f]{6,}\b"),
    "an absolute path": re.compile(
        r"(?<![\w.:/<])/(?:home|root|Users|tmp|usr|var|work|opt|private|mnt)/|(?<!\w)~/|\b[A-Z]:\\\\?\w"
    ),
    "a time or a date": re.compile(
        r"\b\d{1,2}:\d{2}:\d{2}\b|\b20\d\d-\d\d-\d\d\b|"
        r"\b\d+(?:\.\d+)?\s?(?:ms|µs)\b|\b\d+\.\d+\s?(?:s|sec|seconds)\b|\b\d+s/(?:step|epoch)"
    ),
}
_BOUND = re.compile(r"(?:<|\b(?:within|below|above|to))\s*(\d+(?:\.\d+)?e-\d+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_STABLE_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def code_cell_problems(cell: Cell, expected_count: int | None) -> list[str]:
    """What is wrong with a stored code cell as such (also asked before each run)."""
    problems = []
    if cell.execution_count != expected_count:
        if cell.execution_count is None:
            problems.append("was never run: run the notebook and store its outputs")
        else:
            problems.append(
                f"was run out of order: its count is {cell.execution_count}, in a run from top to "
                f"bottom it is {expected_count}"
            )
    marks = set(_MARK.findall(cell.source))
    marks |= {tag for tag in cell.metadata.get("tags", []) if tag.startswith(("nbval", "pytest"))}
    problems += [
        f"the mark {mark} would exempt it from the check: remove it, and print only what is stable"
        for mark in sorted(marks)
    ]
    tagged = "raises-exception" in cell.metadata.get("tags", [])
    raised = any(output.output_type == "error" for output in cell.outputs)
    if raised and not tagged:
        problems.append("stores an error: repair it, or tag it raises-exception if on purpose")
    if tagged and not raised:
        problems.append("is tagged raises-exception and stores no error: remove the tag")
    if any(output.get("name") == "stderr" for output in cell.outputs):
        problems.append("stores stderr: it must be empty, repair or silence the cause")
    return problems


def notebook_problems(path: Path) -> list[str]:
    """All structural problems of a notebook, each naming the cell and the remedy."""
    notebook = read_notebook(path)
    problems = [f"{path.name}: {said}" for said in _metadata_problems(notebook)]
    counts = expected_counts(notebook)
    ids = Counter(cell.get("id") for cell in notebook.cells)
    for place, cell in enumerate(notebook.cells):
        said = _id_problems(cell, ids) + _cell_metadata_problems(cell)
        if cell.cell_type == "code":
            said += code_cell_problems(cell, counts.get(place))
            said += _source_problems(cell) + _output_problems(cell)
        else:
            said += alt_problems(cell.source)
        problems += [f"{path.name}, {cell_name(place, cell)}: {problem}" for problem in said]
    return problems


def alt_problems(source: str) -> list[str]:
    """Images of a markdown text whose alt text is missing or says nothing."""
    return [
        f"the image {target} has {_words(alt)} words of alt text, at least {ALT_WORDS} are needed: "
        "say what it shows"
        for target, alt in read_page(source).images
        if _words(alt) < ALT_WORDS
    ]


def _words(text: str) -> int:
    return len(re.findall(r"\w+", text))


def _metadata_problems(notebook: Notebook) -> list[str]:
    problems = []
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        problems.append("must be stored in format 4.5, the one with stable cell ids")
    metadata = notebook.metadata
    if metadata.get("kernelspec") != KERNELSPEC:
        problems.append(f"metadata.kernelspec must be {KERNELSPEC}")
    if metadata.get("language_info") != LANGUAGE_INFO:
        problems.append(f"metadata.language_info must be {LANGUAGE_INFO}, without versions")
    extra = sorted(set(metadata) - {"kernelspec", "language_info", "mystnb"})
    if extra:
        problems.append(f"metadata has {extra}: remove them")
    errors = iter_validate(notebook)  # type: ignore[no-untyped-call]
    problems += [f"is not a valid notebook: {error.message}" for error in errors]
    return problems


def _id_problems(cell: Cell, ids: Counter[Any]) -> list[str]:
    name = cell.get("id", "")
    if not _STABLE_ID.fullmatch(name):
        return [f"its id {name!r} must be small letters, digits and single hyphens"]
    if ids[name] > 1:
        return ["its id is used twice"]
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}.*", name):
        return [f"its id {name!r} is a random one: give it a name a reader understands"]
    return []


def _cell_metadata_problems(cell: Cell) -> list[str]:
    extra = sorted(set(cell.metadata) - {"tags", "mystnb"})
    return [f"its metadata has {extra}: remove them"] if extra else []


def _source_problems(cell: Cell) -> list[str]:
    problems = [
        f"{match[0].strip()!r} reaches outside: the book runs without network and shell"
        for match in _FETCH.finditer(cell.source)
    ]
    return problems + _bound_problems(cell.source)


def _bound_problems(source: str) -> list[str]:
    """Bounds that a ``print`` names beside a comparison with another one."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a shell command: told above
        return []
    problems = []
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "print"):
            continue
        parts = list(ast.walk(call))
        texts = [part.value for part in parts if isinstance(part, ast.Constant)]
        told = {float(b) for text in texts if isinstance(text, str) for b in _BOUND.findall(text)}
        sides = [
            side for part in parts if isinstance(part, ast.Compare) for side in part.comparators
        ]
        used = {n.value for side in sides for n in ast.walk(side) if isinstance(n, ast.Constant)}
        if used and told - used:
            problems.append(
                f"prints the bound {min(told - used):.0e} and compares with another one"
            )
    return problems


def _output_problems(cell: Cell) -> list[str]:
    problems = []
    for output in cell.outputs:
        data = output.get("data", {})
        if any(mime.startswith("image/") for mime in data):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            if _words(alt) < ALT_WORDS:
                problems.append(
                    f"its figure has {_words(alt)} words of alt text, at least {ALT_WORDS} are "
                    "needed: say what it shows in the cell metadata mystnb.image.alt"
                )
        texts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
        texts += [value for mime, value in data.items() if mime.startswith("text/")]
        for text in (_COLOURS.sub("", text) for text in texts):
            for what, pattern in _VOLATILE.items():
                if match := pattern.search(text):
                    problems.append(f"prints {what} ({match[0]!r}): print what is stable instead")
        if any("widget" in mime for mime in data):
            problems.append("shows a widget, which only lives with a kernel: print or draw instead")
    return problems
