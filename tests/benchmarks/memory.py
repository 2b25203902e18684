"""Measure what ``import nnbook`` costs, and the peak memory of ``fit``, each beside its bound.

``python -m tests.benchmarks.memory``; exit code 1 where a bound is missed. Import time: fresh
processes in turns, the median of eleven. Memory: as NumPy tells tracemalloc.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tracemalloc

import numpy as np

from nnbook import Input, Sequential
from nnbook.layers import Dense
from tests.benchmarks.numbers import line

IMPORT_BOUND = 0.05  # seconds more than NumPy's
TIMED = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def imports() -> bool:
    """Measure ``import nnbook`` beside ``import numpy``."""
    took: dict[str, list[float]] = {"numpy": [], "nnbook": []}
    for _ in range(11):
        for name, times in took.items():
            command = [sys.executable, "-c", TIMED.format(name)]
            times.append(float(subprocess.run(command, capture_output=True, check=True).stdout))
    more = statistics.median(took["nnbook"]) - statistics.median(took["numpy"])
    what = "import nnbook, beside import numpy"
    return line(what, f"{more:.3f} s more", f"{IMPORT_BOUND} s", more <= IMPORT_BOUND)


def fit(n: int, features: int, width: int, classes: int = 10) -> bool:
    """Measure the peak memory of ``fit`` beside data + one epoch's buffer + 6 x parameters.

    An epoch's buffer holds samples and targets in their order, and the outputs.
    """
    rng = np.random.default_rng(0)
    tracemalloc.start()
    x = rng.random((n, features), dtype=np.float32)
    y = rng.integers(0, classes, (n, 1)).astype(np.float32)
    model = Sequential([Input((features,)), Dense(width, "relu"), Dense(classes, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=128, verbose=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    data = x.nbytes + y.nbytes
    bound = data + (data + n * classes * 4) + 6 * model.theta.nbytes
    what = f"Peak memory of fit, {n} samples, {features}-{width}-{classes}"
    share = f"{peak / 1e6:.1f} MB, {peak / bound:.2f} of the bound"
    return line(what, share, f"{bound / 1e6:.1f} MB", peak <= bound)


def main() -> int:
    """Print all; return the exit code."""
    met = [imports(), fit(60_000, 784, 128), fit(200_000, 8, 10), fit(1000, 784, 2048)]
    print(f"\n{sum(met)} of {len(met)} bounds met.")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
