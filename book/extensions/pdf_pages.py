"""The book as one PDF: what Sphinx writes for LaTeX, and the link to the finished file.

The looks are in ``book/latex/nnbook.sty``, and ``make.py pdf`` runs XeLaTeX. For paper

- the first page becomes an introduction before the chapters, which LaTeX numbers itself, and the
  parts of the table of contents become parts of the book;
- a figure that a reader operates becomes a line that says where it works;
- pictures are named as the PDF that ``make.py`` makes of each SVG.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders.latex.nodes import thebibliography

PDF = "build/nnbook.pdf"
REFERENCES = "book/references"
LINK = "<!-- pdf -->"  # on the first page
NUMBER = re.compile(r"^\d+ · ")  # in the title of a chapter
SOURCE = re.compile(r'\s*\(<a href="[^"]*_modules/[^"]*">source</a>\)')
OPERATED = re.compile(r"<Figure [a-z0-9-]+: (.+)>")
LONG = 30  # rows of a table that Sphinx spreads over pages
WIDE, FORMULA = 50, 5  # characters that count at most for the width of a column, and of a formula
NUMBERED = r"\setcounter{secnumdepth}{%d}"
NO_PART, CHAPTERS = -2, 0  # how LaTeX counts levels; it numbers those up to secnumdepth


def adapt_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Link the PDF where it is built; leave out what only pages have where it is being built."""
    if app.builder.format == "latex":
        source[0] = SOURCE.sub("", source[0]).replace(LINK, "")
    elif (Path(app.srcdir) / PDF).is_file():
        link = f'The whole book is also <a href="../{Path(PDF).name}">one PDF</a>, for paper.'
        source[0] = source[0].replace(LINK, link)


def arrange(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn the tree of the whole book into one that reads well on paper."""
    if app.builder.format != "latex":
        return
    tocs = list(app.env.get_doctree(docname).findall(addnodes.toctree))
    captions = {toc["includefiles"][0]: toc["caption"] for toc in tocs}
    listed = {name for toc in tocs for name in toc["includefiles"]}
    whole = next(doctree.findall(nodes.section))
    files = [file for file in whole.findall(addnodes.start_of_file) if file["docname"] in listed]
    for file in files:
        file.parent.remove(file)
    title, *own = whole.children
    whole[:] = [
        title,
        raw(NUMBERED % NO_PART),
        nodes.section("", nodes.title("", "Introduction"), *own),
    ]
    for file in files:
        if file["docname"] in captions:
            whole.append(raw(rf"{NUMBERED % NO_PART}\part{{{captions[file['docname']]}}}"))
        heading = next(file.findall(nodes.title))
        if NUMBER.match(heading.astext()):
            whole.append(raw(NUMBERED % CHAPTERS))
            heading[0] = nodes.Text(NUMBER.sub("", heading.astext()))
        whole.append(file)
        if file["docname"] == REFERENCES:
            next(file.findall(nodes.section)).extend(take(doctree, thebibliography))
    for table in doctree.findall(nodes.table):
        if len(list(table.findall(nodes.row))) > LONG:
            give_widths(table)
    for output in list(doctree.findall(nodes.literal_block)):
        if figure := OPERATED.fullmatch(output.astext().strip()):
            text = "A figure that you operate stands here in the notebook and on the page: "
            output.replace_self(
                nodes.paragraph("", "", nodes.Text(text), nodes.emphasis("", figure[1] + "."))
            )


def give_widths(table: nodes.table) -> None:
    """Give the columns of a table over several pages widths: LaTeX would not break their lines."""
    for number, column in enumerate(table.findall(nodes.colspec)):
        entries = (row[number] for row in table.findall(nodes.row))
        column["colwidth"] = min(max(map(length, entries)) + 4, WIDE)
    table["classes"].append("colwidths-given")


def length(entry: nodes.Element) -> int:
    """Return about how many characters a text has on paper; a formula is a few."""
    texts = (text for text in entry.findall(nodes.Text) if not isinstance(text.parent, nodes.math))
    return sum(map(len, texts)) + FORMULA * len(list(entry.findall(nodes.math)))


def take(doctree: nodes.document, kind: type[nodes.Element]) -> list[nodes.Element]:
    """Take all nodes of a kind out of the tree."""
    found = list(doctree.findall(kind))
    for node in found:
        node.parent.remove(node)
    return found


def raw(latex: str) -> nodes.raw:
    """Return a node that LaTeX gets as it is."""
    return nodes.raw("", latex, format="latex")


def keep_svg(app: Sphinx) -> None:
    """Let LaTeX's builder take SVG as it is."""
    if app.builder.format == "latex":
        app.builder.supported_image_types = ["image/svg+xml", *app.builder.supported_image_types]


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Name the pictures as LaTeX will find them; put a PDF that is built among the pages."""
    if exception is not None:
        return
    source = Path(app.srcdir) / PDF
    if app.builder.name == "html" and source.is_file():
        shutil.copy(source, app.outdir)
    if app.builder.format == "latex":
        for tex in Path(app.outdir).glob("*.tex"):
            text = tex.read_text(encoding="utf-8")
            tex.write_text(text.replace("}.svg}", "}.pdf}"), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks; the first one after those that fill the pages."""
    app.connect("builder-inited", keep_svg)
    app.connect("source-read", adapt_source, priority=900)
    app.connect("doctree-resolved", arrange, priority=900)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
