"""A plugin of pytest: records which test reaches which line of nnbook, and how long it takes.

What runs while a module of tests is read, or in a fixture that several tests share, counts for all
tests of that module; what runs while nnbook is imported counts for all tests.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import coverage
import hypothesis
import pytest

DATA = "NNBOOK_RECORDING"
"""The environment variable that names the folder for what is recorded."""

SECONDS = "seconds.json"

IMPORT, MODULE = "import", "module:"  # contexts; others are the ids of tests


class Recorder:
    """The hooks of pytest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}  # of the processor, by test
        self.context = IMPORT
        self.coverage = coverage.Coverage(
            data_file=folder / "coverage", branch=True, source=["nnbook"], config_file=False
        )
        self.coverage.set_option("run:relative_files", True)  # another copy may read it
        self.coverage.start()
        self.coverage.switch_context(IMPORT)
        package = importlib.import_module("nnbook")
        for module in pkgutil.iter_modules(package.__path__, "nnbook."):
            importlib.import_module(module.name)

    def switch(self, context: str) -> str:
        before, self.context = self.context, context
        self.coverage.switch_context(context)
        return before

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        before = self.switch(MODULE + collector.nodeid.partition("::")[0])
        try:
            return (yield)
        finally:
            self.switch(before)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        before, began = self.switch(item.nodeid), time.process_time()
        try:
            return (yield)
        finally:
            self.switch(before)
            self.seconds[item.nodeid] = round(time.process_time() - began, 3)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        shared = fixturedef.scope != "function"
        before = self.switch(
            MODULE + request.node.nodeid.partition("::")[0] if shared else self.context
        )
        try:
            return (yield)
        finally:
            self.switch(before)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        self.coverage.save()
        text = json.dumps(self.seconds)
        (self.folder / SECONDS).write_text(text, encoding="utf-8")


def steady() -> None:
    """Let hypothesis draw the same examples in every run, however slow the machine is."""
    hypothesis.settings.register_profile(
        "steady", derandomize=True, database=None, deadline=None, print_blob=False
    )
    hypothesis.settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    steady()
    config.pluginmanager.register(Recorder(Path(os.environ[DATA])))
