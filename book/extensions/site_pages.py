"""What the site says of itself to search engines and to those who share a link.

Each page has a title, a description and a picture for a preview. Where ``repository`` of
``_config.yml`` has an address on GitHub, the pages will stand on GitHub Pages: then they also have
canonical addresses, and there is a map of the site.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?$")
PREVIEW = "_static/page.png"  # a picture that all sites can show
NOT_FOUND = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>Not found · {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="description" content="There is no page at this address. Start from the first one.">
<link rel="icon" href="data:,">
<style>
body {{ font: 1.125rem/1.6 system-ui, sans-serif; margin: 4rem auto; max-width: 34rem; }}
html {{ background: #ffffff; color: #1c2128; color-scheme: light dark; }}
a {{ color: #004f8c; }}
a:focus-visible {{ outline: 3px solid; outline-offset: 2px; }}
@media (prefers-color-scheme: dark) {{
html {{ background: #14171c; color: #e7eaee; }}
a {{ color: #8cc8f5; }}
}}
main {{ padding: 0 1rem; }}
</style>
</head>
<body>
<main>
<h1>There is no such page</h1>
<p>Perhaps it has moved. <a href="{home}">The first page of “{title}”</a> leads to all others.</p>
</main>
</body>
</html>
"""


def address(config: Config) -> str:
    """Return where the pages will stand, with a slash at the end; empty where nobody knows."""
    match = GITHUB.match(str(config.html_theme_options.get("repository_url") or ""))
    return f"https://{match[1].lower()}.github.io/{match[2]}/" if match else ""


def set_address(app: Sphinx, config: Config) -> None:
    """Let Sphinx write the canonical address of each page."""
    config.html_baseurl = address(config)


def preview(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give a page what a link to it is shown with."""
    site = address(app.config)
    up = "../" * pagename.count("/")
    context["book_image"] = f"{site or up}{PREVIEW}"
    context["book_url"] = f"{site}{pagename}.html" if site else ""


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """Write the map of the site, the rules for robots and the page for wrong addresses."""
    if exception is not None or app.builder.name != "html":
        return
    out, site = Path(app.outdir), address(app.config)
    robots = "User-agent: *\nAllow: /\n"
    if site:
        places = sorted(f"{site}{name}.html" for name in app.env.found_docs)
        urls = "\n".join(f"<url><loc>{escape(place)}</loc></url>" for place in places)
        (out / "sitemap.xml").write_text(
            '<?xml version="1.0" encoding="utf-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}\n</urlset>\n',
            encoding="utf-8",
        )
        robots += f"Sitemap: {site}sitemap.xml\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8")
    home = f"{site}{app.config.root_doc}.html" if site else f"{app.config.root_doc}.html"
    text = NOT_FOUND.format(language=app.config.language, title=app.config.html_title, home=home)
    (out / "404.html").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks; the address of the repository is settled before."""
    app.connect("config-inited", set_address, priority=900)
    app.connect("html-page-context", preview)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
