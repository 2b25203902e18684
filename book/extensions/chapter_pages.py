"""What stands on a chapter's page around its text.

- The cells of a pair, and the cell that compares them, become one block: side by side on a wide
  screen, one side hidden where the reader wants only the other.
- A long output is folded; its summary says how long it is.
- A margin note and the text before it become one block, so that the note stands beside its text
  where there is room, and follows it elsewhere.
- Below the title: how long the chapter takes to read, its notebook to download, and the control of
  the pairs.
- At the end, unseen: the formulas that the text refers to, for ``book.js`` to show on hover.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from book_pages import formulas
from docutils import nodes  # type: ignore[import-untyped]
from myst_nb.sphinx_ import HideCodeCellNode  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator
from sphinx.writers.latex import LaTeXTranslator

from tests.verify import equations

logger = logging.getLogger(__name__)

CHAPTER = re.compile(r"notebooks/\d+_")
LONG = 30  # lines of output, about a screen; what is longer is folded
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 20  # of text, and of code
SIDES = {"both": "both", "from-scratch": "only from scratch", "keras": "only Keras"}
PAIR = '<div class="pair '
NUMBER = re.compile(r"<dt>.*?</dt>")  # in a list of formulas
REFERENCE = re.compile(r'href="([^"#]*)#equation-(eq-[a-z0-9-]+)"')


# ---- pairs --------------------------------------------------------------------------------------


def has_tag(node: Any, tag: str) -> bool:
    """Whether a node is a cell with a tag."""
    return isinstance(node, nodes.container) and f"tag_{tag}" in node["classes"]


def join_pairs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put each pair, and the cell after it that compares both, into one block."""
    if not CHAPTER.match(docname):
        return
    for first in list(doctree.findall(lambda node: has_tag(node, "from-scratch"))):
        siblings = first.parent.children
        at = siblings.index(first)
        following = siblings[at + 1 : at + 3]
        if not following or not has_tag(following[0], "keras"):
            continue
        cells = [first, following[0]]
        cells += [cell for cell in following[1:] if has_tag(cell, "same")]
        pair = nodes.container(classes=["pair"])
        first.parent.insert(at, pair)
        for cell in cells:
            pair.parent.remove(cell)
            pair.append(cell)


# ---- long outputs -------------------------------------------------------------------------------


def fold_long_outputs(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Fold what a cell prints on many lines; a browser opens it without a script as well."""
    if app.builder.format != "html":
        return  # nobody can open a fold on paper
    for cell in doctree.findall(lambda node: has_class(node, "cell_output")):
        for output in list(cell.findall(nodes.literal_block)):
            lines = len(output.astext().rstrip("\n").splitlines())
            if lines <= LONG or isinstance(cell.parent, HideCodeCellNode):
                continue
            fold = HideCodeCellNode(
                prompt_show=f"Show the output: {lines} lines",
                prompt_hide=f"Hide the output: {lines} lines",
                classes=["long-output"],
            )
            output.replace_self(fold)
            fold.append(output)


# ---- margin notes -------------------------------------------------------------------------------


class MarginNote(nodes.General, nodes.Element):  # type: ignore[misc]
    """A note beside the text; the theme's own kind would hide the list of headings."""


def visit_note(self: HTML5Translator, node: MarginNote) -> None:
    """Open a margin note."""
    self.body.append(self.starttag(node, "aside", CLASS="margin-note", role="note"))


def depart_note(self: HTML5Translator, node: MarginNote) -> None:
    """Close a margin note."""
    self.body.append("</aside>\n")


def visit_note_on_paper(self: LaTeXTranslator, node: MarginNote) -> None:
    """Set a margin note after its text, smaller and indented: the margins of the PDF are narrow."""
    self.body.append(r"\begin{quote}\small ")


def depart_note_on_paper(self: LaTeXTranslator, node: MarginNote) -> None:
    """End a margin note on paper."""
    self.body.append("\\end{quote}\n")


def join_notes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put each margin note, and the text before it, into one block."""
    for sidebar in list(doctree.findall(nodes.sidebar)):
        siblings = sidebar.parent.children
        at = siblings.index(sidebar)
        if at == 0 or not isinstance(siblings[at - 1], nodes.paragraph):
            logger.warning("a margin note has to follow a paragraph", location=sidebar)
            continue
        text = siblings[at - 1]
        note = MarginNote("", *(c for c in sidebar.children if not isinstance(c, nodes.title)))
        sidebar.parent.remove(sidebar)
        block = nodes.container(classes=["noted"])
        text.replace_self(block)
        block += [text, note]


# ---- below the title ----------------------------------------------------------------------------


def minutes(doctree: nodes.document) -> int:
    """Return how long a chapter takes to read, in steps of five minutes; outputs are looked at."""
    words = sum(len(text.astext().split()) for text in doctree.findall(nodes.paragraph))
    code = doctree.findall(lambda node: has_class(node, "cell_input"))
    lines = sum(len(cell.astext().splitlines()) for cell in code)
    return max(5, 5 * round((words / WORDS_A_MINUTE + lines / LINES_A_MINUTE) / 5))


def has_class(node: Any, name: str) -> bool:
    """Whether a node is a container of a class."""
    return isinstance(node, nodes.container) and name in node["classes"]


def control() -> str:
    """Return the radio buttons that choose the sides; ``book.js`` listens to them."""
    choices = "".join(
        f'<label><input type="radio" name="pair" value="{value}"'
        f"{' checked' if value == 'both' else ''}> {escape(text)}</label>"
        for value, text in SIDES.items()
    )
    return f'<fieldset class="pair-control pst-js-only"><legend>Show</legend>{choices}</fieldset>'


def previews(body: str) -> str:
    """Return the formulas that a page refers to and does not show; a browser does not draw these.

    In a list of formulas each stands beside its number. ``book.js`` copies one of the page itself.
    """
    latex = equations.latex_by_label()
    referred = {label for _, label in REFERENCE.findall(NUMBER.sub("", body))}
    labels = sorted(x for x in referred & latex.keys() if f'id="equation-{x}"' not in body)
    return "".join(
        f'<template data-equation="equation-{label}">'
        f"{formulas.render(latex[label], display=True).get('html', '')}</template>"
        for label in labels
    )


def frame(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Write what stands below the title and at the end of a page."""
    if "body" not in context:
        return
    body = context["body"]
    if CHAPTER.match(pagename) and doctree is not None:
        up = "../" * pagename.count("/")
        bar = f'<div class="chapter-bar"><p>{minutes(doctree)} minutes to read</p>'
        bar += f'<p><a href="{up}_sources/{pagename}.ipynb" download>Download the notebook</a></p>'
        bar += f"{control() if PAIR in body else ''}</div>"
        body = body.replace("</h1>", f"</h1>{bar}", 1)
    context["body"] = body + previews(body)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks."""
    on_paper = (visit_note_on_paper, depart_note_on_paper)
    app.add_node(MarginNote, html=(visit_note, depart_note), latex=on_paper)
    app.connect("doctree-resolved", join_pairs)
    app.connect("doctree-resolved", fold_long_outputs)
    app.connect("doctree-resolved", join_notes)
    app.connect("html-page-context", frame)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
