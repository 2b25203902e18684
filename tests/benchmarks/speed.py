"""Print how fast ``fit`` is beside other libraries: ``python -m tests.benchmarks.speed [JOB ...]``.

Three jobs, each with the metrics on. All contenders get the same samples, network, optimizer and
batches; they take turns, and the median of five runs after a warm-up counts. PyTorch takes part
where it is installed. Exit code 1 where a ratio misses its bound.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbook import Input, Sequential, keras_bridge
from nnbook.layers import Dense
from tests.benchmarks.numbers import line, seconds

Run = Callable[[], object]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Job:
    """A network, its data and its batches, and how many times faster nnbook has to be."""

    widths: tuple[int, int, int]
    n: int
    batch: int
    epochs: int
    bounds: dict[str, float]

    @property
    def binary(self) -> bool:
        """Whether there is one output, and so two classes."""
        return self.widths[-1] == 1

    @property
    def loss(self) -> str:
        """The loss, by Keras's name."""
        return "binary_crossentropy" if self.binary else "sparse_categorical_crossentropy"

    def data(self) -> tuple[Floats, NDArray[np.int64]]:
        """Return inputs and classes; what they say does not change how long a step takes."""
        rng = np.random.default_rng(0)
        x = rng.random((self.n, self.widths[0]), dtype=np.float32)
        return x, rng.integers(0, max(2, self.widths[-1]), self.n)


JOBS = {
    "document": Job((8, 10, 1), 1000, 32, 10, {"Keras": 40, "scikit-learn": 6, "PyTorch": 30}),
    "digits": Job((64, 64, 10), 1797, 32, 20, {"Keras": 20, "scikit-learn": 5, "PyTorch": 15}),
    "mnist": Job((784, 128, 10), 60_000, 128, 1, {"Keras": 3, "scikit-learn": 1.3, "PyTorch": 1.2}),
}
MATRIX_BOUND = 2.0  # fit on the largest job, beside its bare matrix products


def nnbook_model(job: Job) -> Sequential:
    """Return the job's network, compiled."""
    n_in, hidden, n_out = job.widths
    last = "sigmoid" if job.binary else "softmax"
    model = Sequential(
        [Input(shape=(n_in,)), Dense(hidden, activation="relu"), Dense(n_out, activation=last)]
    )
    model.compile(optimizer="adam", loss=job.loss, metrics=["accuracy"])
    return model


def contenders(job: Job) -> dict[str, Run]:
    """Return the runs of all libraries that are installed, by name."""
    x, classes = job.data()
    y = classes[:, None].astype(np.float32) if job.binary else classes
    settings: dict[str, Any] = {"batch_size": job.batch, "epochs": job.epochs, "verbose": 0}
    model = nnbook_model(job)
    twin = keras_bridge.to_keras(model)
    best = keras_bridge.to_keras(model)
    best.compile(
        optimizer="adam",
        loss=job.loss,
        metrics=["accuracy"],
        steps_per_execution=-(-job.n // job.batch),
        jit_compile=True,
    )
    runs: dict[str, Run] = {
        "nnbook": lambda: model.fit(x, y, **settings),
        "Keras": lambda: twin.fit(x, y, **settings),
        "Keras, an epoch an execution, compiled": lambda: best.fit(x, y, **settings),
        "scikit-learn": scikit_learn(job, x, classes),
    }
    if importlib.util.find_spec("torch") is not None:
        runs["PyTorch"] = pytorch(job, x, y, loader=True)
        runs["PyTorch, slices of tensors"] = pytorch(job, x, y, loader=False)
    return runs


def scikit_learn(job: Job, x: Floats, classes: NDArray[np.int64]) -> Run:
    """Return a run of scikit-learn's perceptron, which measures the loss but no accuracy."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    def run() -> None:
        mlp = MLPClassifier(
            job.widths[1], batch_size=job.batch, max_iter=job.epochs, alpha=0, n_iter_no_change=999
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs are the job
            mlp.fit(x, classes)

    return run


def pytorch(job: Job, x: Floats, y: Any, *, loader: bool) -> Run:
    """Return a plain training loop in PyTorch, with the epoch's loss and accuracy.

    With a DataLoader it is the loop of PyTorch's own tutorial; without, rows are taken by index,
    which is much faster on data this small.
    """
    import torch

    n_in, hidden, n_out = job.widths
    net = torch.nn.Sequential(
        torch.nn.Linear(n_in, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, n_out)
    )
    loss = torch.nn.BCEWithLogitsLoss() if job.binary else torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001, eps=1e-7)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    rows = torch.utils.data.TensorDataset(inputs, targets)
    data = torch.utils.data.DataLoader(rows, batch_size=job.batch, shuffle=True)

    def slices() -> Iterator[tuple[Any, Any]]:
        order = torch.randperm(job.n)
        for start in range(0, job.n, job.batch):
            some = order[start : start + job.batch]
            yield inputs[some], targets[some]

    history: list[tuple[float, float]] = []

    def run() -> None:
        for _ in range(job.epochs):
            right, total = torch.zeros(()), torch.zeros(())
            for xb, yb in data if loader else slices():
                optimizer.zero_grad()
                z = net(xb)
                value = loss(z, yb)
                value.backward()
                optimizer.step()
                with torch.no_grad():
                    total += value * len(xb)
                    answer = (z > 0).float() if job.binary else z.argmax(1)
                    right += (answer == yb).sum()
            history.append((total.item() / job.n, right.item() / job.n))

    return run


def matrix_products(job: Job) -> Run:
    """Return a run of nothing but the matrix products of the same steps, on the same samples."""
    _, hidden, n_out = job.widths
    rng = np.random.default_rng(0)
    x, _ = job.data()
    w1 = rng.random((job.widths[0], hidden), dtype=np.float32)
    w2 = rng.random((hidden, n_out), dtype=np.float32)
    gw1, gw2 = np.empty_like(w1), np.empty_like(w2)

    def run() -> None:
        for _ in range(job.epochs):
            for start in range(0, job.n, job.batch):
                rows = x[start : start + job.batch]
                a1 = np.matmul(rows, w1, out=a[: len(rows)])
                d2 = np.matmul(a1, w2, out=d[: len(rows)])
                np.matmul(a1.T, d2, out=gw2)
                g1 = np.matmul(d2, w2.T, out=g[: len(rows)])
                np.matmul(rows.T, g1, out=gw1)

    a, g = (np.empty((job.batch, hidden), np.float32) for _ in range(2))
    d = np.empty((job.batch, n_out), np.float32)
    return run


def measure(name: str) -> list[bool]:
    """Run a job with all contenders and print the ratios."""
    job = JOBS[name]
    runs = contenders(job)
    if name == "mnist":
        runs["the bare matrix products"] = matrix_products(job)
    took = seconds(runs)
    widths = "-".join(map(str, job.widths))
    print(f"\n{name}: {widths}, {job.n} rows, batches of {job.batch}, {job.epochs} epochs")
    met = []
    for other, time in took.items():
        if other == "nnbook":
            print(f"  nnbook: {time:.4f} s")
            continue
        ratio = time / took["nnbook"]
        bound = job.bounds.get(other)
        if other == "the bare matrix products":
            what = f"  nnbook's time in those of {other} ({time:.4f} s)"
            at_most = f"at most {MATRIX_BOUND}"
            met.append(line(what, f"{1 / ratio:.2f}", at_most, 1 / ratio <= MATRIX_BOUND))
        elif bound is None:
            print(f"  {other}: {time:.4f} s, {ratio:.1f} times nnbook's")
        else:
            what = f"  {other}: {time:.4f} s, times nnbook's"
            met.append(line(what, f"{ratio:.1f}", f"at least {bound}", ratio >= bound))
    return met


def main() -> int:
    """Measure the jobs named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"of {', '.join(JOBS)}")
    names = parser.parse_args().jobs or list(JOBS)
    keras = keras_bridge.import_keras()
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, threads as the libraries choose; "
        f"Python {platform.python_version()}, NumPy {np.__version__}, Keras {keras.__version__}"
    )
    met = [one for name in names for one in measure(name)]
    print(f"\n{sum(met)} of {len(met)} bounds met.")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
