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
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

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
