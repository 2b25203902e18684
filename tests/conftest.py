"""What holds for all tests. The notebooks' plugin is loaded in pyproject.toml (see its addopts)."""

from __future__ import annotations

from tests.verify.kernel import quiet_tensorflow
from tests.verify.no_network import forbid_network

quiet_tensorflow()  # before any test module imports it
forbid_network()
