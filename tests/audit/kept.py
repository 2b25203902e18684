"""What an audit has measured, kept page by page, so that an interrupted one can go on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.audit.findings import Findings
from tests.pages import Page

HERE = Path(__file__).resolve().parent
MEASURES = ("browser.py", "pixels.py", "tools.py", "measure.js", "text.js", "package.json")
SHARED = ("site.css", "site.js")  # of every page


class Kept:
    """A file of findings. Those of a page hold while it, its style and script, and the audit do."""

    def __init__(self, path: Path, site: Path) -> None:
        self.path = path
        whole = hashlib.sha256()
        for file in [*(HERE / name for name in MEASURES), *(site / "_static" / n for n in SHARED)]:
            whole.update(file.read_bytes() if file.is_file() else b"")
        self.shared = whole
        text = path.read_text(encoding="utf-8") if path.is_file() else "{}"
        self.findings: dict[str, dict[str, object]] = json.loads(text)

    def digest(self, page: Page) -> str:
        """Return what changes with a page; its pictures are named after what they show."""
        whole = self.shared.copy()
        whole.update(page.path.read_bytes())
        return whole.hexdigest()

    def find(self, page: Page, part: str) -> Findings | None:
        """Return what one part of the audit found on a page, None where that no longer holds."""
        one = self.findings.get(f"{page.name} {part}", {})
        if one.get("digest") != self.digest(page):
            return None
        return Findings(one["values"], one["problems"])  # type: ignore[arg-type]

    def keep(self, page: Page, part: str, found: Findings) -> None:
        """Write what was found at once: the next page may be the one that is interrupted."""
        self.findings[f"{page.name} {part}"] = {
            "digest": self.digest(page),
            "values": found.values,
            "problems": found.problems,
        }
        self.path.write_text(json.dumps(self.findings), encoding="utf-8")
