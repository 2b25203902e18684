"""Print every number that the README claims, measured now: ``python -m tests.benchmarks.numbers``.

Each line says what was measured, the result, the bound and whether it is met; the exit code is 1
where one is not.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from nnbook import keras_bridge
from tests.benchmarks import measure

REPEATS = 5
FASTER_BOUND = 40


def line(what: str, measured: str, bound: str, met: bool) -> bool:
    """Print one result; return whether its bound is met."""
    print(f"{what}: {measured}; bound: {bound}; {'met' if met else 'NOT MET'}", flush=True)
    return met


def below(what: str, value: float, bound: float) -> bool:
    """Print a number that must be below its bound."""
    return line(what, f"{value:.1e}", f"below {bound:.0e}", value < bound)


def gradients() -> list[bool]:
    """Measure the back-propagated gradient against central differences."""
    what = "Gradient of the document's model against central differences, float64, error / norm"
    return [below(what, measure.gradient_error(), measure.GRADIENT_BOUND)]


def parity() -> list[bool]:
    """Measure training beside Keras."""
    print(f"\n{measure.EPOCHS} epochs beside Keras, float64, same weights, same order of samples:")
    met, logs = [], []
    for race in measure.RACES:
        weights, difference = measure.run(race)
        met.append(below(f"  largest difference of a weight, {race.name}", weights, race.bound))
        logs.append(difference)
    what = "  largest difference of an epoch's loss or accuracy, all of these"
    return [*met, below(what, max(logs), measure.LOGS_BOUND)]


def seconds(jobs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median time of each job; they take turns, after one warm-up each."""
    for job in jobs.values():
        job()
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(REPEATS):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def speed() -> list[bool]:
    """Measure ``fit`` on the document's job, float32, beside Keras and scikit-learn."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    x, y = (values.astype(np.float32) for values in measure.document_data())
    model = measure.document_model(dtype="float32")
    twin = keras_bridge.to_keras(model)
    settings: dict[str, Any] = {
        "batch_size": measure.BATCH_SIZE,
        "epochs": measure.EPOCHS,
        "verbose": 0,
    }
    classes = (y[:, 0] > 0.5).astype(int)

    def scikit_learn() -> None:
        mlp = MLPClassifier(10, batch_size=measure.BATCH_SIZE, max_iter=measure.EPOCHS, alpha=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # ten epochs are the job
            mlp.fit(x, classes)

    took = seconds(
        {
            "nnbook": lambda: model.fit(x, y, **settings),
            "Keras": lambda: twin.fit(x, y, **settings),
            "scikit-learn": scikit_learn,
        }
    )
    threads = ", ".join(
        f"{name}={os.environ[name]}"
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
        if name in os.environ
    )
    print(
        f"\nfit on the document's job: 1000 rows, batches of {measure.BATCH_SIZE}, "
        f"{measure.EPOCHS} epochs, Adam, accuracy, float32, verbose=0;\n"
        f"median of {REPEATS} after warm-up, in turns. {platform.machine()}, "
        f"{os.cpu_count()} processors, threads {threads or 'as the libraries choose'}."
    )
    for name in ("nnbook", "Keras"):
        print(f"  {name}: {took[name]:.4f} s")
    print(
        f"  scikit-learn MLPClassifier: {took['scikit-learn']:.4f} s (its labels must be classes, "
        "here y > 0.5; it measures no accuracy)"
    )
    ratio = took["Keras"] / took["nnbook"]
    what = "  nnbook is faster than Keras by the factor"
    return [line(what, f"{ratio:.0f}", f"at least {FASTER_BOUND}", ratio >= FASTER_BOUND)]


def main() -> int:
    """Print all numbers; return the exit code."""
    keras = keras_bridge.import_keras()
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, Keras {keras.__version__}\n"
    )
    met = [*gradients(), *parity(), *speed()]
    print(f"\n{sum(met)} of {len(met)} bounds met.")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
