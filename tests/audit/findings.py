"""What an audit found, and whether it is what the book wants to reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One thing to reach: how the values of the pages become one, and the limit of that one."""

    what: str
    join: Callable[[Iterable[float]], float]
    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is what is wanted."""
        return value >= self.limit if self.at_least else value <= self.limit

    def wanted(self) -> str:
        """Return the limit in words."""
        return f"{'>=' if self.at_least else '<='} {self.limit:g}" if self.limit else "0"


ROWS = {
    "external": Row("external requests", sum, 0),
    "errors": Row("JavaScript errors, failed requests", sum, 0),
    "links": Row("broken links and anchors", sum, 0),
    "orphans": Row("orphan pages", sum, 0),
    "markup": Row("raw TeX or markup, formulas not set", sum, 0),
    "axe": Row("axe: serious or critical, 2 widths, light and dark", sum, 0),
    "axe, lesser": Row("axe: lesser", sum, 0),
    "keyboard": Row("focus that is not seen, no skip link", sum, 0),
    "performance": Row("Lighthouse performance", min, 90, at_least=True),
    "accessibility": Row("Lighthouse accessibility", min, 100, at_least=True),
    "best-practices": Row("Lighthouse best practices", min, 100, at_least=True),
    "seo": Row("Lighthouse SEO", min, 100, at_least=True),
    "bytes": Row("kB of a page, gzip", max, 600),
    "code bytes": Row("kB of its scripts and styles", max, 250),
    "disk": Row("not whole from disk, with or without JavaScript", sum, 0),
    "shift": Row("layout shift", max, 0.02),
    "figures": Row("figures: no caption, alt text, size; not lazy", sum, 0),
    "dark figures": Row("figures with a light box, or unseen, in the dark", sum, 0),
    "head": Row("title, description, og, lang: missing or twice", sum, 0),
    "canonical": Row("canonical address, entry in sitemap.xml: missing", sum, 0),
    "files": Row("robots.txt, 404, favicon, print style: missing", sum, 0),
    "sideways": Row("page sideways", sum, 0),
    "code": Row("% of a page's code blocks that scroll at 360 px", max, 25),
    "contrast": Row("contrast of text by its styles, light and dark", min, 7, at_least=True),
    "drawn": Row("contrast of text in pixels, light and dark", min, 7, at_least=True),
    "figure text": Row("contrast of words in figures, in pixels", min, 7, at_least=True),
    "covered": Row("text that something lies on", sum, 0),
    "pixels": Row("background not as its computed colour", sum, 0),
    "html": Row("HTML validation errors (Nu)", sum, 0),
    "search": Row("questions without the right page in three results", sum, 0),
}
SHOWN = ("bytes", "code bytes", "performance", "axe", "contrast", "drawn", "shift", "code")
TOLD = 8  # problems of a row that are told one by one


@dataclass
class Findings:
    """The worst value of each row and page, and what was wrong."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)
    problems: dict[str, dict[str, None]] = field(default_factory=dict)  # each once, in order

    def add(self, row: str, page: str, wrong: Sequence[str], look: str = "") -> None:
        """Note flaws of a page, perhaps none: a row that was never noted is not measured."""
        values = self.values.setdefault(row, {})
        values[page] = values.get(page, 0) + len(wrong)
        self._tell(row, page, wrong, look)

    def note(
        self, row: str, page: str, value: float, wrong: Sequence[str] = (), look: str = ""
    ) -> None:
        """Note a number that was measured on a page; of several the worst one counts."""
        values = self.values.setdefault(row, {})
        worst = min if ROWS[row].at_least else max
        values[page] = worst(value, values.get(page, value))
        self._tell(row, page, wrong, look)

    def _tell(self, row: str, page: str, wrong: Sequence[str], look: str) -> None:
        told = self.problems.setdefault(row, {})
        for text in wrong:
            told[f"{page}{f' ({look})' if look else ''}: {text}"] = None

    def take(self, other: Findings) -> None:
        """Take in what was found elsewhere, perhaps on the same pages."""
        for row, values in other.values.items():
            mine = self.values.setdefault(row, {})
            for page, value in values.items():
                mine[page] = ROWS[row].join([value, mine[page]]) if page in mine else value
            self.problems.setdefault(row, {}).update(other.problems[row])

    def worst(self, row: str) -> str:
        """Return the page with the worst value of a row."""
        values = self.values[row]
        return (min if ROWS[row].at_least else max)(values, key=values.__getitem__)

    def result(self, row: str) -> float | None:
        """Return the one value of a row, None where it was not measured."""
        values = self.values.get(row)
        return ROWS[row].join(values.values()) if values else None

    def missed(self) -> list[str]:
        """Return the rows that were measured and are not met."""
        results = {name: self.result(name) for name in ROWS}
        return [n for n, value in results.items() if value is not None and not ROWS[n].met(value)]

    def table(self, pages: Sequence[str], told: int | None = TOLD) -> str:
        """Return everything as text: page by page, the rows, and the flaws of those not met."""
        width = max(map(len, pages))
        lines = [" ".join([f"{'page':{width}}", *(f"{name[:11]:>11}" for name in SHOWN)])]
        for page in pages:
            cells = [self.values.get(name, {}).get(page) for name in SHOWN]
            shown = ["-" if value is None else f"{value:.3g}" for value in cells]
            lines.append(" ".join([f"{page:{width}}", *(f"{value:>11}" for value in shown)]))
        lines += ["", f"{'to reach':52} {'wanted':>8} {'found':>8}  {'':12}  worst page"]
        missed = self.missed()
        for name, row in ROWS.items():
            value = self.result(name)
            found = "-" if value is None else f"{value:.3g}"
            verdict = "not measured" if value is None else "NOT MET" if name in missed else "met"
            # Where nothing is wrong on any page, none is the worst.
            page = self.worst(name) if value and value != 100 else ""
            lines.append(
                f"{row.what:52} {row.wanted():>8} {found:>8}  {verdict:12}  {page}".rstrip()
            )
        for name in missed:
            problems = list(self.problems.get(name, {}))
            lines += ["", f"{ROWS[name].what}:", *(f"  {text}" for text in problems[:told])]
            if len(problems[:told]) < len(problems):
                lines.append(f"  and {len(problems) - len(problems[:told])} more")
        return "\n".join(lines)
