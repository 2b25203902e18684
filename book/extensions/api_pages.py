"""The pages of the library: labels of equations in docstrings become links to the chapters.

A docstring names the formula that its piece computes, as in ``(eq-dense)``. Where a chapter has a
formula of that label, the name becomes a link with the formula's number; where no chapter has it
yet, it is left out of the text that readers see.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

LABEL = re.compile(r"\beq-[a-z0-9-]*[a-z0-9]\b")
NAME = re.compile(r"(?<![`:\w])`([A-Z][\w.]*)`(?!`)")
LABELLED = re.compile(r"\$\$ \((eq-[a-z0-9-]+)\)")


def labels(source: Path) -> set[str]:
    """Return the labels of all equations in the chapters."""
    chapters = sorted(source.glob("notebooks/*.ipynb"))
    return {label for path in chapters for label in LABELLED.findall(path.read_text("utf-8"))}


def link_equations(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Turn the labels in a docstring into links, or say nothing of those that lead nowhere."""
    known = labels(Path(app.srcdir))

    def link(match: re.Match[str]) -> str:
        return f":eq:`{match[0]}`" if match[0] in known else ""

    for i, line in enumerate(lines):
        linked = LABEL.sub(link, line)
        # an equation's number brings its own brackets
        linked = re.sub(r"\((:eq:`[^)]*`)\)", r"\1", linked)
        linked = re.sub(r" \((?:, )*\)", "", linked)
        # a name with a dot before it is looked for in all modules
        lines[i] = NAME.sub(r":py:obj:`.\1`", linked)


def drop_missing_sources(app: Sphinx) -> list[Any]:
    """Keep viewcode from listing a module without source, such as builtins, as a page."""
    sources = app.env._viewcode_modules  # type: ignore[attr-defined]
    for name in [name for name, entry in sources.items() if not entry]:
        del sources[name]
    return []


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hook."""
    app.connect("autodoc-process-docstring", link_equations)
    app.connect("html-collect-pages", drop_missing_sources, priority=1)  # before viewcode
    return {"parallel_read_safe": True, "parallel_write_safe": True}
