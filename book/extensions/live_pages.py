"""What pages say of the book itself is counted while they are built, never typed.

A comment such as ``<!-- verification -->`` or ``<!-- correction 3 -->`` on a page is filled in,
and each chapter ends with what of it is verified.
"""

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import texescape

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.verify import equations, facts, notebooks, prose

CHAPTER = re.compile(r"notebooks/(\d+_\w+)")


def number(count: int, one: str, several: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


# ---- the index of equations ---------------------------------------------------------------------


def equation_index() -> str:
    """Return every labelled formula: where it is derived, who computes it, what proves it."""
    pieces = facts.pieces()
    proofs: dict[str, list[str]] = {}
    for proof in equations.proofs_in_tests():
        proofs.setdefault(proof.label, []).append(proof.where)
    parts = []
    for path in notebooks.notebook_paths():
        notebook = notebooks.read_notebook(path)
        shown = list(equations.shown_in_notebook(path.name, notebook))
        if not shown:
            continue
        parts.append(f"## {facts.title(notebook)}\n")
        for one in shown:
            label = str(one.equation.label)
            facts_of = [
                f"{{py:obj}}`{piece.name}` "
                f'(<a href="../_modules/{escape(piece.source)}">source</a>)'
                + (f", in Keras `{piece.keras}`" if piece.keras else "")
                for piece in pieces.get(label, [])
            ]
            tests = ", ".join(f"`{where.removeprefix('tests/')}`" for where in proofs[label])
            lines = [
                f"{{eq}}`{label}`",
                f": $\\displaystyle {one.equation.latex}$",
                f": {' · '.join([*facts_of, f'proven by {tests}'])}",
            ]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


# ---- how the book is verified --------------------------------------------------------------------


def verification() -> str:
    """Return the counts of all chapters, and what is known of the last full run."""
    counts = facts.chapters()
    total = sum(counts.values(), facts.Counts())
    heads = ("Chapter", "Cells", "Outputs", "Numbers", "Figures", "Formulas", "Exercises")
    rows = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    for name, c in [*counts.items(), ("", total)]:
        link = f"[{name[:2]}](../notebooks/{name}.ipynb)" if name else "all"
        values = (c.cells, c.outputs, c.numbers, c.figures, c.equations, c.exercises)
        rows.append("| " + " | ".join([link, *(f"{value:,}" for value in values)]) + " |")
    text = (
        f"The text of the chapters states {number(total.prose_numbers, 'number')} that an output "
        f"has to print. Their exercises know {number(total.mistakes, 'typical mistake')} by name."
    )
    return "\n".join([*rows, "", text, "", last_run()])


def last_run() -> str:
    """Return when everything was verified last, and with what."""
    record = facts.record()
    if record is None:
        return (
            "No full test run of exactly these files has been noted yet. "
            "After `python3 make.py test`, the next build says here when it was."
        )
    versions = ", ".join(f"{name} {value}" for name, value in record["versions"].items())
    skipped = f", {record['skipped']:,} skipped" if record["skipped"] else ""
    return (
        f"**Last full run:** {record['date']}. {number(record['passed'], 'check')} "
        f"passed{skipped}. Python {record['python']}, {versions}."
    )


# ---- the corrections and the sheet of formulas ---------------------------------------------------


def correction(number: str) -> str:
    """Return what the cell ``correction-NUMBER`` printed, and a link to its chapter."""
    for path in notebooks.notebook_paths():
        notebook = notebooks.read_notebook(path)
        for cell in notebook.cells:
            if cell.get("id") == f"correction-{number}":
                printed = "".join(prose.output_texts(cell)).rstrip()
                link = f"[{facts.title(notebook)}](../notebooks/{path.name})"
                return (
                    f"**Seen** in {link}:\n\n"
                    f"```{{code-block}} text\n:class: printed\n\n{printed}\n```"
                )
    raise ValueError(f"no chapter has a cell with the id correction-{number}")


def sheet(labels: str) -> str:
    """Return the formulas of some labels, each with its number, which leads to its chapter."""
    latex = equations.latex_by_label()
    return "\n".join(
        f"{{eq}}`{label}`\n: $\\displaystyle {latex[label]}$\n" for label in labels.split()
    )


# ---- the first page ------------------------------------------------------------------------------

LINE = 130  # characters that a chapter has to say what it is about


def contents() -> str:
    """Return each chapter's title with the first sentences of its text that fit in a line."""
    rows = []
    for path in notebooks.notebook_paths():
        notebook = notebooks.read_notebook(path)
        rows.append(f"[{facts.title(notebook)}](../notebooks/{path.name})\n: {opening(notebook)}\n")
    return "\n".join(rows)


def opening(notebook: notebooks.Notebook) -> str:
    """Return the first sentence of a chapter, and those after it that still fit."""
    paragraph = notebook.cells[0].source.split("\n\n")[1]
    sentences = re.split(r"(?<=[.?!]) (?=\S)", " ".join(paragraph.split()))
    line = sentences[0]
    for sentence in sentences[1:]:
        if len(f"{line} {sentence}") > LINE:
            break
        line = f"{line} {sentence}"
    return line


def stored_picture(cell_id: str) -> tuple[Path, notebooks.Cell, str]:
    """Return the chapter, the cell and the stored picture of a cell that draws one."""
    for path in notebooks.notebook_paths():
        for cell in notebooks.read_notebook(path).cells:
            for output in cell.get("outputs", []) if cell.get("id") == cell_id else []:
                if svg := output.get("data", {}).get("image/svg+xml"):
                    return path, cell, "".join(svg)
    raise ValueError(f"no chapter has a cell with the id {cell_id} that draws a picture")


def picture(arguments: str) -> str:
    """Return a figure of a chapter, as ``cell-id: caption``; its file is written with the pages.

    It stands here twice, for pages and for paper; each builder leaves the other's out.
    """
    cell_id, _, caption = arguments.partition(":")
    path, cell, svg = stored_picture(cell_id)
    pictures[f"{cell_id}.svg"] = svg
    alt = escape(cell["metadata"]["mystnb"]["image"]["alt"])
    caption = " ".join(caption.split())
    return (
        f'```{{raw}} html\n<figure class="cell_output"><img src="../_images/{cell_id}.svg" '
        f'alt="{alt}"><figcaption><p>{escape(caption)} '
        f'<a href="../notebooks/{path.stem}.html">Chapter {int(path.stem[:2])}</a> draws it.</p>'
        "</figcaption></figure>\n```\n\n"
        "```{raw} latex\n\\begin{center}\n"
        f"\\sphinxincludegraphics{{{{{cell_id}}}.svg}}\\par\n{texescape.escape(caption)}\n"
        "\\end{center}\n```"
    )


pictures: dict[str, str] = {}  # that pages show, by the names of their files


def write_pictures(app: Sphinx, exception: Exception | None) -> None:
    """Write the pictures that came from chapters to where the pages look for them."""
    folders = {"html": "_images", "latex": "."}
    if exception is not None or app.builder.name not in folders:
        return
    folder = Path(app.outdir) / folders[app.builder.name]
    folder.mkdir(exist_ok=True)
    for name, svg in pictures.items():
        (folder / name).write_text(svg, encoding="utf-8")


FILLED = {
    "contents": lambda _: contents(),
    "picture": picture,
    "equation index": lambda _: equation_index(),
    "verification": lambda _: verification(),
    "correction": correction,
    "sheet:": sheet,
}
MARK = re.compile(rf"<!-- ({'|'.join(FILLED)})\s*(.*?) -->", re.DOTALL)


def fill(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put what was counted or printed in place of the comments."""
    if docname.startswith("book/"):
        source[0] = MARK.sub(lambda match: FILLED[match[1]](match[2]), source[0])


def verified_footer(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """End a chapter with what of it is verified."""
    match = CHAPTER.fullmatch(pagename)
    if match is None or "body" not in context:
        return
    notebook = notebooks.read_notebook(facts.ROOT / f"{pagename}.ipynb")
    c = facts.chapters()[match[1]]
    exercises = f" {number(c.exercises, 'exercise')} check themselves." if c.exercises else ""
    record = facts.record()
    if record is None:
        when = " These pages were built without such a run of just these files before."
    else:
        names = ("numpy", "matplotlib", "keras", "tensorflow")
        with_versions = ", ".join(f"{name} {record['versions'][name]}" for name in names)
        when = f" Last run: {record['date']}, Python {record['python']}, {with_versions}."
    context["body"] += (
        '<aside class="verified" aria-label="Verified"><p><strong>Verified.</strong> '
        f"On this page {number(c.cells, 'code cell')} with {number(c.outputs, 'output')}, "
        f"{number(c.numbers + c.prose_numbers, 'number')}, {number(c.figures, 'figure')} and "
        f"{number(c.equations, 'formula', 'formulas')} are computed again and compared on every "
        f'change.{exercises}{when} <a href="../book/verification.html">How?</a></p>'
        f"<p><strong>In the library.</strong> {links_to_library(notebook)}</p></aside>"
    )


def links_to_library(notebook: notebooks.Notebook) -> str:
    """Return links to the pages of the pieces that a chapter uses."""
    links = []
    for name in facts.used(notebook):
        module = name.split(".")[1]
        short = name.removeprefix("nnbook.")
        links.append(f'<a href="../book/api/{module}.html#{name}"><code>{short}</code></a>')
    return ", ".join(links)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks."""
    app.connect("source-read", fill)
    app.connect("html-page-context", verified_footer)
    app.connect("build-finished", write_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
