"""The environment in which a notebook runs: the same for the check and for the author's command."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.verify import no_network

# TensorFlow writes log lines to stderr unless both are set before its import; without oneDNN its
# float32 results do not depend on the processor. The book runs on the CPU everywhere.
TENSORFLOW = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "",
}


def quiet_tensorflow() -> None:
    """Set TensorFlow's environment, unless the caller has set it."""
    for name, value in TENSORFLOW.items():
        os.environ.setdefault(name, value)


@functools.cache
def _ipython_folder() -> str:
    """An IPython folder for the kernels of this process; it hides the start-up files of the user.

    Its one configuration file is the network guard; without a history nothing else is written.
    """
    folder = tempfile.mkdtemp(prefix="nnbook-ipython-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    profile = Path(folder) / "profile_default"
    profile.mkdir()
    guard = Path(no_network.__file__).read_text(encoding="utf-8")
    (profile / "ipython_kernel_config.py").write_text(
        f"{guard}\n\nget_config().HistoryManager.enabled = False\n", encoding="utf-8"
    )
    return folder


@contextmanager
def kernel_environment() -> Iterator[None]:
    """While active, a kernel that starts has no network and no settings of its user.

    `PYTEST_CURRENT_TEST` is hidden, because with it ipykernel does not capture what C code writes
    to stderr, and stderr must be seen to be checked.
    """
    quiet_tensorflow()
    saved = {name: os.environ.get(name) for name in ("IPYTHONDIR", "PYTEST_CURRENT_TEST")}
    os.environ["IPYTHONDIR"] = _ipython_folder()
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
