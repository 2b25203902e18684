"""Plots: the figures of the book. Needs matplotlib, so it is imported on demand.

Figures are SVG with a clear background and dark ink; the pages turn the ink light in dark mode. The
colours are Okabe and Ito's, which colour-blind readers can tell apart; line styles and markers say
the same again.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from nnbook import activations, losses
from nnbook.checks import Array
from nnbook.models import Sequential

ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE = (
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)


def use_style() -> None:
    """Let matplotlib draw in the book's style, and a notebook show figures as reproducible SVG."""
    mpl.rcParams.update(
        {
            "figure.figsize": (
                5.2,
                3.2,
            ),  # small, so that text stays legible on a phone
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(
                color=[BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY]
            )
            + cycler(
                linestyle=["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1))]
            ),
            "axes.grid": True,
            "grid.alpha": 0.25,
            "font.size": 12,
            "legend.frameon": False,
            "lines.linewidth": 2.2,
            "figure.constrained_layout.use": True,
            "svg.hashsalt": "nnbook",  # else the ids in an SVG differ from run to run
            "svg.fonttype": "path",  # else a reader's fonts would change the layout
            "path.simplify": False,  # else the number of points may differ from machine to machine
        }
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # no notebook
        return
    set_matplotlib_formats(  # type: ignore[no-untyped-call]
        "svg", metadata={"Date": None}
    )


def curves(
    ax: Axes,
    lines: Mapping[str, Sequence[float]],
    *,
    ylabel: str,
    levels: Mapping[str, float] | None = None,
) -> Axes:
    """Draw values by epoch, a labelled line each, and labelled horizontal levels to compare."""
    for label, values in lines.items():
        ax.plot(range(1, len(values) + 1), values, label=label)
    for (label, level), grey in zip(
        (levels or {}).items(), ("0.25", "0.5", "0.65"), strict=False
    ):
        ax.axhline(level, color=grey, linewidth=1.2, linestyle=(0, (6, 3)))
        ax.annotate(
            label,
            (1, level),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=11,
        )
    ax.set(xlabel="epoch", ylabel=ylabel)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return ax


def confusion_matrix(
    ax: Axes, counts: ArrayLike, names: Sequence[str]
) -> Axes:
    """Draw counts ``(true, predicted)`` as a shaded table, each cell labelled with its count."""
    table = np.asarray(counts)
    # So pale that the digits stand out, on a dark page too.
    pale = table.max() * 2.6
    ax.imshow(table, cmap="Blues", vmin=0, vmax=pale)
    for (i, j), count in np.ndenumerate(table):
        ax.text(j, i, str(count), ha="center", va="center", fontsize=16)
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names, rotation=90, va="center")
    ax.set(xlabel="predicted", ylabel="true")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return ax


def network(ax: Axes, widths: Sequence[int], labels: Sequence[str]) -> Axes:
    """Draw the layers of a network as columns of neurons, joined by all their weights."""
    tallest = max(widths)
    columns = [
        [(x, (tallest - 1) / 2 - (w - 1) / 2 + i) for i in range(w)]
        for x, w in enumerate(widths)
    ]
    for left, right in pairwise(columns):
        for x0, y0 in left:
            for x1, y1 in right:
                ax.plot(
                    [x0, x1],
                    [y0, y1],
                    color="0.6",
                    linewidth=0.6,
                    linestyle="-",
                    zorder=1,
                )
    for x, (column, colour, label) in enumerate(
        zip(columns, (ORANGE, SKY, GREEN, PURPLE), labels, strict=False)
    ):
        xs, ys = np.transpose(column)
        ax.scatter(xs, ys, s=170, color=colour, edgecolor="0.15", zorder=2)
        ax.text(x, -1.1, label, ha="center", va="top")
    ax.set_xlim(-0.5, len(widths) - 0.5)
    ax.set_ylim(-3.2, tallest - 0.2)
    ax.axis("off")
    return ax


def network_values(
    ax: Axes,
    kernels: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    neurons: Sequence[Sequence[str]],
) -> Axes:
    """Draw a small network with a text in each neuron, weights on the lines, biases underneath.

    Lines of negative weights are dashed. Made for networks of up to three neurons a layer.

    Args:
        ax: where to draw.
        kernels: of each layer, ``(n_in, units)``.
        biases: of each layer, ``(units,)``.
        neurons: the texts of each layer's neurons, of the inputs first.

    Raises:
        ValueError: the numbers of layers or neurons do not fit to each other.
    """
    widths = [len(column) for column in neurons]
    shapes = [np.shape(kernel) for kernel in kernels]
    if shapes != list(pairwise(widths)) or widths[1:] != [
        np.size(bias) for bias in biases
    ]:
        raise ValueError(
            f"network_values expected a kernel and a bias for each layer of {widths} neurons. "
            f"Received kernels {shapes} and biases {[np.shape(b) for b in biases]}."
        )
    tallest = max(widths)
    columns = [
        [(x, (w - 1) / 2 - i) for i in range(w)] for x, w in enumerate(widths)
    ]
    for left, right, kernel in zip(
        columns, columns[1:], kernels, strict=False
    ):
        for (k, start), (j, end) in product(enumerate(left), enumerate(right)):
            weight = float(np.asarray(kernel)[k, j])
            line = np.array([start, end])
            for gap in ([0.0, 0.22], [0.42, 1.0]):  # the number stands between
                ax.plot(
                    *np.transpose(line[0] + np.outer(gap, line[1] - line[0])),
                    color=VERMILION if weight < 0 else BLUE,
                    linestyle=(0, (4, 2)) if weight < 0 else "-",
                    linewidth=1.6,
                    zorder=1,
                )
            x, y = line[0] + 0.32 * (line[1] - line[0])
            ax.text(
                x,
                y,
                f"{weight:g}".replace("-", "\u2212"),
                ha="center",
                va="center",
                fontsize=14,
            )
    for column, texts, colour in zip(
        columns,
        neurons,
        (ORANGE, *[SKY] * (len(widths) - 2), GREEN),
        strict=True,
    ):
        xs, ys = np.transpose(column)
        ax.scatter(
            xs, ys, s=1900, color=_pale(colour), edgecolor="0.15", zorder=2
        )
        for (x, y), text in zip(column, texts, strict=True):
            ax.text(
                x, y, text, ha="center", va="center", fontsize=14, zorder=3
            )
    for column, bias in zip(columns[1:], biases, strict=True):
        for (x, y), b in zip(column, np.ravel(bias), strict=True):
            ax.text(
                x,
                y - 0.38,
                f"+ {b:g}" if b >= 0 else f"\u2212 {-b:g}",
                ha="center",
                va="center",
                fontsize=14,
            )
    ax.set_xlim(-0.25, len(widths) - 0.75)
    ax.set_ylim(-(tallest - 1) / 2 - 0.5, (tallest - 1) / 2 + 0.35)
    ax.axis("off")
    return ax


def layer_shapes(
    ax: Axes, n: int, n_in: int, units: int, i: int, j: int
) -> Axes:
    """Draw ``a W + b = z`` of one layer as grids, with row ``i`` and column ``j`` shaded.

    Args:
        ax: where to draw; its sides get the same scale.
        n: number of samples.
        n_in: number of neurons of the layer before.
        units: number of neurons of the layer.
        i: the sample, counted from 0, whose row of ``a`` is shaded.
        j: the neuron, counted from 0, whose column of ``W``, bias and sum are shaded.
    """
    parts = (
        ("$a^{l-1}$", "$(n, n_{l-1})$", (n, n_in), (i, None), ORANGE, "@"),
        ("$W^l$", "$(n_{l-1}, n_l)$", (n_in, units), (None, j), SKY, "+"),
        ("$b^l$", "$(n_l,)$", (1, units), (None, j), PURPLE, "="),
        ("$z^l$", "$(n, n_l)$", (n, units), (i, j), GREEN, ""),
    )
    half, left = max(n, n_in) / 2, 0.0
    for name, shape, (rows, columns), (row, column), colour, sign in parts:
        for r, c in np.ndindex(rows, columns):
            shaded = row in (None, r) and column in (None, c)
            ax.add_patch(
                Rectangle(
                    (left + c, rows / 2 - r - 1),
                    1,
                    1,
                    facecolor=colour if shaded else "none",
                    edgecolor="0.3",
                )
            )
        middle = left + columns / 2
        ax.text(middle, half + 0.5, name, ha="center", fontsize=15)
        ax.text(middle, -half - 1.3, shape, ha="center", fontsize=13)
        left += columns + 1.4
        ax.text(left - 0.7, 0, sign, ha="center", va="center", fontsize=14)
    ax.set(xlim=(-0.3, left - 1.1), ylim=(-half - 1.6, half + 1.6))
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def signals(
    ax: Axes,
    columns: Sequence[Sequence[str]],
    edges: Sequence[Sequence[Sequence[str]]],
    *,
    back: bool = False,
) -> Axes:
    """Draw what flows through a small network: a circle for each number, an arrow for each weight.

    Going back the arrows are dashed and point to the left.

    Args:
        ax: where to draw.
        columns: the texts in the circles, layer by layer.
        edges: from each column to the next, the texts on the arrows, ``[from][to]``; "" for none.
        back: whether the arrows point to the left.
    """
    radius = 24  # points
    colour = VERMILION if back else BLUE
    at = [
        [(x, (len(texts) - 1) / 2 - i) for i in range(len(texts))]
        for x, texts in enumerate(columns)
    ]
    for (left, right), labels in zip(pairwise(at), edges, strict=True):
        for start, row in zip(left, labels, strict=True):
            for end, label in zip(right, row, strict=True):
                ax.annotate(
                    "",
                    start if back else end,
                    end if back else start,
                    arrowprops={
                        "arrowstyle": "-|>",
                        "color": colour,
                        "linewidth": 1.6,
                        "linestyle": (0, (4, 2)) if back else "-",
                        "shrinkA": radius,
                        "shrinkB": radius,
                        "mutation_scale": 14,
                    },
                )
                # on the line, nearer to its left end, where lines do not cross
                part = 0.5 if start[1] == end[1] else 0.33
                x, y = (
                    a + part * (b - a) for a, b in zip(start, end, strict=True)
                )
                slope = np.degrees(np.arctan2(end[1] - start[1], 1))
                ax.annotate(
                    label,
                    (x, y),
                    xytext=(0, 2),
                    textcoords="offset points",
                    rotation=slope,
                    transform_rotates_text=True,
                    rotation_mode="anchor",
                    ha="center",
                    va="bottom",
                    fontsize=12,
                )
    for places, texts in zip(at, columns, strict=True):
        for (x, y), text in zip(places, texts, strict=True):
            ax.scatter(
                x, y, s=(2 * radius) ** 2, color=SKY, alpha=0.35, linewidth=0
            )
            ax.text(x, y, text, ha="center", va="center", fontsize=12)
    tallest = max(len(texts) for texts in columns)
    ax.set_xlim(-0.4, len(columns) - 0.6)
    ax.set_ylim(-tallest / 2 - 0.05, tallest / 2 + 0.05)
    ax.axis("off")
    return ax


_MARKERS = "osD^vP"
_COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)


def decision_boundary(
    ax: Axes,
    model: Sequential,
    x: ArrayLike,
    y: ArrayLike,
    names: Sequence[str] | None = None,
    *,
    points: int = 120,
) -> Axes:
    """Shade the plane by the class that the model finds, with the samples on top.

    Args:
        ax: where to draw.
        model: two inputs; one output ``a``, class 1 where ``a > 0.5``, or one output a class.
        x: samples ``(n, 2)``.
        y: their class numbers ``(n,)``, from 0 to 5 at most.
        names: of the classes, for the legend.
        points: how many points along each side the model is asked at.

    Raises:
        ValueError: samples that are not in the plane, or more than six classes.
    """
    samples, classes = np.asarray(x, float), np.asarray(y).ravel().astype(int)
    if samples.ndim != 2 or samples.shape[1] != 2:
        raise ValueError(
            f"decision_boundary expected samples (n, 2). Received shape {samples.shape}."
        )
    margin = 0.1 * np.ptp(samples, axis=0) + 1e-9
    low, high = samples.min(axis=0) - margin, samples.max(axis=0) + margin
    sides = [np.linspace(a, b, points) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*sides), axis=-1)
    a = model.predict(grid.reshape(-1, 2), verbose=0)
    found = a[:, 0] > 0.5 if a.shape[1] == 1 else np.argmax(a, axis=1)
    count = max(a.shape[1], 2, int(classes.max()) + 1)
    if count > len(_COLOURS):
        raise ValueError(
            f"decision_boundary has colours for {len(_COLOURS)} classes. Received {count}."
        )
    ax.imshow(
        found.reshape(points, points).astype(int),
        extent=(low[0], high[0], low[1], high[1]),
        origin="lower",
        aspect="auto",
        cmap=ListedColormap(_COLOURS[:count]),
        vmin=-0.5,
        vmax=count - 0.5,
        alpha=0.25,
        interpolation="nearest",
    )
    for c in range(count):
        ax.plot(
            *samples[classes == c].T,
            linestyle="none",
            marker=_MARKERS[c],
            color=_COLOURS[c],
            markeredgecolor="0.15",
            markersize=6,
            label=names[c] if names else f"class {c}",
        )
    ax.grid(visible=False)
    ax.legend(loc="upper left", bbox_to_anchor=(0, 1.18), ncols=count)
    return ax


def activation_gallery(axes: Sequence[Axes], reach: float = 4.0) -> None:
    """Draw the eight activations and their slopes ``f'(z)``, one panel each.

    Softmax, which takes a whole row, is shown as its first output for the row ``(z, 0)``. The
    slopes are those that training uses: ``vjp`` of the output. Where a slope jumps, a full dot
    marks the value taken at the jump and an open one the value beside it.
    """
    z = np.linspace(-reach, reach, 401)
    pairs = np.stack([z, np.zeros_like(z)], axis=1)
    first = np.zeros_like(pairs)
    first[:, 0] = 1
    for ax, (name, f) in zip(axes, activations._KNOWN.items(), strict=True):
        row = pairs if name == "softmax" else z[:, None]
        a = f(row)
        slope = f.vjp(a, first[:, : a.shape[1]])[:, 0].copy()
        for i in np.flatnonzero(np.abs(np.diff(slope)) > 0.5):
            for height, face in (
                (slope[i], VERMILION),
                (slope[i + 1], "none"),
            ):
                ax.scatter(
                    z[i], height, s=26, c=face, edgecolor=VERMILION, zorder=3
                )
            slope[i + 1] = np.nan  # a jump is a gap, not a line
        ax.plot(z, a[:, 0], label="f(z)")
        ax.plot(z, slope, label="slope")
        ax.set_title(f"{name}(z, 0)" if name == "softmax" else name)
        ax.set_xticks([-reach, -reach / 2, 0, reach / 2, reach])
        ax.xaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes[0].legend(fontsize=11, loc="lower right", handlelength=1.5)


def loss_gallery(errors: Axes, probabilities: Axes | None = None) -> None:
    """Draw the losses of one output: over its error, and over a probability if there is room."""
    e = np.linspace(-3, 3, 301)
    zero = np.zeros(1)
    for label, loss in (
        ("squared", losses.MeanSquaredError()),
        ("absolute", losses.MeanAbsoluteError()),
        ("Huber", losses.Huber()),
    ):
        errors.plot(e, [loss(zero, one[None]) for one in e], label=label)
    errors.set(xlabel=r"error $\hat y - y$", ylabel="loss", ylim=(-0.2, 4.5))
    errors.legend(loc="upper center")
    if probabilities is None:
        return
    a = np.linspace(0.005, 0.995, 199)
    cross_entropy = losses.BinaryCrossentropy()
    for y in (1.0, 0.0):
        values = [cross_entropy(np.array([y]), one[None]) for one in a]
        probabilities.plot(a, values, label=f"y = {y:.0f}")
    probabilities.set(xlabel=r"output $\hat y$", ylabel="binary cross-entropy")
    probabilities.legend(loc="upper center")


def neuron(
    ax: Axes,
    inputs: Sequence[object],
    weights: Sequence[object],
    bias: object,
    z: object,
    a: object,
) -> Axes:
    """Draw one neuron: inputs, a weight on each line, bias, sum, activation and output.

    What is written on the parts is given: letters such as ``"$x_1$"``, or numbers.

    Raises:
        ValueError: not one weight for each input.
    """
    rows = np.linspace(len(inputs) - 1, 0, len(inputs)) * 1.2
    middle = float(rows.mean())
    plus, bend, end = 2.2, 3.35, 4.2
    for y, value, weight in zip(rows, inputs, weights, strict=True):
        place = (0.0, float(y))
        _line_with_text(ax, place, (plus, middle), weight)
        _circle(ax, place, value, ORANGE)
    for xs, ys in (
        ([plus, plus], [middle - 1.3, middle]),
        ([plus, end], [middle, middle]),
    ):
        ax.plot(xs, ys, color="0.45", linestyle="-", zorder=1)
    _circle(ax, (plus, middle), "+", SKY)
    _circle(ax, (bend, middle), "$f$", SKY)
    below = min(middle - 1.4, float(rows[-1]) - 0.9)
    for x, y, text, across, up in (
        (plus + 0.12, middle - 1.1, f"{bias}", "left", "center"),
        ((plus + bend) / 2, middle + 0.1, f"{z}", "center", "bottom"),
        (end + 0.1, middle, f"{a}", "left", "center"),
        ((plus + bend) / 2, middle - 0.4, "sum", "center", "top"),
        (0, below, "inputs", "center", "top"),
        (1.05, below, "weights", "center", "top"),
        (plus, below, "bias", "center", "top"),
        (bend, middle + 0.55, "activation", "center", "bottom"),
        (end + 0.2, middle - 0.4, "output", "center", "top"),
    ):
        ax.text(x, y, text, ha=across, va=up)
    ax.set_xlim(-0.5, 4.9)
    ax.set_ylim(below - 0.5, max(float(rows[0]), middle + 0.5) + 0.5)
    ax.axis("off")
    return ax


def _circle(
    ax: Axes, place: tuple[float, float], text: object, colour: str
) -> None:
    """Draw a circle with a short text in it."""
    ax.scatter(*place, s=640, color=_pale(colour), edgecolor="0.15", zorder=2)
    ax.text(*place, f"{text}", ha="center", va="center", zorder=3)


def _pale(colour: str) -> list[tuple[float, ...]]:
    """Return a colour half white, on which text is legible in dark mode too."""
    return [tuple((part + 1) / 2 for part in to_rgb(colour))]


def _line_with_text(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    text: object,
) -> None:
    """Draw a line with a gap near its middle, and write into the gap."""
    ends = np.array([start, end])
    for piece in ([0.0, 0.33], [0.57, 1.0]):
        xs, ys = np.transpose(ends[0] + np.outer(piece, ends[1] - ends[0]))
        ax.plot(xs, ys, color="0.45", linestyle="-", zorder=1)
    x, y = ends[0] + 0.45 * (ends[1] - ends[0])
    ax.text(x, y, f"{text}", ha="center", va="center")


def matrix_product(
    ax: Axes, x: ArrayLike, w: ArrayLike, i: int, j: int
) -> Axes:
    """Draw ``x @ w`` as three tables: ``x`` to the left of the product, ``w`` above it.

    Row ``i`` of ``x`` and column ``j`` of ``w`` are shaded, and so is the entry where they meet.
    """
    left, above = np.asarray(x), np.asarray(w)
    (n, inner), units = left.shape, above.shape[1]
    gap = 0.5
    for name, table, x0, y0, row, column in (
        ("x", left, 0.0, 0.0, i, None),
        ("W", above, inner + gap, n + gap, None, j),
        ("x W", left @ above, inner + gap, 0.0, i, j),
    ):
        rows, columns = table.shape
        for r, c in np.ndindex(rows, columns):
            here = (row is None or r == row) and (
                column is None or c == column
            )
            corner = (x0 + c, y0 + rows - 1 - r)
            ax.add_patch(
                Rectangle(
                    corner,
                    1,
                    1,
                    facecolor=ORANGE if here else "none",
                    edgecolor="0.45",
                    alpha=0.45 if here else 1,
                    linewidth=0.8,
                )
            )
            ax.text(
                corner[0] + 0.5,
                corner[1] + 0.5,
                f"{table[r, c]:g}",
                ha="center",
                va="center",
                fontsize=14,
            )
        side = x0 - 0.25 if name == "W" else x0 + columns / 2
        height = y0 + rows / 2 if name == "W" else y0 - 0.2
        ax.text(
            side,
            height,
            f"{name}  ({rows}, {columns})",
            ha="right" if name == "W" else "center",
            va="center" if name == "W" else "top",
        )
    ax.set_xlim(-0.1, inner + gap + units + 0.1)
    ax.set_ylim(-0.9, n + gap + inner + 0.1)
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def regions(
    ax: Axes,
    answer: Callable[[Array], Array],
    x: ArrayLike,
    y: ArrayLike,
    lines: Sequence[tuple[ArrayLike, float]] = (),
    *,
    low: float = -0.5,
    high: float = 1.5,
    points: int = 200,
) -> Axes:
    """Shade the part of the plane to which ``answer`` says yes, with samples and lines on top.

    Args:
        ax: where to draw.
        answer: gets points ``(m, 2)``, returns an answer each, ``(m,)``; above 0.5 is yes.
        x: samples ``(n, 2)``.
        y: what is right for them, 0 (a circle) or 1 (a square), ``(n,)``.
        lines: weights ``(w1, w2)`` and bias of each line ``w1 x1 + w2 x2 + b = 0``.
        low: where both axes begin.
        high: where both axes end.
        points: how many points along each side are asked.
    """
    samples, right = np.asarray(x, float), np.asarray(y).ravel()
    side = low + (high - low) * (np.arange(points) + 0.5) / points
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    yes = np.asarray(answer(grid)).reshape(points, points) > 0.5
    ax.imshow(
        yes.astype(int),
        extent=(low, high, low, high),
        origin="lower",
        cmap=ListedColormap(_COLOURS[:2]),
        vmin=0,
        vmax=1,
        alpha=0.25,
        interpolation="nearest",
    )
    for w, b in lines:
        normal = np.asarray(w, float)
        foot = -b * normal / (normal @ normal)  # nearest to the origin
        along = foot + np.array([-normal[1], normal[0]])
        ax.axline(
            (foot[0], foot[1]),
            (along[0], along[1]),
            color="0.15",
            linestyle="-",
        )
    for c in (0, 1):
        ax.plot(
            *samples[right == c].T,
            linestyle="none",
            marker=_MARKERS[c],
            color=_COLOURS[c],
            markeredgecolor="0.15",
            markersize=10 if len(samples) < 10 else 5,
            label=f"y = {c}",
            zorder=3,
        )
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(3, integer=True))
    ax.grid(visible=False)
    return ax
