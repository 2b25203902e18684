"""Watch optimizers go down a landscape: `player`, a figure with a frame for each step.

The landscape is the loss of one parameter, a curve, or of two, drawn by lines of equal loss. All
positions are those of nnbook's own optimizers, computed when the cell is run.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nnbook.checks import Array, at_least_one
from nnbook.gradcheck import numerical_gradient
from nnbook.interactive import Figure, controls, slugs
from nnbook.optimizers import Optimizer

Loss = Callable[[Array], float]
Gradient = Callable[[Array], ArrayLike]
Range = tuple[float, float]

LEFT, TOP, WIDTH = 58, 12, 388  # of the landscape in the drawing
FAR = 2000  # how many pixels outside of the picture a path ends


class Descent(NamedTuple):
    """Where an optimizer was before each step, and what it saw there: an entry a step.

    With ``p`` parameters: ``theta (steps + 1, p)``, ``loss (steps + 1,)``, ``grad`` and ``step``
    as ``theta``. The last step is only announced: it leads out of the last frame.
    """

    theta: Array
    loss: Array
    grad: Array
    step: Array


def follow(
    optimizer: Optimizer,
    loss: Loss,
    grad: Gradient | None,
    start: ArrayLike,
    steps: int,
) -> Descent:
    """Return the way of an optimizer: ``theta <- theta + step``, step after step.

    Args:
        optimizer: how to go; one like it goes, it is not changed itself.
        loss: of the parameters ``(p,)``, a number.
        grad: of the parameters, ``(p,)``; None: central differences of the loss.
        start: the first parameters, ``(p,)``.
        steps: how many.

    Raises:
        TypeError, ValueError: no step, or a start that is no row of finite numbers.
    """
    theta = np.array(start, dtype=float)
    if theta.ndim != 1 or not np.isfinite(theta).all() or not theta.size:
        raise ValueError(
            "start must be a row of finite numbers, one a parameter, such as [2.0]. "
            f"Received {start!r}."
        )
    mover = type(optimizer)(**optimizer.get_config())
    seen: list[tuple[Array, float, Array, Array]] = []
    with np.errstate(all="ignore"):  # a run may leave for infinity
        for _ in range(at_least_one(steps, "steps") + 1):
            here = theta.copy()
            if grad is None:
                slope = numerical_gradient(lambda: float(loss(theta)), theta)
            else:
                slope = np.array(grad(here), dtype=float).reshape(here.shape)
            mover.step(theta, slope)
            seen.append((here, float(loss(here)), slope, theta - here))
    columns = zip(*seen, strict=True)
    return Descent(*(np.array(column) for column in columns))


def player(
    runs: Mapping[str, Optimizer],
    loss: Loss,
    grad: Gradient | None,
    start: ArrayLike,
    *,
    x: Range,
    y: Range | None = None,
    parameters: Iterable[str] = ("w", "b"),
    steps: int = 30,
    choose: str = "Run",
    title: str = "Watch the descent",
    name: str = "descent",
    lines: int = 10,
) -> Figure:
    """Return a figure that plays the way of each optimizer down the same landscape.

    Args:
        runs: optimizers, by a label such as "0.1"; all start at the same place.
        loss: of the parameters ``(1,)`` or ``(2,)``, a number.
        grad: of the parameters; None: central differences of the loss.
        start: the first parameters: one number, or two.
        x: from where to where the picture shows the first parameter.
        y: for two parameters: the same for the second. For one, the picture takes the height that
            the curve needs.
        parameters: their names.
        steps: how many.
        choose: what the runs differ in, such as "Learning rate".
        title: of the figure, for those who do not see it.
        name: of the figure, another one for each on a page: its state stands in the address.
        lines: how many lines of equal loss are drawn.

    Raises:
        TypeError, ValueError: no run, a start of more than two numbers, a range that is none.
    """
    if not runs:
        raise ValueError("player needs at least one run: {label: optimizer}.")
    labels = slugs(runs)
    ways = {
        slug: follow(runs[label], loss, grad, start, steps)
        for slug, label in labels.items()
    }
    count = next(iter(ways.values())).theta.shape[1]
    names = tuple(parameters)[:count]
    if count > 2 or len(names) < count:
        raise ValueError(
            "player shows one or two parameters, each with a name. "
            f"Received a start of {count} and the names {names}."
        )
    if count == 1:
        scene: _Scene = _curve(loss, _range(x, "x"))
    elif y is None:
        raise ValueError(
            "Two parameters need the range of the second: y=(low, high)."
        )
    else:
        scene = _contours(loss, _range(x, "x"), _range(y, "y"), lines)
    choices, move, more = controls(
        {choose: labels} if len(labels) > 1 else {}, steps + 1, "step"
    )
    drawing = _drawing(scene, ways, names, name, labels)
    body = "\n".join(
        [
            choices,
            drawing,
            move,
            _NOW,
            more,
            _tables(ways, labels, names, choose),
        ]
    )
    return Figure("player", name, title, body)


# hidden until the script has come to life
_NOW = """<div class="nn-now" hidden>
<button type="button" class="nn-play" aria-keyshortcuts="Space">Play</button>
<p class="nn-where"></p>
<p class="nn-values"></p>
<p class="nn-others"></p>
<p class="nn-hint">On the slider, the space bar plays and pauses.</p>
</div>"""


def show(value: float) -> str:
    """Return a number as text: three decimals, or powers of ten for a large one.

    >>> show(-0.0001), show(-1.5), show(2e7), show(float("nan"))
    ('0.000', '−1.500', '2.00e+07', 'nan')
    """
    large = not math.isfinite(value) or abs(value) >= 9999.5
    text = f"{value:.2e}" if large else f"{value:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "−", 1)


def _row(values: Iterable[float]) -> str:
    shown = [show(float(value)) for value in values]
    return shown[0] if len(shown) == 1 else f"({', '.join(shown)})"


def _range(given: Range, name: str) -> Range:
    low, high = (float(end) for end in given)
    if not (math.isfinite(high - low) and low < high):
        raise ValueError(
            f"{name} must be a pair (low, high), low below high. Received {given}."
        )
    return low, high


# --- the tables -------------------------------------------------------------


def _tables(
    ways: Mapping[str, Descent],
    labels: Mapping[str, str],
    names: tuple[str, ...],
    choose: str,
) -> str:
    """Return a table of the first and last frame of all, and one of all frames of each."""
    what = ", ".join(names)
    ends = [
        f'<tr><th scope="row">{escape(labels[slug])}</th>'
        f"<td>{len(way.loss) - 1}</td><td>{_row(way.theta[0])}</td>"
        f"<td>{show(way.loss[0])}</td><td>{_row(way.theta[-1])}</td>"
        f"<td>{show(way.loss[-1])}</td></tr>"
        for slug, way in ways.items()
    ]
    parts = [
        _table(
            "First and last step",
            (choose, "Steps", f"{what} at first", "Loss", "at last", "Loss"),
            ends,
        )
    ]
    for slug, way in ways.items():
        rows = [
            f'<tr><th scope="row">{i}</th><td>{_row(way.theta[i])}</td>'
            f"<td>{show(way.loss[i])}</td><td>{_row(way.grad[i])}</td>"
            f"<td>{_row(way.step[i])}</td></tr>"
            for i in range(len(way.loss))
        ]
        table = _table(
            f"{choose} {labels[slug]}",
            ("Step", what, "Loss", "Gradient", "Next step"),
            rows,
            f' data-run="{slug}"',
        )
        parts.append(
            f"<details><summary>Every step: {escape(choose)} {escape(labels[slug])}</summary>"
            f"\n{table}</details>"
        )
    return '<div class="nn-tables">\n' + "\n".join(parts) + "\n</div>"


def _table(
    caption: str, heads: Iterable[str], rows: Iterable[str], more: str = ""
) -> str:
    caption = escape(caption)
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "\n".join(rows)
    return (
        f'<div class="nn-scroll" tabindex="0" role="region" aria-label="{caption}"{more}>'
        f"<table><caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


# --- the drawing ------------------------------------------------------------


class _Scene(NamedTuple):
    """A landscape: what part of the world is shown, its height in pixels, and its lines."""

    x: Range
    y: Range
    height: float
    curves: list[tuple[Array, float]]  # places (points, 2), and how strong
    legend: str
    loss: Loss | None  # of one parameter, whose place is (w, C)

    def pixels(self, places: Array) -> Array:
        """Return where places of the world are in the drawing."""
        (a, b), (c, d) = self.x, self.y
        return np.stack(
            [
                LEFT + (places[..., 0] - a) / (b - a) * WIDTH,
                TOP + (d - places[..., 1]) / (d - c) * self.height,
            ],
            axis=-1,
        )


def _curve(loss: Loss, x: Range) -> _Scene:
    w = np.linspace(*x, 121)
    c = np.array([loss(np.array([one])) for one in w])
    margin = 0.08 * float(np.ptp(c)) + 1e-9
    y = float(c.min()) - margin, float(c.max()) + margin
    return _Scene(
        x,
        y,
        270,
        [(np.stack([w, c], axis=1), 1.0)],
        "The curve is the loss. The dashed line is its tangent where the ball lies.",
        loss,
    )


def _contours(loss: Loss, x: Range, y: Range, lines: int) -> _Scene:
    from contourpy import contour_generator

    first, second = np.linspace(*x, 61), np.linspace(*y, 61)
    c = np.array([[loss(np.array([u, v])) for u in first] for v in second])
    low, high = float(c.min()), float(c.max())
    # near the bottom they lie closer in loss, so that a bowl has them evenly in the picture
    shares = (np.arange(at_least_one(lines, "lines")) + 0.4) / lines
    levels = low + (high - low) * shares**2
    generator = contour_generator(first, second, c)
    curves = []
    for share, level in zip(shares, levels, strict=True):
        for line in generator.lines(float(level)):
            points = np.asarray(line)
            if len(points) > 60:  # every second one is enough for the eye
                points = np.concatenate([points[:-1:2], points[-1:]])
            curves.append((points, 1 - 0.7 * float(share)))
    height = float(np.clip(WIDTH * (y[1] - y[0]) / (x[1] - x[0]), 150, WIDTH))
    legend = (
        f"Lines of equal loss: the stronger, the lower, from {show(levels[0])} to "
        f"{show(levels[-1])}. The dashed line shows the way straight down where the ball lies."
    )
    return _Scene(x, y, height, curves, legend, None)


def _drawing(
    scene: _Scene,
    ways: Mapping[str, Descent],
    names: tuple[str, ...],
    name: str,
    labels: Mapping[str, str],
) -> str:
    """Return the landscape as SVG, with each way whole: the script cuts it at a step."""
    bottom = TOP + scene.height
    box = f'x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{scene.height:.1f}"'
    ticks = "".join(
        f'<text x="{px:.1f}" y="{bottom + 19:.1f}">{_tick(value)}</text>\n'
        for value, px in _ticks(scene.x, lambda v: scene.pixels(_at(v, 0))[0])
    ) + "".join(
        f'<text class="nn-left" x="{LEFT - 7}" y="{py + 5:.1f}">{_tick(value)}</text>\n'
        for value, py in _ticks(scene.y, lambda v: scene.pixels(_at(0, v))[1])
    )
    across, up = names[0], names[1] if len(names) > 1 else "loss"
    ticks += (
        f'<text x="{LEFT + WIDTH / 2:.1f}" y="{bottom + 40:.1f}">{escape(across)}</text>\n'
        f'<text transform="translate(14 {TOP + scene.height / 2:.1f}) rotate(-90)">'
        f"{escape(up)}</text>\n"
    )
    curves = "".join(
        f'<polyline class="nn-level" opacity="{strength:.2f}" '
        f'points="{_points(scene.pixels(places))}"/>\n'
        for places, strength in scene.curves
    )
    paths = "".join(
        _path(scene, slug, way, name) for slug, way in ways.items()
    )
    alt = (
        f"A landscape of the loss over {' and '.join(names)}, and on it the ways of: "
        f"{', '.join(labels.values())}. The numbers stand in the tables."
    )
    return (
        f'<svg viewBox="0 0 460 {bottom + 48:.1f}" role="img" aria-label="{escape(alt)}">\n'
        f'<defs><clipPath id="{name}-frame"><rect {box}/></clipPath>\n'
        f'<marker id="{name}-dot" viewBox="-4 -4 8 8" markerWidth="7" markerHeight="7" '
        f'markerUnits="userSpaceOnUse"><circle r="3"/></marker></defs>\n'
        f'{ticks}<g clip-path="url(#{name}-frame)">\n{curves}{paths}</g>\n'
        f'<rect class="nn-frame" {box}/>\n</svg>\n'
        f'<p class="nn-legend">{escape(scene.legend)}</p>'
    )


def _at(x: float, y: float) -> Array:
    return np.array([x, y], dtype=float)


def _ticks(
    ends: Range, place: Callable[[float], float]
) -> list[tuple[float, float]]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(*ends)
    return [
        (float(v), float(place(v))) for v in found if ends[0] <= v <= ends[1]
    ]


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−", 1)


def _points(pixels: Array) -> str:
    return " ".join(f"{px:.1f},{py:.1f}" for px, py in pixels + 0.0)


def _path(scene: _Scene, slug: str, way: Descent, name: str) -> str:
    """Return the way as far as it stays near the picture, and a line in each of its places.

    The line is the tangent of a curve, or points straight down between lines of equal loss.
    """
    flat = scene.loss is None
    places = (
        way.theta if flat else np.stack([way.theta[:, 0], way.loss], axis=1)
    )
    pixels = scene.pixels(places)
    # a comparison with NaN is False
    near = (np.abs(pixels) < FAR).all(axis=1)
    shown = len(pixels) if near.all() else int(np.argmin(near))
    hands = []
    for (px, py), slope in zip(pixels[:shown], way.grad[:shown], strict=True):
        towards = -slope if flat else np.array([1.0, slope[0]])
        (ux, uy) = scene.pixels(towards) - scene.pixels(np.zeros(2))
        length = math.hypot(ux, uy)
        if (flat and np.abs(slope).max() < 5e-4) or not math.isfinite(length):
            hands.append("")  # it shows as zero: no direction
            continue
        ux, uy = 52 * ux / length, 52 * uy / length
        tail = (0.0, 0.0) if flat else (ux, uy)
        ends = np.array([[px - tail[0], py - tail[1]], [px + ux, py + uy]])
        hands.append(_points(ends))
    x0, y0 = pixels[0]
    x1, y1 = pixels[shown - 1]
    return (
        f'<g data-way="{slug}" data-hands="{";".join(hands)}">\n'
        f'<polyline class="nn-way" marker-mid="url(#{name}-dot)" '
        f'points="{_points(pixels[:shown])}"/>\n'
        f'<polyline class="nn-hand" points=""/>'
        f'<circle class="nn-end" cx="{x1:.1f}" cy="{y1:.1f}" r="6"/>'
        f'<circle class="nn-ball" cx="{x0:.1f}" cy="{y0:.1f}" r="7"/></g>\n'
    )
