"""Figures that a reader operates: in a notebook and on a page, with nothing loaded from elsewhere.

A figure computes everything in Python, when its cell is run, and writes it into tables. Its
JavaScript only shows one piece of them at a time; where there is none, and on paper, the tables
stand as they are. `nnbook.interactive.steps` is such a figure.

What all figures have in common is here, in ``controls.js`` and in ``controls.css``: rows of
choices, a slider with a button on each side, the arrow keys, a line for screen readers, and the
state in the address of the page.
"""

import re
from collections.abc import Iterable, Mapping
from html import escape
from importlib import resources


class Figure:
    """A piece of HTML, which a notebook shows for an expression and a page keeps.

    Args:
        kind: whose style and script it has: "steps" stands for ``steps.css`` and ``steps.js``.
        name: small letters, digits and hyphens; another one for each figure of a page. The
            figure has the id ``figure-name``, and its state stands in the address as ``?name=``.
        title: what it is, in words.
        body: its HTML, the `controls` included.

    Raises:
        ValueError: the name has other characters.
    """

    def __init__(self, kind: str, name: str, title: str, body: str) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise ValueError(
                "The name of a figure must be small letters, digits and hyphens, such as "
                f"'backward-relu'. Received {name!r}."
            )
        self.kind, self.name, self.title, self.body = kind, name, title, body

    def html(self) -> str:
        """Return the whole figure: style, body and script."""
        style = _file("controls.css") + _file(f"{self.kind}.css")
        script = _file("controls.js") + _file(f"{self.kind}.js")
        return (
            f'<div class="nn-figure nn-{self.kind}" id="figure-{self.name}"'
            f' data-name="{self.name}" data-lm-suppress-shortcuts="true"'
            f' role="group" aria-label="{escape(self.title)}">\n'
            f"<style>\n{style}</style>\n"
            f"{self.body}\n"
            f"<script>\n(() => {{\n{script}}})();\n</script>\n</div>"
        )

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"<Figure {self.name}: {self.title}>"


def controls(
    choices: Mapping[str, Mapping[str, str]], positions: int, what: str
) -> tuple[str, str, str]:
    """Return rows of choices, a slider with its buttons, and a button that opens the tables.

    All are hidden until the script has come to life. The tables are what stands in an element of
    the class ``nn-tables``.

    Args:
        choices: what there is to choose, by the name of the row: labels as `slugs` returns them.
        positions: how many positions the slider has.
        what: what a position is called, such as "step".
    """
    rows = ""
    for name, labels in choices.items():
        buttons = "".join(
            f'<button type="button" value="{value}" aria-pressed="false">'
            f"{escape(label)}</button>"
            for value, label in labels.items()
        )
        rows += (
            f'<div class="nn-choice" role="group" aria-label="{escape(name)}">'
            f"<span>{escape(name)}</span>{buttons}</div>\n"
        )
    move = (
        '<div class="nn-move" hidden>'
        '<button type="button" class="nn-back" aria-keyshortcuts="ArrowLeft">'
        '<span aria-hidden="true">← </span>Previous</button>'
        f'<input type="range" class="nn-slider" min="1" max="{positions}"'
        f' value="1" aria-label="{escape(what)}">'
        '<button type="button" class="nn-next" aria-keyshortcuts="ArrowRight">'
        'Next<span aria-hidden="true"> →</span></button></div>\n'
        '<p class="nn-said" role="status" aria-live="polite"></p>'
    )
    more = (
        '<p class="nn-more" hidden>'
        '<button type="button" class="nn-toggle" aria-expanded="false">'
        f"All {escape(what)}s as tables</button> "
        f'<span class="nn-hint">On a button, the keys ← and → go one {escape(what)} on or back, '
        "Home and End to the ends.</span></p>"
    )
    return f'<div class="nn-choices" hidden>\n{rows}</div>', move, more


def slugs(labels: Iterable[str]) -> dict[str, str]:
    """Return labels by what stands for them in an address: their small letters and digits.

    >>> slugs(["ReLU", "leaky ReLU"])
    {'relu': 'ReLU', 'leaky-relu': 'leaky ReLU'}

    Raises:
        ValueError: two labels are alike in that, or one has neither letters nor digits.
    """
    labels = list(labels)
    found = {
        "-".join(re.findall(r"[a-z0-9]+", label.lower())): label
        for label in labels
    }
    if len(found) < len(labels) or "" in found:
        raise ValueError(
            f"Labels must differ in their letters a to z and digits. Received {labels}."
        )
    return found


def _file(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text("utf-8")
