"""Ways to damage a notebook, small enough to escape a careless check.

Used by `tests/test_verifier.py` to prove that the verifier notices each of them. Every function
changes the cell or text it is given, or says that it cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from xml.etree import ElementTree

from tests.verify.notebooks import Cell, Notebook
from tests.verify.numbers import Number, read_numbers
from tests.verify.prose import Chapter

SVG = "image/svg+xml"
_NAMESPACES = {"": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}


def moved(number: Number, units: int) -> str:
    """The number printed `units` units of its last digit away (towards zero where possible)."""
    step = number.unit * units
    away = number.value if abs(number.value) < abs(step) else -number.value
    value = number.value + step.copy_sign(away)
    mantissa, e, _ = number.text.lower().partition("e")
    if e:
        return f"{value:.{len(mantissa.partition('.')[2])}e}"
    return f"{value:f}"


def numbers_moved(text: str, units_exact: int, units: int) -> Iterator[tuple[Number, str]]:
    """The text with one number moved, for each number in turn."""
    for number in read_numbers(text):
        to = moved(number, units_exact if number.is_exact else units)
        if Decimal(to) != number.value:
            yield number, text[: number.start] + to + text[number.end :]


def move_curve(svg: str, share: float) -> str | None:
    """The figure with one curve moved down by a share of the height of its axes."""
    for prefix, uri in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, uri)
    root = ElementTree.fromstring(svg)  # noqa: S314  # our own figures
    for axes in root.findall(".//{*}g"):
        if not axes.get("id", "").startswith("axes_"):
            continue
        frame = axes.find("{*}g/{*}path")  # the background comes first
        for line in axes.findall("{*}g"):
            path = line.find("{*}path[@clip-path]")
            if frame is None or path is None or not line.get("id", "").startswith("line2d"):
                continue
            heights = [y for _, y in _points(frame.get("d", ""))]
            if axes[0].get("id", "").startswith("line2d"):  # axes without a background
                heights = [0.0, float(root.get("viewBox", "").split()[-1])]
            shift = share * (max(heights) - min(heights))
            path.set("d", _POINT.sub(partial(_shifted, shift), path.get("d", "")))
            return ElementTree.tostring(root, encoding="unicode")
    return None


_POINT = re.compile(r"([ML]) (\S+) (\S+)")


def _points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for _, x, y in _POINT.findall(path)]


def _shifted(shift: float, match: re.Match[str]) -> str:
    return f"{match[1]} {match[2]} {float(match[3]) + shift:.6f}"


def figures(cell: Cell) -> list[Cell]:
    """The outputs of a cell that are SVG figures."""
    return [o for o in cell.get("outputs", []) if SVG in o.get("data", {})]


def stdout(cell: Cell) -> list[Cell]:
    """The outputs of a cell that are printed text."""
    return [o for o in cell.get("outputs", []) if o.get("name") == "stdout"]


# The mutations of a cell, for a run of nbval: each says whether it could be done.


def damage_decimal(cell: Cell) -> bool:
    """A decimal number changed by two units of its last digit."""
    for output in stdout(cell):
        for number, text in numbers_moved(output.text, 0, 2):
            if not number.is_exact:
                output.text = text
                return True
    return False


def damage_integer(cell: Cell) -> bool:
    """An integer changed by one."""
    for output in stdout(cell):
        for number, text in numbers_moved(output.text, 1, 0):
            if number.is_exact:
                output.text = text
                return True
    return False


def damage_word(cell: Cell) -> bool:
    """A word with another letter."""
    for output in stdout(cell):
        output.text, changed = re.subn(r"\b([a-z]{3,})[a-y]\b", r"\1z", output.text, count=1)
        if changed:
            return True
    return False


def damage_curve(cell: Cell) -> bool:
    """A figure with one curve moved by 2 % of its axes."""
    for output in figures(cell):
        if svg := move_curve(output.data[SVG], 0.02):
            output.data[SVG] = svg
            return True
    return False


def delete_output(cell: Cell) -> bool:
    """An output that is gone."""
    if cell.outputs:
        cell.outputs = cell.outputs[:-1]
        return True
    return False


def forget_run(cell: Cell) -> bool:
    """A cell that was never run."""
    if cell.source.strip():
        cell.outputs, cell.execution_count = [], None
        return True
    return False


DAMAGES: dict[Callable[[Cell], bool], str] = {
    damage_curve: "tolerance 0.1",
    damage_decimal: "units of the last digit, allowed 1",
    damage_integer: "must be equal",
    damage_word: "stored ",
    delete_output: "fresh has",
    forget_run: "was never run",
}


def damage(notebook: Notebook) -> dict[str, str]:
    """Damage a different cell in each way; return what to expect, by the id of the cell."""
    expected: dict[str, str] = {}
    for function, message in DAMAGES.items():
        for cell in reversed(notebook.cells):
            if cell.cell_type == "code" and cell.id not in expected and function(cell):
                expected[cell.id] = message
                break
        else:
            raise ValueError(f"no cell is left for {function.__name__}")
    return expected


def prose_slips(chapter: Chapter, text: str, start: int, markdown: bool) -> tuple[int, list[str]]:
    """Change every digit that belongs to a claim; count the changes, and list the unnoticed."""
    claims = chapter.claims(text, markdown=markdown)
    known = chapter.problems(text, start, markdown=markdown)
    tried, slips = 0, []
    for match in re.finditer(r"[0-9]", text):
        for step in (1, -1):
            at, digit = match.start(), str((int(match[0]) + step) % 10)
            damaged = text[:at] + digit + text[at + 1 :]
            if chapter.claims(damaged, markdown=markdown) == claims:
                break  # a digit of markup: no reader sees it
            tried += 1
            if chapter.problems(damaged, start, markdown=markdown) == known:
                line = damaged[max(0, at - 30) : at + 30]
                slips.append(f"{match[0]} -> {digit} in {' '.join(line.split())!r}")
    return tried, slips
