"""Measure how the cost of a step grows with the network and the batch, beside Keras.

``python -m tests.benchmarks.growth`` measures, writes ``growth.json`` beside this file and draws
``build/growth.svg``; ``--draw`` only draws. Chapter 12 is to read the data file.

The network is 64-w-w-10, ReLU, softmax, Adam, float32, accuracy on. Time is that of a ``fit`` of
one epoch divided by its steps, everything included; median of five, in turns, after a warm-up.
Memory is the most that nnbook's ``fit`` allocates beside the samples, as NumPy tells tracemalloc;
the model's own parameters are not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np

from nnbook import Input, Sequential, keras_bridge, plots
from nnbook.layers import Dense
from tests.benchmarks.numbers import seconds

DATA = Path(__file__).with_suffix(".json")
PLOT = Path(__file__).parents[2] / "build" / "growth.svg"
WIDTHS = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
BATCHES = [1, 4, 16, 64, 256, 1024, 4096]
USUAL_WIDTH, USUAL_BATCH = 128, 32
FEATURES, CLASSES = 64, 10
CONTENDERS = {
    "nnbook": "nnbook",
    "Keras": "Keras, as it comes",
    "Keras, best": "Keras, an epoch an execution, compiled",
}


def model_of(width: int) -> Sequential:
    """Return the network, compiled."""
    hidden = [Dense(width, "relu"), Dense(width, "relu")]
    model = Sequential([Input((FEATURES,)), *hidden, Dense(CLASSES, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def measure(width: int, batch: int) -> dict[str, Any]:
    """Return the microseconds of a step for each contender, and nnbook's memory in megabytes."""
    work = 6 * batch * (FEATURES * width + width * width)  # operations of a step, about
    steps = int(np.clip(2e9 / (work + 12 * width * width), 6, 300))
    rng = np.random.default_rng(0)
    x = rng.random((steps * batch, FEATURES), dtype=np.float32)
    y = rng.integers(0, CLASSES, len(x)).astype(np.float32)[:, None]
    settings: dict[str, Any] = {"batch_size": batch, "verbose": 0}
    model = model_of(width)
    twin, best = keras_bridge.to_keras(model), keras_bridge.to_keras(model)
    best.compile(
        "adam",
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps,
        jit_compile=True,
    )
    runs = zip(CONTENDERS, (model, twin, best), strict=True)
    took = seconds({name: lambda one=one: one.fit(x, y, **settings) for name, one in runs})  # type: ignore[misc]
    fresh = model_of(width)
    tracemalloc.start()
    fresh.fit(x, y, **settings)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "width": width,
        "batch": batch,
        "microseconds": {name: float(f"{t / steps * 1e6:.3g}") for name, t in took.items()},
        "megabytes": float(f"{peak / 1e6:.3g}"),
    }


def crossover(rows: list[dict[str, Any]], axis: str, other: str) -> float | None:
    """Return where nnbook's step begins to cost more than the other's, or None: nowhere measured.

    Between two measured points both costs are taken as straight lines in logarithms. Only the last
    crossing counts: from there on the other is faster.
    """
    at = np.log([row[axis] for row in rows])
    gap = np.log(
        [row["microseconds"]["nnbook"] / row["microseconds"][other] for row in rows]
    )  # above 0: nnbook takes longer
    if gap[-1] <= 0:
        return None
    before = np.flatnonzero(gap <= 0)
    if len(before) == 0:
        return float(rows[0][axis])
    i = before[-1]
    share = gap[i] / (gap[i] - gap[i + 1])
    return float(np.exp(at[i] + share * (at[i + 1] - at[i])))


def draw(found: dict[str, Any]) -> Any:
    """Return a figure of both curves of the data file."""
    import matplotlib.pyplot as plt

    plots.use_style()
    figure, panels = plt.subplots(4, 1, figsize=(5.2, 10.4), height_ratios=[3, 2, 3, 2])
    for (axis, label), time, memory in zip(
        (("width", "neurons in a hidden layer"), ("batch", "samples in a batch")),
        panels[::2],
        panels[1::2],
        strict=True,
    ):
        rows = found[axis]
        at = [row[axis] for row in rows]
        for (name, text), marker in zip(CONTENDERS.items(), "os^", strict=True):
            costs = [row["microseconds"][name] for row in rows]
            time.plot(at, costs, label=text, marker=marker, markersize=5)
        for name, style in (("Keras", (0, (4, 2))), ("Keras, best", ":")):
            where = found["crossover"][axis][name]
            if where is not None:
                time.axvline(where, color="0.5", linewidth=1.5, linestyle=style, zorder=0)
        time.set(xscale="log", yscale="log", ylabel="microseconds a step")
        memory.plot(at, [row["megabytes"] for row in rows], marker="o", markersize=5)
        memory.set(xscale="log", yscale="log", xlabel=label, ylabel="megabytes")
        for panel in (time, memory):
            panel.set_xticks(at, [str(value) for value in at], rotation=45, fontsize=11)
            panel.minorticks_off()
    lines, labels = panels[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside upper left", fontsize=11)
    return figure


def main() -> None:
    """Measure if asked, draw, and say where Keras overtakes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    if not parser.parse_args().draw:
        keras = keras_bridge.import_keras()
        found: dict[str, Any] = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors",
            "versions": {"numpy": np.__version__, "keras": keras.__version__},
            "width": [measure(width, USUAL_BATCH) for width in WIDTHS],
            "batch": [measure(USUAL_WIDTH, batch) for batch in BATCHES],
        }
        found["crossover"] = {
            axis: {
                name: None if (at := crossover(found[axis], axis, name)) is None else round(at)
                for name in ("Keras", "Keras, best")
            }
            for axis in ("width", "batch")
        }
        DATA.write_text(json.dumps(found, indent=1) + "\n")
    found = json.loads(DATA.read_text())
    PLOT.parent.mkdir(exist_ok=True)
    draw(found).savefig(PLOT)
    for axis in ("width", "batch"):
        for row in found[axis]:
            costs = ", ".join(f"{name} {us:g}" for name, us in row["microseconds"].items())
            print(f"{axis} {row[axis]}: {costs} microseconds; {row['megabytes']:g} MB")
        for name, where in found["crossover"][axis].items():
            last = found[axis][-1][axis]
            print(f"{name} overtakes at {axis} {where or f'above {last}: not up to there'}")


if __name__ == "__main__":
    main()
