"""Step through a network: `nnbook.interactive.walk` as a figure.

The network is small enough for paper: two inputs, two hidden neurons, one linear output, and the
squared error.
"""

import re
from collections.abc import Iterable, Mapping
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from nnbook.interactive import Figure, controls, slugs
from nnbook.interactive.walk import (
    NAMES,
    Step,
    check_model,
    is_exact,
    sample,
    show,
    walk,
    weight,
)
from nnbook.models import Sequential

# the labels of each step's equations; on a page of the book they become links
EQUATIONS: dict[str, tuple[str, ...]] = {
    "input": (),
    "z11": ("eq-forward-z",),
    "z12": ("eq-forward-z",),
    "a1": ("eq-forward-a",),
    "z2": ("eq-forward-z",),
    "a2": ("eq-forward-a",),
    "loss": ("eq-squared-error",),
    "da2": ("eq-output-delta",),
    "delta2": ("eq-output-delta",),
    "grad2": ("eq-weight-gradient", "eq-bias-gradient"),
    "da1": ("eq-hidden-delta",),
    "delta1": ("eq-hidden-delta",),
    "grad1": ("eq-weight-gradient", "eq-bias-gradient"),
    "update": ("eq-sgd",),
    "again": ("eq-forward-z", "eq-forward-a", "eq-squared-error"),
}
# --- the figure -------------------------------------------------------------


def step_through(
    models: Mapping[str, Sequential],
    inputs: Mapping[str, ArrayLike],
    y: ArrayLike,
    *,
    name: str = "steps",
    equations: Mapping[str, tuple[str, ...]] | None = None,
) -> Figure:
    """Return a figure that walks through a 2-2-1 network for each model and each input.

    Args:
        models: 2-2-1 networks by a label such as "ReLU", all of the same weights; what else is
            asked of them says `nnbook.interactive.walk.walk`.
        inputs: samples of two numbers, by a label such as "A".
        y: the target of all of them, one number.
        name: of the figure, another one for each on a page: its state stands in the address.
        equations: the labels of each step's equations, by the step's key; None takes those of
            ``EQUATIONS``, and ``{**EQUATIONS, "loss": ("eq-of-mine",)}`` changes one step's.

    Raises:
        TypeError, ValueError: as there; no model or input; weights that differ.
    """
    if not models or not inputs:
        raise ValueError("step_through needs at least one model and an input.")
    first, *others = models.values()
    for model in models.values():
        check_model(model)
    if any(not np.array_equal(first.theta, other.theta) for other in others):
        raise ValueError(
            "The models of one figure must have the same weights: the drawing shows them. "
            "Use model.set_weights([W1, b1, W2, b2]) on each."
        )
    # by what stands for them in the address
    by_model, by_input = slugs(models), slugs(inputs)
    samples = {x: sample(inputs[x], "x", 2)[0] for x in inputs}
    named = {
        x: f"{x} ({show(samples[x][0])}, {show(samples[x][1])})"
        for x in inputs
    }
    walks = {
        f"{i}.{j}": (
            f"{model}, input {named[x]}",
            walk(models[model], inputs[x], y),
        )
        for i, model in by_model.items()
        for j, x in by_input.items()
    }
    _, steps = next(iter(walks.values()))
    choices, move, more = controls(
        {
            "Activation": by_model,
            "Input": {j: named[x] for j, x in by_input.items()},
        },
        len(steps),
        "step",
    )
    tables = [_table_of_steps(steps, equations or EQUATIONS)] + [
        _table_of_numbers(walked, run, title)
        for run, (title, walked) in walks.items()
    ]
    tables = ['<div class="nn-tables">', *tables, "</div>"]
    body = "\n".join([choices, _drawing(first), move, _NOW, more, *tables])
    title = "Step through the network: forward, backward, update"
    return Figure("steps", name, title, body)


_NOW = """<div class="nn-now" hidden>
<p class="nn-where"></p>
<p class="nn-title"></p>
<p class="nn-why"></p>
<div class="nn-formulas"></div>
<p class="nn-equations"></p>
<div class="nn-code"><b>nnbook</b><div></div></div>
<div class="nn-code nn-keras"><b>Keras</b><div></div></div>
</div>
<p class="nn-note">In the code, hidden and output are the layers of the model, loss and optimizer
what it was compiled with.</p>"""


def _table_of_steps(
    steps: Iterable[Step], equations: Mapping[str, tuple[str, ...]]
) -> str:
    """Return what holds for every run: titles, formulas, equations and code."""
    rows = []
    for number, step in enumerate(steps, start=1):
        lines = "".join(
            f'<p data-slot="{line.slot}" title="{line.words}">{_formula(line.symbols)}</p>'
            for line in step.lines
        )
        labels = ", ".join(
            f'<span data-equation="{label}">{label}</span>'
            for label in equations.get(step.key, ())
        )
        code = "".join(
            f"<td><pre>{escape(text)}</pre></td>"
            for text in (step.nnbook, step.keras)
        )
        rows.append(
            f'<tr data-phase="{step.phase}" data-lit="{step.lit}">'
            f'<th scope="row">{number}</th>'
            f"<td><b>{step.title}</b> <span>{step.why}</span></td>"
            f"<td>{lines}</td><td>{labels}</td>{code}</tr>"
        )
    heads = "".join(
        f'<th scope="col">{head}</th>'
        for head in (
            "Step",
            "What happens",
            "Formula",
            "Equation",
            "nnbook",
            "Keras",
        )
    )
    return _table("nn-steps-table", "The steps", heads, rows)


def _table_of_numbers(steps: Iterable[Step], run: str, title: str) -> str:
    """Return the numbers of one run, line by line as in the table of the steps."""
    rows = []
    for number, step in enumerate(steps, start=1):
        lines = ""
        for line in step.lines:
            left = _plain(re.split(" [=←] ", line.symbols)[0])
            sign = "=" if is_exact(line.value) else "≈"
            numbers = ""
            if line.numbers:
                rounded = sign == "≈" and re.search(r"\.\d{4}\b", line.numbers)
                numbers = (
                    f"{'≈' if rounded else '='} {_formula(line.numbers)} "
                )
            lines += f"<p><i>{left}</i> {numbers}{sign} <b>{show(line.value)}</b></p>"
        rows.append(f'<tr><th scope="row">{number}</th><td>{lines}</td></tr>')
    heads = '<th scope="col">Step</th><th scope="col">Numbers</th>'
    return _table("nn-numbers", title, heads, rows, f' data-run="{run}"')


def _table(
    kind: str, caption: str, heads: str, rows: Iterable[str], more: str = ""
) -> str:
    body, caption = "\n".join(rows), escape(caption)
    return (
        f'<div class="nn-scroll" tabindex="0" role="region" aria-label="{caption}"{more}>'
        f'<table class="{kind}"><caption>{caption}</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


# --- formulas ------------------------------------------------------------


def _formula(text: str) -> str:
    """Return the HTML of a formula written as ``a^1_2``: layer above, indices below.

    >>> _formula("b^1_2 + y")
    '<var>b<sup>1</sup><sub>2</sub></var> + <var>y</var>'
    """

    def symbol(match: re.Match[str]) -> str:
        letter, above, below = match.groups()
        above = f"<sup>{above}</sup>" if above else ""
        below = f"<sub>{below}</sub>" if below else ""
        return f"<var>{letter}{above}{below}</var>"

    text = re.sub(r"e\^\(([^)]*)\)", r"e<sup>\1</sup>", text)
    one = r"(?<![a-z<])([a-zCαδ])(?:\^(\d))?(?:_(\d+))?(?![a-z>])"
    return re.sub(one, symbol, text)


def _plain(symbol: str) -> str:
    """Return ``a^1_2`` as plain text with small digits.

    >>> _plain("b^1_2")
    'b¹₂'
    """
    above, below = str.maketrans("012", "⁰¹²"), str.maketrans("012", "₀₁₂")
    text = re.sub(r"\^(\d)", lambda m: m[1].translate(above), symbol)
    return re.sub(r"_(\d+)", lambda m: m[1].translate(below), text)


# --- the drawing ------------------------------------------------------------

# the middle of each neuron in the drawing
PLACES = {
    (0, 1): (31, 122),
    (0, 2): (31, 312),
    (1, 1): (208, 122),
    (1, 2): (208, 312),
    (2, 1): (406, 217),
}
# where a weight stands in it, by layer and the neurons at its ends
LABELS = {
    (1, 1, 1): (108, 84),
    (1, 1, 2): (80, 182),
    (1, 2, 1): (80, 246),
    (1, 2, 2): (108, 343),
    (2, 1, 1): (307, 154),
    (2, 2, 1): (307, 270),
}
# what stands in a neuron: a letter, and how the slot of its number begins
ROWS = {"z": "z", "a": "a", "∂": "da", "δ": "d"}


def _drawing(model: Sequential) -> str:
    """Return the network as SVG, with a place for every number of a walk.

    The pieces that a step lights have ``data-part``, the places of numbers ``data-slot``.
    """
    edges, labels, weights = "", "", []
    for layer, dense in enumerate(model.layers, start=1):
        w, b = dense.get_weights()
        for k, j in np.ndindex(*w.shape):
            (x1, y1), (x2, y2) = PLACES[layer - 1, k + 1], PLACES[layer, j + 1]
            part = f"w{layer}{k + 1}{j + 1}"
            # a little apart from the other edge of the same neuron
            start = (
                x1 + (30 if layer == 1 else 52),
                y1 + 18 * (j - 0.5) * (layer == 1),
            )
            edges += _edge(part, *start, x2 - 53, y2 + 40 * (k - 0.5))
            labels += _label(
                part, *LABELS[layer, k + 1, j + 1], float(w[k, j])
            )
            weights.append(f"{weight(layer, k, j)} {show(float(w[k, j]))}")
        for j, value in enumerate(b):
            x, y = PLACES[layer, j + 1]
            y += 70 if (layer, j) == (1, 1) else -96
            labels += _label(f"b{layer}{j + 1}", x, y, value, "b ")
            weights.append(f"bias of {NAMES[layer, j + 1]} {show(value)}")
    edges += _edge("to-C", 406, 266, 406, 315)
    boxes = "".join(
        _box(f"n0{k}", *PLACES[0, k], 58, f"input {k}", {"a": f"a0{k}"})
        for k in (1, 2)
    )
    for layer, j, title in (
        (1, 1, "hidden 1"),
        (1, 2, "hidden 2"),
        (2, 1, "output"),
    ):
        slots = {key: f"{slot}{layer}{j}" for key, slot in ROWS.items()}
        boxes += _box(f"n{layer}{j}", *PLACES[layer, j], 104, title, slots)
    boxes += _box("C", 392, 344, 132, "", {"C": "C", "y": "y"})
    alt = "Two inputs, two hidden neurons, one output, and the loss C."
    return (
        f'<svg viewBox="0 0 460 402" role="img" aria-label="{alt} '
        f'{"; ".join(weights).capitalize()}.">\n{edges}{labels}{boxes}\n</svg>\n'
        '<p class="nn-legend">∂ is the slope of C along the number above it, '
        "δ that along z.</p>"
    )


def _edge(part: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """Return a line with an arrowhead at each end: one for the way ahead, one for the way back."""
    turn = np.degrees(np.arctan2(y2 - y1, x2 - x1))
    head = (
        '<path class="nn-{}" d="M0 0l-16-7v14z"'
        ' transform="translate({:g} {:g}) rotate({:.1f})"/>'
    )
    return (
        f'<g data-part="{part}"><path class="nn-edge" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'
        + head.format("ahead", x2, y2, turn)
        + head.format("astern", x1, y1, turn + 180)
        + "</g>\n"
    )


def _label(
    part: str, x: float, y: float, value: float, before: str = ""
) -> str:
    """Return a weight or bias, with room for its slope below."""
    return (
        f'<g class="nn-label" data-part="{part}">'
        f'<text x="{x}" y="{y}" data-slot="{part}" data-before="{before}">'
        f"{before}{show(value)}</text>"
        f'<text x="{x}" y="{y + 18}" data-slot="d{part}" data-before="∂ "></text></g>\n'
    )


def _box(
    part: str,
    x: float,
    y: float,
    width: int,
    title: str,
    slots: Mapping[str, str],
) -> str:
    """Return a neuron or the loss: a box with a row for each number in it."""
    height = 21 * len(slots) + 12
    top, half = y - height / 2, width / 2
    rows = "".join(
        f'<text class="nn-key" x="{x - half + 9:g}" y="{top + 21 + 21 * i:g}">{key}</text>'
        f'<text x="{x + half - 8:g}" y="{top + 21 + 21 * i:g}" data-slot="{slot}"></text>'
        for i, (key, slot) in enumerate(slots.items())
    )
    return (
        f'<g data-part="{part}">'
        f'<rect x="{x - half:g}" y="{top:g}" width="{width}" height="{height}" rx="8"/>'
        f'<text class="nn-name" x="{x}" y="{top - 8:g}">{title}</text>{rows}</g>\n'
    )
