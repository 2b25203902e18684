"""After a full test run in which everything passed, note it: the pages show when that was.

Loaded by `-p tests.verify.record`.
"""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from tests.verify.facts import RECORD, fingerprint

SHOWN_VERSIONS = ("numpy", "matplotlib", "tensorflow", "keras", "scikit-learn")


def write_record(passed: int, skipped: int) -> None:
    """Note that everything has just been verified, when, and with which versions."""
    RECORD.parent.mkdir(exist_ok=True)
    facts = {
        "fingerprint": fingerprint(),
        "date": datetime.now(UTC).date().isoformat(),
        "passed": passed,
        "skipped": skipped,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in SHOWN_VERSIONS},
    }
    RECORD.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def is_full(config: pytest.Config) -> bool:
    """Whether a run has everything: no path was named, and nothing left out."""
    options = ("keyword", "markexpr", "deselect", "lf", "failedfirst", "ignore", "ignore_glob")
    named = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return named and not any(config.getoption(option, None) for option in options)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """After a full run in which everything passed, write the record."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter is not None and is_full(session.config):
        passed, skipped = (len(reporter.stats.get(kind, [])) for kind in ("passed", "skipped"))
        write_record(passed, skipped)
