"""The first use of a glossary's word on a page leads to its entry, and shows it under the pointer.

The entry is the link's title; ``book.js`` shows it better, and to those who come by keyboard.

Nobody has to mark the words in the chapters, so none can be forgotten.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

GLOSSARY = "book/glossary"
ENTRY = re.compile(r"(?m)^(\S.*)\n((?:  .+\n?)+)")
ROLE = re.compile(r"\{term\}`([^`<]*?)(?: <[^>]*>)?`")
PLAIN = (nodes.literal, nodes.reference, nodes.title, nodes.math, nodes.raw, nodes.caption)
LINKED = re.compile(r"(?:notebooks/|book/(?:intro|summary|authoring|verification))")


def read(source: str) -> dict[str, str]:
    """Return the entries of the glossary: each word with its definition as plain text."""
    body = source.partition("```{glossary}\n")[2].partition("```")[0]
    plain = {}
    for word, text in ENTRY.findall(body):
        without_chinese = " ".join(text.split()).partition(". ")[2]
        plain[word] = re.sub(r"[*`]", "", ROLE.sub(r"\1", without_chinese))
    return plain


def pattern(words: list[str]) -> re.Pattern[str]:
    """Return what finds any of the words, the longest first, in singular or plural."""
    longest_first = sorted(words, key=len, reverse=True)
    ending = r"(?:e?s)?(?![\w-])"
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))}){ending}", re.I)


def page_of(node: nodes.Element, docname: str) -> str:
    """Return the page that a node is from. On paper one tree has all, in sections that say it."""
    while node is not None:
        if isinstance(node, nodes.section) and "docname" in node:
            return str(node["docname"])
        node = node.parent
    return docname


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the first use of each word of the glossary in the running text of a page."""
    entries = read((Path(app.srcdir) / f"{GLOSSARY}.md").read_text(encoding="utf-8"))
    find = pattern(list(entries))
    canonical = {word.lower(): word for word in entries}
    address = app.builder.get_relative_uri(docname, GLOSSARY)
    seen: dict[str, set[str]] = {}
    for paragraph in list(doctree.findall(nodes.paragraph)):
        page = page_of(paragraph, docname)
        if not LINKED.match(page):
            continue
        for text in list(paragraph.findall(nodes.Text)):
            parts = _parts(text, find, canonical, seen.setdefault(page, set()), entries, address)
            if parts is not None:
                text.parent.replace(text, parts)


def _parts(
    text: nodes.Text,
    find: re.Pattern[str],
    canonical: dict[str, str],
    seen: set[str],
    entries: dict[str, str],
    address: str,
) -> list[Any] | None:
    """Return a text cut into pieces with links, or None where it has no new word."""
    node = text.parent
    while node is not None:
        if isinstance(node, PLAIN):
            return None
        node = node.parent
    parts: list[Any] = []
    end, whole = 0, str(text)
    for match in find.finditer(whole):
        word = canonical[match[1].lower()]
        if word in seen:
            continue
        seen.add(word)
        anchor = f"{address}#term-{re.sub(r'[^A-Za-z0-9]+', '-', word)}"
        entry = nodes.reference("", match[0], refuri=anchor, internal=True, classes=["term"])
        entry["reftitle"] = entries[word]
        parts += [nodes.Text(whole[end : match.start()]), entry]
        end = match.end()
    return [*parts, nodes.Text(whole[end:])] if parts else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hook."""
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
