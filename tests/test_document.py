"""The document's program (sections 4.1 to 4.4), as it is and with only its import lines changed."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from nnbook.layers import INPUT_DIM_WARNING
from tests.keras_side import keras

PROGRAM = """\
import numpy as np
import tensorflow as tf
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense

model = Sequential()
model.add(Dense(10, input_dim=8, activation='relu'))
model.add(Dense(1, activation='sigmoid'))

model.compile(optimizer='adam', loss='binary_crossentropy', metrics=['accuracy'])

x_train = np.random.rand(1000, 8)
y_train = np.random.rand(1000, 1)

batch_size = 32
epochs = 10

model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs)
"""

NNBOOK_IMPORTS = {
    "import tensorflow as tf": "import nnbook",
    "from tensorflow.keras.models import Sequential": "from nnbook.models import Sequential",
    "from tensorflow.keras.layers import Dense": "from nnbook.layers import Dense",
}


def with_nnbook() -> str:
    """Return the program with the lines of `NNBOOK_IMPORTS` exchanged."""
    return "\n".join(NNBOOK_IMPORTS.get(line, line) for line in PROGRAM.split("\n"))


def run(program: str) -> tuple[dict[str, Any], list[str]]:
    """Run a program; return its names and the texts of the warnings it gave."""
    names: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(program, "<the document>", "exec"), names)  # noqa: S102
    return names, [str(warning.message) for warning in caught]


def fix_randomness(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Make the run repeatable: the program itself sets no seed."""
    keras().utils.set_random_seed(seed)
    real = np.random.SeedSequence

    def seeded(entropy: Any = None, **options: Any) -> np.random.SeedSequence:
        return real(seed if entropy is None else entropy, **options)

    monkeypatch.setattr(np.random, "SeedSequence", seeded)


def test_only_import_lines_are_changed() -> None:
    before, after = PROGRAM.split("\n"), with_nnbook().split("\n")
    differing = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert differing == list(NNBOOK_IMPORTS.items())
    assert all(line.startswith(("import ", "from ")) for pair in differing for line in pair)
    assert "tensorflow" not in with_nnbook()


@pytest.mark.parametrize("side", ["tensorflow.keras", "nnbook"])
def test_the_program_runs_and_learns_nothing(
    side: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fix_randomness(monkeypatch, seed=0)
    names, warned = run(PROGRAM if side == "tensorflow.keras" else with_nnbook())
    assert type(names["model"]).__module__.split(".")[0] == side.split(".")[-1]
    assert warned == [INPUT_DIM_WARNING]

    history = names["model"].history
    assert history.epoch == list(range(10))
    assert list(history.history) == ["accuracy", "loss"]
    assert history.history["accuracy"] == [0.0] * 10
    loss = history.history["loss"]
    assert loss[0] > loss[-1]
    assert abs(loss[-1] - math.log(2)) < min(0.01, abs(loss[0] - math.log(2)))

    out, err = capfd.readouterr()
    assert err == ""
    for epoch in range(10):
        assert f"Epoch {epoch + 1}/10" in out
        assert f"accuracy: 0.0000e+00 - loss: {loss[epoch]:.4f}" in out
    assert "32/32" in out


def test_both_print_the_same_numbers_from_the_same_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step of the program again, for both, from copied weights without shuffling."""
    fix_randomness(monkeypatch, seed=0)
    ours, theirs = run(with_nnbook())[0], run(PROGRAM)[0]
    ours["model"].set_weights(theirs["model"].get_weights())
    for names in (ours, theirs):
        names["model"].compile("adam", "binary_crossentropy", metrics=["accuracy"])
    settings: dict[str, Any] = {"batch_size": 32, "epochs": 10, "shuffle": False, "verbose": 0}
    x, y = theirs["x_train"], theirs["y_train"]
    a, b = (names["model"].fit(x, y, **settings).history for names in (ours, theirs))
    for key in ("accuracy", "loss"):
        np.testing.assert_allclose(a[key], b[key], rtol=0, atol=1e-5)
