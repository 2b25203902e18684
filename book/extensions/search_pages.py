"""The search of the book: an index of its sections, and how often each says a word.

Sphinx's own index knows only which pages have a word, and wants a page to have all words of a
question. Here every section, every entry of the glossary and every piece of the library is counted
by itself, so that ``book-search.js`` can weigh the words: a rare one, or one in a title, says more.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx

HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")  # in EarlyStopping
IN_TITLE = 8  # a word in a title counts as often
PARTS = (nodes.section, addnodes.desc, nodes.definition_list_item)
LEFT_OUT = ("book/intro", "book/references", "book/authoring", "book/api/index")


def parts(page: nodes.document) -> Iterator[tuple[str, str, str]]:
    """Yield each part of a page: its anchor, its title, its text without that of its parts."""
    for part in page.findall(lambda node: isinstance(node, PARTS)):
        head = next(
            part.findall(
                lambda n: isinstance(n, nodes.title | nodes.term | addnodes.desc_signature)
            )
        )
        ids = head["ids"] or part["ids"]
        title = head.get("fullname") or head.astext()
        if ids:
            yield ids[0], str(title), " ".join(own_text(part, head))


def own_text(node: nodes.Node, head: nodes.Node) -> Iterator[str]:
    """Yield the texts in a part that belong neither to its title nor to a part of its own."""
    for child in node.children:
        if isinstance(child, nodes.Text):
            yield child.astext()
        elif child is not head and not isinstance(child, (*PARTS, nodes.math_block, nodes.raw)):
            yield from own_text(child, head)


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write the index in place of Sphinx's."""
    if exception is not None or app.builder.name != "html":
        return
    language = app.builder.indexer.lang  # type: ignore[attr-defined]

    def stems(text: str) -> list[str]:
        words = re.findall(r"[^\W_]+", HUMP.sub(" ", text).lower())
        return [language.stem(w) for w in words if w not in language.stopwords and not w.isdigit()]

    pages: list[tuple[str, str]] = []
    sections: list[tuple[int, str, str, int]] = []  # page, anchor, title, words
    index: dict[str, list[int]] = {}  # word: section, count, section, count, ...
    for name in sorted(app.env.found_docs):
        if name in LEFT_OUT:
            continue
        pages.append((name, app.env.titles[name].astext()))
        for anchor, title, text in parts(app.env.get_doctree(name)):
            counts = Counter(stems(text))
            length = counts.total()
            for word in stems(title):
                counts[word] += IN_TITLE
            for word, count in counts.items():
                index.setdefault(word, []).extend((len(sections), count))
            sections.append((len(pages) - 1, anchor, title, length))
    found = {"pages": pages, "sections": sections, "words": index}
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (Path(app.outdir) / "searchindex.js").write_text(f"Search.setIndex({text})", encoding="utf-8")


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: object, doctree: object
) -> None:
    """Let the page of the search load what weighs the words, after all that it builds on."""
    if pagename == "search":
        app.add_js_file("book-search.js", priority=900)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks; the pages are made lean after this."""
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_index, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
