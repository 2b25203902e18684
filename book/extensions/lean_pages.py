"""The built site, made lean: what a page loads is one style, one script, and pictures that wait.

The theme and the extensions each bring a style and a script, for every feature that any book might
use. After the build

- all styles are joined, in their order, and rules for things that no page has are dropped;
- styles that figures bring along in the text go there, too, each once;
- all scripts are joined and wait for the page; those of the search load only where one searches;
- pictures get their width and height, so that nothing jumps, and load when they come near.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import tinycss2
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from tinycss2.ast import AtRule, Node, QualifiedRule

STYLE = re.compile(r'\s*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="([^"]+)"[^>]*>')
PRELOAD = re.compile(r'\s*<link\b(?=[^>]*\brel="preload")[^>]*>')
INLINE = re.compile(r"<script\b[^>]*>(.+?)</script>", re.DOTALL)
SCRIPT = re.compile(r'\s*<script\b[^>]*\bsrc="([^"]+)"[^>]*></script>')
OPTION = re.compile(r"\s*<script>DOCUMENTATION_OPTIONS\.\w+ = [^<]*</script>")  # of a search box
IN_TEXT = re.compile(r"\s*<style>([^<]*\.nn-figure[^<]*)</style>")  # of nnbook.interactive
PICTURE = re.compile(r'<img\b[^>]*?\bsrc="([^"]+\.(?:svg|png))"[^>]*>')
SEARCH = ("searchtools.js", "language_data.js", "book-search.js", "searchindex.js")  # in order
UNUSED = ("design-tabs.js",)  # no page has tabs
# The theme asks all boxes at once whether they scroll, which lays out the whole page. book.js asks.
ALL_BOXES = re.compile(r'\["pre","\.nboutput[^\]]*\]\.join\(", "\)')
ADDRESS = re.compile(r"""url\((["']?)([^"')]+)\1\)""")
WORD = re.compile(r"[A-Za-z_][\w-]*")
NAMED = re.compile(r"[.#](-?[A-Za-z_][\w-]*)")  # a class or an id in a selector
IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\]]*\]")
GROUPS = {"media", "supports", "layer", "container"}  # rules that hold rules
FIRST_PICTURES = 1  # of a page, which do not wait


def as_list(match: re.Match[str]) -> str:
    """Return the parameters of a long signature, which Sphinx writes as ``dd`` without ``dt``."""
    items = match[1].replace("<dd>", "<li>").replace("</dd>", "</li>")
    return f'<ul class="parameters">\n{items}</ul>'


def as_spans(match: re.Match[str]) -> str:
    """Return source code, in which viewcode puts blocks, with spans in their place."""
    return match[0].replace("<div ", "<span ").replace("</div>", "</span>")


# What the theme and its extensions write that a screen reader or a validator stumbles over.
REPAIRS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"</li>\s*<ul>(<li>.*?)</ul>", re.DOTALL), r"<ul>\1</ul></li>"),
    (re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*?</dd>\n?)+)</dl>', re.DOTALL), as_list),
    (
        re.compile(r'<pre>(?:(?!</pre>).)*?<div class="viewcode-block".*?</pre>', re.DOTALL),
        as_spans,
    ),
    (
        re.compile(r'<summary>(?=<span class="toctree-toggle")'),
        '<summary aria-label="Pages of it">',
    ),
    (
        re.compile(r'<div id="pst-primary-sidebar"'),
        '<div id="pst-primary-sidebar" role="complementary" aria-label="The book"',
    ),
    (re.compile(r'role="doc-biblioentry"'), 'role="listitem"'),  # in a list, as docutils says
)


def path_of(address: str, page: Path) -> Path:
    """Return the file that an address on a page, or in a style, means."""
    return Path(os.path.normpath(page.parent / unquote(urlsplit(address).path)))


# ---- styles -------------------------------------------------------------------------------------


def joined(path: Path, target: Path, used: Callable[[str], bool]) -> str:
    """Return a style with what it imports, its addresses as seen from ``target``."""

    def moved(match: re.Match[str]) -> str:
        address = match[2]
        if address.startswith(("data:", "#")):
            return match[0]
        relative = os.path.relpath(path_of(address, path), target.parent)
        return f'url("{Path(relative).as_posix()}")'

    def written(rules: Iterable[Node]) -> str:
        return "".join(one(rule) for rule in rules)

    def clean(tokens: Sequence[Node]) -> str:
        return ADDRESS.sub(moved, squeezed(tokens))

    def one(rule: Node) -> str:
        if isinstance(rule, QualifiedRule):
            prelude = squeezed(rule.prelude)
            kept = [selector for selector in split(prelude) if used(selector)]
            return f"{','.join(kept)}{{{clean(rule.content)}}}" if kept else ""
        if not isinstance(rule, AtRule):
            return ""
        if rule.lower_at_keyword == "import":
            address = next(t.value for t in rule.prelude if t.type in ("string", "url"))
            return joined(path_of(address, path), target, used)
        head = f"@{rule.at_keyword} {squeezed(rule.prelude)}"
        if rule.content is None:
            return f"{head};" if rule.lower_at_keyword != "charset" else ""
        if rule.lower_at_keyword in GROUPS:
            rules = tinycss2.parse_blocks_contents(rule.content, skip_comments=True)
            inner = written(rules)
            return f"{head}{{{inner}}}" if inner else ""
        return f"{head}{{{clean(rule.content)}}}"

    return written(tinycss2.parse_stylesheet_bytes(path.read_bytes(), skip_comments=True)[0])


def squeezed(tokens: Sequence[Node]) -> str:
    """Return tokens as text, without comments and with single spaces."""
    text = tinycss2.serialize([token for token in tokens if token.type != "comment"])
    return re.sub(r"\s*\n\s*|\s{2,}", " ", text).strip()


def split(selectors: str) -> list[str]:
    """Return the selectors of a list; a comma in brackets does not part them."""
    return [part.strip() for part in re.split(r",(?![^(\[]*[)\]])", selectors)]


def is_used(words: set[str]) -> Callable[[str], bool]:
    """Return a test of a selector: whether all its classes and ids are among the words."""

    def used(selector: str) -> bool:
        while (plain := IN_BRACKETS.sub("", selector)) != selector:
            selector = plain
        return all(name in words for name in NAMED.findall(selector))

    return used


# ---- pictures -----------------------------------------------------------------------------------


def size(path: Path) -> tuple[int, int] | None:
    """Return the width and height of a picture in pixels of a page."""
    if path.suffix == ".png":
        data = path.read_bytes()[16:24]
        return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")
    head = path.read_text(encoding="utf-8")[:2000]
    found = [
        re.search(rf'<svg\b[^>]*?\s{name}="([\d.]+)(pt|px)?"', head) for name in ("width", "height")
    ]
    if all(found):
        pairs = [(float(m[1]), m[2]) for m in found if m]
        width, height = (round(v * 96 / 72) if unit == "pt" else round(v) for v, unit in pairs)
        return width, height
    box = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', head)
    return (round(float(box[1])), round(float(box[2]))) if box else None


def with_sizes(html: str, page: Path) -> str:
    """Return a page whose pictures say how large they are, and wait until they come near."""
    count = 0

    def one(match: re.Match[str]) -> str:
        nonlocal count
        tag = match[0].rstrip("/> ")
        path = path_of(match[1], page)
        found = size(path) if path.is_file() else None
        if found and " width=" not in tag:
            tag += f' width="{found[0]}" height="{found[1]}"'
        if " loading=" not in tag and "logo__image" not in tag:
            count += 1
            if count > FIRST_PICTURES:
                tag += ' loading="lazy"'
        return f"{tag}>"

    return PICTURE.sub(one, html)


# ---- the site -----------------------------------------------------------------------------------


def versioned(path: Path, text: str) -> str:
    """Write a file and return its name with a digest, so that a browser sees a new one."""
    path.write_text(text, encoding="utf-8")
    return f"{path.name}?v={hashlib.sha256(text.encode()).hexdigest()[:8]}"


def make_lean(app: Sphinx, exception: Exception | None) -> None:
    """Join styles and scripts, and rewrite every page."""
    if exception is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(out.rglob("*.html"))}
    styles: dict[Path, None] = {}  # in the order of the pages, each once
    scripts: dict[Path, None] = {}
    words: set[str] = set()
    for path, html in pages.items():
        styles |= {path_of(address, path): None for address in STYLE.findall(html)}
        scripts |= {path_of(address, path): None for address in SCRIPT.findall(html)}
        words |= {
            w for value in re.findall(r'\b(?:class|id)="([^"]*)"', html) for w in value.split()
        }
    in_text = dict.fromkeys(css for html in pages.values() for css in IN_TEXT.findall(html))
    figures = static / "figures.css"
    figures.write_text("".join(in_text), encoding="utf-8")
    styles |= {figures: None}
    scripts = {path: None for path in scripts if path.name not in UNUSED}
    for path in scripts:
        words |= set(WORD.findall(path.read_text(encoding="utf-8")))
    for html in pages.values():  # a figure's own script gives it classes, too
        for script in INLINE.findall(html):
            words |= set(WORD.findall(script))
    css = "".join(joined(path, static / "site.css", is_used(words)) for path in styles)
    common = [path for path in scripts if path.name not in SEARCH]
    js = ";\n".join(path.read_text(encoding="utf-8") for path in common)
    js, replaced = ALL_BOXES.subn('"no-box"', js)
    if replaced != 1:
        raise ExtensionError("the theme no longer asks which boxes scroll as it did: see ALL_BOXES")
    site_css = versioned(static / "site.css", css)
    site_js = versioned(static / "site.js", js)
    for path, html in pages.items():
        if not STYLE.search(html):
            continue  # the one that only leads on
        root = Path(os.path.relpath(static, path.parent)).as_posix()
        tags = [f'<link rel="stylesheet" href="{root}/{site_css}">']
        tags.append(f'<script defer src="{root}/{site_js}"></script>')
        if path.name == "search.html":
            found = {Path(urlsplit(address).path).name: address for address in SCRIPT.findall(html)}
            tags += [f'<script defer src="{found[name]}"></script>' for name in SEARCH]
        place = STYLE.search(html)
        assert place is not None
        before, after = html[: place.start()], html[place.start() :]
        for pattern in (STYLE, PRELOAD, SCRIPT, OPTION):
            before, after = pattern.sub("", before), pattern.sub("", after)
        html = with_sizes(f"{before}\n{chr(10).join(tags)}{IN_TEXT.sub('', after)}", path)
        for pattern, repaired in REPAIRS:
            html = pattern.sub(repaired, html)
        path.write_text(html, encoding="utf-8")
    kept = {static / name for name in ("site.css", "site.js", *SEARCH)}
    for path in {*static.rglob("*.css"), *static.rglob("*.js")} - kept:
        path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hook, after all others have written their files."""
    app.connect("build-finished", make_lean, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
