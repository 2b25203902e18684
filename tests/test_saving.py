"""Files: what is saved comes back, and a bad file or a crash costs nothing."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, losses, metrics, optimizers, saving
from nnbook.activations import ELU, LeakyReLU
from nnbook.initializers import Constant, HeNormal, RandomUniform
from nnbook.layers import Activation, Dense, Dropout, Flatten
from nnbook.losses import BinaryCrossentropy, Huber
from nnbook.models import load_model
from nnbook.optimizers import SGD, Adam, AdamW
from nnbook.regularizers import L1L2
from nnbook.schedules import CosineDecay, PiecewiseConstantDecay

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 2, 3))
Y = RNG.normal(size=(20, 2))


def model_of_everything(dtype: str = "float64") -> Sequential:
    """Return a compiled model with a setting of every kind, none of them the default."""
    model = Sequential(
        [
            Input(shape=(2, 3)),
            Flatten(),
            Dense(4, ELU(0.5), kernel_initializer=RandomUniform(-1, 1), bias_initializer="ones"),
            Dropout(0.25, seed=3),
            Dense(3, LeakyReLU(0.25), use_bias=False, kernel_regularizer=L1L2(0.1, 0.2)),
            Activation("tanh", name="bend"),
            Dense(2, kernel_initializer=HeNormal(seed=1), bias_initializer=Constant(0.5)),
        ],
        name="all",
        seed=1,
        dtype=dtype,
    )
    schedule = PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01])
    model.compile(
        AdamW(schedule, weight_decay=0.125, beta_1=0.8, global_clipnorm=2.0),
        Huber(0.5),
        metrics=["mae", metrics.MeanSquaredError("squares")],
    )
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loaded_model_is_the_same(tmp_path: Path, dtype: str) -> None:
    model = model_of_everything(dtype)
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.get_config() == model.get_config()
    assert loaded.dtype == model.dtype
    np.testing.assert_array_equal(loaded.theta, model.theta)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    for piece in ("optimizer", "loss"):
        assert saving.pack(getattr(loaded, piece)) == saving.pack(getattr(model, piece))
    assert list(loaded.metrics) == list(model.metrics) == ["mae", "squares"]
    assert loaded.optimizer.iterations == model.optimizer.iterations == 2


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.1, momentum=0.5, nesterov=True),
        optimizers.RMSprop(0.01, momentum=0.5),
        optimizers.Adagrad(0.1, initial_accumulator_value=0.5),
        Adam(CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=2)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_training_goes_on_as_if_it_had_not_stopped(
    tmp_path: Path, optimizer: optimizers.Optimizer
) -> None:
    model = Sequential([Input((2,)), Dense(3, "tanh"), Dense(2)], seed=0, dtype="float64")
    model.compile(copy.deepcopy(optimizer), "mse")
    model.fit(Y, Y, epochs=2, shuffle=False, batch_size=8, verbose=0)
    model.save(tmp_path / "half.npz")
    loaded = load_model(tmp_path / "half.npz")
    for one in (model, loaded):
        one.fit(Y, Y, epochs=3, shuffle=False, batch_size=8, verbose=0)
    np.testing.assert_array_equal(loaded.theta, model.theta)


def test_a_model_that_was_not_compiled_or_trained(tmp_path: Path) -> None:
    model = Sequential([Input((2,)), Dense(1)], seed=0)
    model.save(tmp_path / "m.npz")
    assert not load_model(tmp_path / "m.npz").compiled
    model.compile("adam", "mse", metrics=["accuracy"])
    model.save(tmp_path / "m.npz")
    loaded = load_model(tmp_path / "m.npz")
    assert loaded.compiled
    assert loaded.optimizer.iterations == 0
    assert isinstance(loaded.optimizer, Adam)
    assert list(loaded.metrics) == ["accuracy"]
    loaded.fit(Y, Y[:, :1], verbose=0)


def test_a_diverged_model_can_be_saved(tmp_path: Path) -> None:
    model = Sequential([Input((2,)), Dense(1)], seed=0)
    model.theta[:] = np.nan
    model.save(tmp_path / "m.npz")
    assert np.isnan(load_model(tmp_path / "m.npz").theta).all()


def test_config_makes_the_same_architecture_with_new_weights() -> None:
    model = model_of_everything()
    config = json.loads(json.dumps(model.get_config()))
    again, other = Sequential.from_config(config, seed=1), Sequential.from_config(config, seed=2)
    assert again.get_config() == other.get_config() == model.get_config()
    np.testing.assert_array_equal(again.theta, model.theta)
    assert (other.theta != model.theta).any()
    waiting = Sequential([Dense(3), Dense(1)])
    assert not Sequential.from_config(waiting.get_config()).built


def test_what_stands_in_a_file(tmp_path: Path) -> None:
    """Word by word: files of this version must stay readable."""

    def piece(module: str, kind: str, /, **config: Any) -> dict[str, Any]:
        return {"module": f"nnbook.{module}", "class_name": kind, "config": config}

    model = Sequential([Input((2,)), Dense(1, use_bias=False)], seed=0)
    model.compile("adam", "mse", metrics=["accuracy", "mae"])
    architectures = []
    for name in ("new", "trained"):
        model.save(tmp_path / f"{name}.npz")
        with np.load(tmp_path / f"{name}.npz", allow_pickle=False) as archive:
            architectures.append(json.loads(archive["architecture"].item()))
            arrays = {key: archive[key].tolist() for key in archive.files if key != "architecture"}
        model.train_on_batch([[1, 2]], [[3]])
    new, trained = architectures
    assert new == {
        "format": "nnbook",
        "version": saving.VERSION,
        "model": model.get_config(),
        "compile": {
            "optimizer": piece(
                "optimizers",
                "Adam",
                learning_rate=0.001,
                weight_decay=None,
                clipvalue=None,
                global_clipnorm=None,
                beta_1=0.9,
                beta_2=0.999,
                epsilon=1e-7,
            ),
            "loss": piece("losses", "MeanSquaredError"),
            "metrics": ["accuracy", piece("metrics", "MeanAbsoluteError", name="mae")],
        },
        "iterations": None,
    }
    assert trained == new | {"iterations": 1}
    assert list(arrays) == ["theta", "optimizer_0", "optimizer_1"]
    assert [len(values) for values in arrays.values()] == [2, 2, 2]
    waiting = Sequential([Input((2,)), Dense(1)])
    waiting.save(tmp_path / "waiting.npz")
    with np.load(tmp_path / "waiting.npz", allow_pickle=False) as archive:
        assert archive.files == ["architecture", "theta"]
        assert json.loads(archive["architecture"].item())["compile"] is None


def test_the_file_needs_no_pickle(tmp_path: Path) -> None:
    model_of_everything().save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"architecture", "theta"}
        assert json.loads(archive["architecture"].item())["version"] == saving.VERSION


class MyLoss(BinaryCrossentropy):
    """Not nnbook's."""


def test_what_cannot_be_saved_is_said_before_a_file_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    path.write_bytes(b"precious")
    model = Sequential([Input((2,)), Dense(1, "sigmoid")])
    model.compile("sgd", MyLoss())
    with pytest.raises(TypeError, match=r"Only pieces of nnbook can be saved.*MyLoss"):
        model.save(path)
    with pytest.raises(ValueError, match=r"must end in '.npz'. Received .*m.h5"):
        Sequential([Input((2,)), Dense(1)]).save(tmp_path / "m.h5")
    with pytest.raises(RuntimeError, match="no weights to save yet"):
        Sequential([Dense(1)]).save(path)
    with pytest.raises(TypeError, match=r"Received .* of type set"):
        saving.pack({1})
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


# --- bad files --------------------------------------------------------------------------------


def rewritten(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Change what the file holds: its architecture and its arrays."""
    with np.load(path) as archive:
        arrays: dict[str, Any] = dict(archive)
    architecture = json.loads(arrays.pop("architecture").item())
    change(architecture, arrays)
    np.savez(path, **{"architecture": np.array(json.dumps(architecture)), **arrays})


def settings(architecture: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = architecture["model"]["layers"][1]
    return found


TAMPERED: dict[str, Callable[[dict[str, Any], dict[str, Any]], object]] = {
    "a later version": lambda a, _: a.update(version=saving.VERSION + 1),
    "another format": lambda a, _: a.update(format="other"),
    "no model": lambda a, _: a.pop("model"),
    "no layers": lambda a, _: a["model"].update(layers=[]),
    "no compile": lambda a, _: a.pop("compile"),
    "an unknown class": lambda a, _: settings(a).update(class_name="Convolution"),
    "a class of another library": lambda a, _: settings(a).update(module="os", class_name="system"),
    "something that is no piece": lambda a, _: settings(a).update(class_name="Input"),
    "a hidden class": lambda a, _: settings(a).update(class_name="_Mapping"),
    "a module": lambda a, _: settings(a).update(class_name="activations"),
    "one key too many": lambda a, _: settings(a).update(more=1),
    "a setting too many": lambda a, _: settings(a)["config"].update(more=1),
    "a setting missing": lambda a, _: settings(a)["config"].pop("units"),
    "a wrong setting": lambda a, _: settings(a)["config"].update(units=-1),
    "other units": lambda a, _: settings(a)["config"].update(units=7),
    "text for steps": lambda a, _: a.update(iterations="2"),
    "steps below 0": lambda a, _: a.update(iterations=-1),
    "another dtype": lambda a, _: a["model"].update(dtype="float32"),
    "weights too short": lambda _, arrays: arrays.update(theta=arrays["theta"][1:]),
    "weights of text": lambda _, arrays: arrays.update(theta=arrays["theta"].astype(str)),
    "no weights": lambda _, arrays: arrays.pop("theta"),
    "an array too many": lambda _, arrays: arrays.update(more=np.zeros(3)),
    "a memory missing": lambda _, arrays: arrays.pop("optimizer_1"),
}


def refused(path: Path) -> None:
    """Loading must fail in one way: a ValueError that names the file and what to do."""
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"Expected a file that model.save has written") as caught:
        load_model(path)
    assert repr(str(path)) in str(caught.value)
    assert "Save the model again" in str(caught.value)
    assert path.read_bytes() == before


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model = model_of_everything()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.npz")
    return tmp_path / "m.npz"


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_file_is_refused(saved: Path, how: str) -> None:
    def change(architecture: dict[str, Any], arrays: dict[str, Any]) -> None:
        TAMPERED[how](architecture, arrays)

    rewritten(saved, lambda *_: None)
    load_model(saved)  # it is the change that is refused
    rewritten(saved, change)
    refused(saved)


def test_a_module_of_the_same_name_is_not_run(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "losses.py").write_text("raise SystemExit('run by a file')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    rewritten(saved, lambda a, _: settings(a).update(module="losses"))
    refused(saved)


def test_a_later_version_says_so(saved: Path) -> None:
    rewritten(saved, lambda a, _: a.update(version=saving.VERSION + 1))
    with pytest.raises(ValueError, match=r"version 2, this nnbook reads 1; update nnbook"):
        load_model(saved)


def test_wrong_arrays_say_which_were_expected(saved: Path) -> None:
    rewritten(saved, lambda _, arrays: arrays.update(theta=arrays["theta"][1:]))
    theta = model_of_everything().theta
    said = [
        re.escape(f"{{'theta': (({n},), dtype('float64'))") for n in (theta.size, theta.size - 1)
    ]
    with pytest.raises(ValueError, match=f"expected arrays {said[0]}.*, received {said[1]}"):
        load_model(saved)


def test_wrong_steps_say_what_is_wrong(saved: Path) -> None:
    rewritten(saved, lambda a, _: a.update(iterations=-1))
    with pytest.raises(ValueError, match=r"iterations must be at least 0\. Received -1"):
        load_model(saved)
    rewritten(saved, lambda a, _: a.update(iterations="2"))
    with pytest.raises(ValueError, match=r"iterations must be an integer\. Received '2'"):
        load_model(saved)


def test_truncated_and_foreign_files_are_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        refused(saved)
    middle = len(whole) // 2
    saved.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    refused(saved)
    for foreign in (b"\x89HDF\r\n", b"PK\x03\x04 no zip", b"{}"):
        saved.write_bytes(foreign)
        refused(saved)
    np.savez(saved, theta=np.zeros(3))
    refused(saved)
    with saved.open("wb") as file:
        np.save(file, np.zeros(3))
    refused(saved)
    np.savez(saved, architecture=np.array([{}], dtype=object))  # a pickle inside
    refused(saved)
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("architecture.npy", "nothing")
    refused(saved)
    with pytest.raises(FileNotFoundError):
        load_model(saved.with_name("none.npz"))


# --- crashes ----------------------------------------------------------------------------------

CRASH = """
import os, signal, sys
from pathlib import Path
import numpy as np
from nnbook import Input, Sequential
from nnbook.layers import Dense

def kill(*_): os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[2]
if where == "writing":
    real = np.savez
    def savez(file, **arrays):
        file.write(b"half of it")
        file.flush()
        kill()
    np.savez = savez
elif where == "flushing":
    os.fsync = kill
else:
    Path.replace = kill
model = Sequential([Input((5,)), Dense(3)], seed=1)
model.save(sys.argv[1])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("where", ["writing", "flushing", "replacing"])
def test_a_crash_in_the_middle_of_a_save_leaves_the_old_file(saved: Path, where: str) -> None:
    before = saved.read_bytes()
    run = subprocess.run([sys.executable, "-c", CRASH, str(saved), where], check=False)
    assert run.returncode == -signal.SIGKILL
    assert saved.read_bytes() == before
    assert load_model(saved).name == "all"
    model = Sequential([Input((5,)), Dense(3)], seed=1)
    model.save(saved)  # what the crash left does not disturb the next save
    np.testing.assert_array_equal(load_model(saved).theta, model.theta)


def test_a_failed_save_leaves_nothing_behind(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        model_of_everything().save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_new_save_replaces_the_old_file_and_follows_a_link(saved: Path) -> None:
    link = saved.with_name("link.npz")
    link.symlink_to(saved)
    model = Sequential([Input((1,)), Dense(1)], seed=0)
    model.compile("sgd", losses.MeanSquaredError())
    model.save(str(link))
    assert link.is_symlink()
    np.testing.assert_array_equal(load_model(saved).theta, model.theta)
