"""Saving: a model as one ``.npz`` file, its architecture in JSON and its numbers as arrays.

Nothing in the file is executed when it is read: pieces are made by their public constructors, which
check what they are given, and only classes of nnbook are looked up. (Python's ``pickle``, by
contrast, runs whatever a file tells it to.)

Counterpart: ``keras.saving``.
"""

import importlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbook.checks import Configured

VERSION = 1
"""Of the format; a file of a later version is refused."""

_MODULES = (
    "nnbook.activations",
    "nnbook.initializers",
    "nnbook.layers",
    "nnbook.losses",
    "nnbook.metrics",
    "nnbook.optimizers",
    "nnbook.regularizers",
    "nnbook.schedules",
)
_KEYS = {"module", "class_name", "config"}


def pack(piece: Any) -> Any:
    """Return a piece of nnbook as JSON can hold it, ``{"module", "class_name", "config"}``.

    Raises:
        TypeError: not a piece of nnbook, nor a number, text, list or None.
    """
    if isinstance(piece, Configured):
        kind = type(piece)
        if kind.__module__ not in _MODULES:
            raise TypeError(
                f"Only pieces of nnbook can be saved. Received {piece!r} of your class "
                f"{kind.__name__}. Save its weights instead: np.savez(path, *model.get_weights())."
            )
        return {
            "module": kind.__module__,
            "class_name": kind.__name__,
            "config": {k: pack(v) for k, v in piece.get_config().items()},
        }
    if isinstance(piece, list | tuple):
        return [pack(one) for one in piece]
    if piece is None or isinstance(piece, bool | int | float | str):
        return piece
    raise TypeError(
        f"Only pieces of nnbook can be saved. Received {piece!r} of type {type(piece).__name__}."
    )


def unpack(value: Any) -> Any:
    """Return what was given to `pack`.

    Raises:
        TypeError, ValueError: not something that `pack` returns.
    """
    if isinstance(value, list):
        return [unpack(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) != _KEYS or not isinstance(value["config"], dict):
        raise ValueError(f"expected {sorted(_KEYS)}, received {value}")
    name, kind_name = str(value["module"]), str(value["class_name"])
    if name in _MODULES:
        kind = vars(importlib.import_module(name)).get(kind_name)
        if isinstance(kind, type) and issubclass(kind, Configured):
            return kind(**{k: unpack(v) for k, v in value["config"].items()})
    raise ValueError(f"nnbook has no {name}.{kind_name}")


def write(
    path: str | os.PathLike[str],
    architecture: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
) -> None:
    """Write both to one file, all of it or nothing: an older file stays until the new is whole.

    Raises:
        ValueError: ``path`` does not end in ``.npz``.
        OSError: it cannot be written.
    """
    import json  # here, because few who import nnbook save a model

    target = Path(os.path.realpath(path))
    if target.suffix != ".npz":
        raise ValueError(
            f"path must end in '.npz'. Received {os.fspath(path)!r}."
        )
    text = json.dumps({"format": "nnbook", "version": VERSION, **architecture})
    # beside it, because only within a folder can a file take another's place at once
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            everything: dict[str, Any] = {"architecture": np.array(text)}
            np.savez(file, **everything | dict(arrays))
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def refusing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever a damaged file makes its readers raise into one clear ValueError."""
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"Expected a file that model.save has written. {os.fspath(path)!r} cannot be read as "
            f"one ({reason}). Save the model again, or take another file."
        ) from error


def read(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what `write` was given.

    Raises:
        OSError: there is no such file.
        ValueError: it was not written by `write`, or is damaged.
    """
    import json

    data = io.BytesIO(Path(path).read_bytes())
    with refusing(path):
        with np.load(data, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        architecture = json.loads(arrays.pop("architecture").item())
        if architecture.pop("format") != "nnbook":
            raise ValueError("it has another format")
        version = architecture.pop("version")
        if version != VERSION:
            raise ValueError(
                f"its format has version {version}, this nnbook reads {VERSION}; update nnbook"
            )
    return architecture, arrays
