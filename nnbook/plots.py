"""Plots: the figures of the book. Needs matplotlib, so it is imported on demand.

Figures are SVG with a clear background and dark ink; the pages turn the ink light in dark mode. The
colours are Okabe and Ito's, which colour-blind readers can tell apart; line styles and markers say
the same again.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
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
    slopes are those that training uses: ``vjp`` of the output.
    """
    z = np.linspace(-reach, reach, 401)
    pairs = np.stack([z, np.zeros_like(z)], axis=1)
    first = np.zeros_like(pairs)
    first[:, 0] = 1
    for ax, (name, f) in zip(axes, activations._KNOWN.items(), strict=True):
        row = pairs if name == "softmax" else z[:, None]
        a = f(row)
        slope = f.vjp(a, first[:, : a.shape[1]])
        ax.plot(z, a[:, 0], label="f(z)")
        ax.plot(z, slope[:, 0], label="slope")
        ax.set_title(f"{name}(z, 0)" if name == "softmax" else name)
    axes[0].legend(fontsize=11)


def loss_gallery(errors: Axes, probabilities: Axes) -> None:
    """Draw the losses of one output: over its error, and over the probability ``a``."""
    e = np.linspace(-3, 3, 301)
    zero = np.zeros(1)
    for label, loss in (
        ("squared", losses.MeanSquaredError()),
        ("absolute", losses.MeanAbsoluteError()),
        ("Huber", losses.Huber()),
    ):
        errors.plot(e, [loss(zero, one[None]) for one in e], label=label)
    errors.set(xlabel="error a - y", ylabel="loss", ylim=(-0.2, 4.5))
    errors.legend(loc="upper center")
    a = np.linspace(0.005, 0.995, 199)
    cross_entropy = losses.BinaryCrossentropy()
    for y in (1.0, 0.0):
        values = [cross_entropy(np.array([y]), one[None]) for one in a]
        probabilities.plot(a, values, label=f"y = {y:.0f}")
    probabilities.set(xlabel="output a", ylabel="binary cross-entropy")
    probabilities.legend(loc="upper center")
