"""Read a page as its reader does: running text, quoted code, formulas, images.

The parser is the one that renders the book (MyST), so that what counts as text here is what stands
as text on the page. What belongs to markup (link targets, labels, citation keys, paths, option
lines, list numbers) never becomes a fragment.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

EXTENSIONS = {"amsmath", "colon_fence", "deflist", "dollarmath", "substitution", "tasklist"}

MASK = "\ufffc"  # stands for a piece of code or a formula inside running text

# Directives by what their argument and their body are. One that is in no list is a problem, so
# that no text can hide in a directive that this reader does not know.
TITLED = re.compile(
    r"admonition|dropdown|card|grid-item-card|tab-item|exercise(-start)?|topic|sidebar|"
    r"(list-)?table|prf:(theorem|proof|definition|algorithm|example|remark)"
)
PLAIN = re.compile(
    r"note|tip|hint|important|warning|caution|danger|attention|error|seealso|margin|epigraph|"
    r"figure|solution(-start|-end)?|exercise-end|grid|tab-set|glossary|container|div"
)
CODE = re.compile(r"code|code-block|code-cell")
EMPTY = re.compile(
    r"bibliography|toctree|tableofcontents|contents|image|index|literalinclude|"
    r"automodule|autoclass|autofunction"
)
# included text whose numbers no chapter prints: tests/test_differences.py measures each of them
MEASURED_ELSEWHERE = {("include", "beside_keras.txt")}

TARGET_ROLES = re.compile(
    r"eq|ref|numref|cite(:\w+)?|doc|download|prf:ref|index|(py:)?(mod|class|func|meth)"
)
TEXT_ROLES = re.compile(r"abbr|sub|sup|kbd|guilabel|strong|emphasis|term|dfn")
CODE_ROLES = re.compile(r"code|literal|file|command")

Kind = Literal["text", "code", "math"]


@dataclass(frozen=True)
class Fragment:
    """A piece of a page: a paragraph, heading or table cell; a piece of code; a formula."""

    kind: Kind
    text: str
    heading: int = 0  # its level, where it is one


@dataclass(frozen=True)
class Equation:
    """A displayed formula."""

    latex: str
    label: str | None


@dataclass
class Page:
    """What a markdown text says."""

    fragments: list[Fragment] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    images: list[tuple[str, str]] = field(default_factory=list)  # target, alt text
    problems: list[str] = field(default_factory=list)  # what this reader cannot read


def read_page(source: str) -> Page:
    """Read a markdown text."""
    page = Page()
    _read_blocks(source, page)
    return page


@functools.cache
def _parser() -> MarkdownIt:
    return create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)


def _read_blocks(source: str, page: Page) -> None:
    heading = 0
    for token in _parser().parse(source):
        if token.type == "heading_open":
            heading = int(token.tag[1:])
        elif token.type == "heading_close":
            heading = 0
        elif token.type == "inline":
            _read_inline(token.children or [], page, heading)
        elif token.type in ("fence", "colon_fence") and token.info.startswith("{"):
            _read_directive(token, page)
        elif token.type in ("fence", "colon_fence", "code_block"):
            page.fragments.append(Fragment("code", token.content))
        elif token.type in ("math_block", "math_block_label", "amsmath"):
            label = token.info.strip() if token.type == "math_block_label" else None
            _add_equation(token.content, label, page)
        elif token.type == "html_block":
            _read_html(token.content, page)
        elif token.type == "substitution_block":
            page.problems.append("substitutions hide text from this check: write the text itself")


def _add_equation(latex: str, label: str | None, page: Page) -> None:
    page.equations.append(Equation(" ".join(latex.split()), label))
    page.fragments.append(Fragment("math", latex))


def _read_html(source: str, page: Page) -> None:
    if re.search(r"<(img|svg|script|table|math)\b", source):
        page.problems.append(f"raw HTML hides content from this check: {source.strip()[:50]!r}")
    text = re.sub(r"<!--.*?-->|<[^>]*>", " ", source, flags=re.DOTALL)
    if text.strip():
        page.fragments.append(Fragment("text", text))


def _read_directive(token: Token, page: Page) -> None:
    match = re.fullmatch(r"\{([\w:-]+)\}\s*(.*)", token.info.strip())
    name, argument = match.groups() if match else (token.info, "")
    options, body = _split_options(token.content)
    if name == "math":
        _add_equation(f"{argument} {body}", options.get("label"), page)
    elif TITLED.fullmatch(name) or PLAIN.fullmatch(name):
        if TITLED.fullmatch(name) and argument:
            _read_blocks(argument, page)
        if name == "figure":
            page.images.append((argument, options.get("alt", "")))
        for key in ("alt", "caption"):
            if options.get(key):
                page.fragments.append(Fragment("text", options[key]))
        _read_blocks(body, page)
    elif CODE.fullmatch(name):
        page.fragments.append(Fragment("code", body))
    elif EMPTY.fullmatch(name):
        if name == "image":
            page.images.append((argument, options.get("alt", "")))
            page.fragments.append(Fragment("text", options.get("alt", "")))
    elif (name, argument) in MEASURED_ELSEWHERE:
        pass
    else:
        page.problems.append(f"unknown directive {{{name}}}: list it in tests/verify/markdown.py")


def _split_options(content: str) -> tuple[dict[str, str], str]:
    """The options of a directive (`:key: value` lines, or a `---` block) and its body."""
    lines = content.splitlines()
    options: dict[str, str] = {}
    block = bool(lines) and lines[0].strip() == "---"
    pattern = re.compile(r"()([\w-]+):\s*(.*)" if block else r"():([\w-]+):\s*(.*)")
    place = 1 if block else 0
    while place < len(lines) and (match := pattern.fullmatch(lines[place].strip())):
        options[match[2]] = match[3]
        place += 1
    if block and place < len(lines) and lines[place].strip() == "---":
        place += 1
    return options, "\n".join(lines[place:])


def _read_inline(tokens: Sequence[Token], page: Page, heading: int) -> None:
    text: list[str] = []
    target: str | None = None  # of the link that the text is in
    others: list[Fragment] = []
    for token in tokens:
        if token.type == "text":
            text.append(_without_chapter(token.content, target))
            if "$" in token.content:
                page.problems.append("a stray $: put $$ ... $$ on lines of their own, or \\$")
        elif token.type in ("softbreak", "hardbreak"):
            text.append(" ")
        elif token.type == "code_inline":
            text.append(MASK)
            others.append(Fragment("code", token.content))
        elif token.type == "math_inline":
            text.append(MASK)
            others.append(Fragment("math", token.content))
        elif token.type == "image":
            page.images.append((str(token.attrs.get("src", "")), token.content))
            others.append(Fragment("text", token.content))
        elif token.type in ("link_open", "link_close"):
            target = str(token.attrs["href"]) if token.type == "link_open" else None
        elif token.type == "myst_role":
            text.append(_read_role(token, others, page))
        elif token.type == "html_inline" and not token.content.startswith(("<!--", "</", "<br")):
            page.problems.append(f"raw HTML hides content from this check: {token.content!r}")
        elif token.type == "substitution_inline":
            page.problems.append("substitutions hide text from this check: write the text itself")
    page.fragments.append(Fragment("text", "".join(text), heading))
    page.fragments += others


def _read_role(token: Token, others: list[Fragment], page: Page) -> str:
    """What a role shows as running text; code and formulas go to `others`."""
    name, content = str(token.meta["name"]), token.content
    if name == "math":
        others.append(Fragment("math", content))
    elif CODE_ROLES.fullmatch(name):
        others.append(Fragment("code", content))
    elif TEXT_ROLES.fullmatch(name):
        return content
    elif TARGET_ROLES.fullmatch(name):
        title = re.fullmatch(r"(.*?)\s*<([^>]*)>", content, re.DOTALL)
        return _without_chapter(title[1], title[2]) if title else MASK
    else:
        page.problems.append(f"unknown role {{{name}}}: list it in tests/verify/markdown.py")
    return MASK


def _without_chapter(text: str, target: str | None) -> str:
    """The text of a link, without what repeats its target: the address, or `chapter 8`."""
    if target is None:
        return text
    if target == text:
        return MASK
    chapter = re.search(r"(?:^|/)0*(\d+)_\w+(?:\.ipynb)?$", target)
    return re.sub(rf"\b([Cc]hapter) {chapter[1]}\b", MASK, text) if chapter else text
