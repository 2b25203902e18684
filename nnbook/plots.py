"""Plots: the figures of the book. Needs matplotlib, so it is imported on demand.

Figures are SVG with a clear background and dark ink; the pages turn the ink light in dark mode. The
colours are Okabe and Ito's, which colour-blind readers can tell apart; line styles and markers say
the same again.
"""

from collections.abc import Mapping, Sequence
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
    light = table.max() * 1.6  # no shade too dark for the digits
    ax.imshow(table, cmap="Blues", vmin=0, vmax=light)
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
        # half white, so that the text is legible in dark mode too
        fill = (np.array(to_rgb(colour)) + 1) / 2
        ax.scatter(xs, ys, s=1900, color=[fill], edgecolor="0.15", zorder=2)
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
    radius = 23  # points
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
                part = 0.5 if start[1] == end[1] else 0.36
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
                    fontsize=11,
                )
    for places, texts in zip(at, columns, strict=True):
        for (x, y), text in zip(places, texts, strict=True):
            ax.scatter(
                x, y, s=(2 * radius) ** 2, color=SKY, alpha=0.35, linewidth=0
            )
            ax.text(x, y, text, ha="center", va="center", fontsize=11)
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
