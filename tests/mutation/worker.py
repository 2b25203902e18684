"""The process that is forked for each mutant: ``python -m tests.mutation.worker`` in a copy.

It imports what is slow to import, but nnbook, and takes jobs from stdin, a line of JSON each.
TensorFlow survives the fork because it has computed nothing yet.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.coverage import PLAIN
from tests.mutation import recording

SURVIVED, KILLED, TIMEOUT, BROKEN = "survived", "killed", "timeout", "broken"


# these were imported before the fork
EARLY = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")


class Chosen:
    """Of each file only the chosen tests, the quick ones first; remembers the one that failed."""

    def __init__(self, order: Mapping[str, int], known: frozenset[str]) -> None:
        self.order, self.known, self.failed = order, known, ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        # a test that is not known has a name that came with the mutant: it counts
        chosen = [i for i in items if i.nodeid in self.order or i.nodeid not in self.known]
        items[:] = sorted(chosen, key=lambda item: self.order.get(item.nodeid, -1))

    def pytest_exception_interact(self, node: Any) -> None:
        self.failed = self.failed or node.nodeid


def verdict(files: Sequence[Sequence[str]], known: frozenset[str]) -> tuple[str, str]:
    """Run the chosen tests file by file until one fails."""
    recording.steady()
    for tests in files:
        chosen = Chosen({test: i for i, test in enumerate(tests)}, known)
        code = pytest.main([*PLAIN, *EARLY, "-x", tests[0].partition("::")[0]], plugins=[chosen])
        if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
            return BROKEN, f"pytest could not run {tests[0]}: exit code {code}"
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return KILLED, chosen.failed
    return SURVIVED, ""


def try_one(job: dict[str, Any], known: frozenset[str]) -> tuple[str, str]:
    """Put the mutant in place, run its tests in a process of their own, and take it away again."""
    path = Path(job["module"])
    original, times = path.read_bytes(), path.stat()
    path.write_text(job["source"], encoding="utf-8")
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
    try:
        return _in_child(job, known)
    finally:
        path.write_bytes(original)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _in_child(job: dict[str, Any], known: frozenset[str]) -> tuple[str, str]:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        os.close(read)
        sink = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        try:
            result = verdict(job["files"], known)
        except BaseException:  # a mutant may raise anything
            traceback.print_exc()
            result = BROKEN, "the process that ran the tests"
        os.write(write, json.dumps(result).encode())
        os._exit(0)
    os.close(write)
    until = time.monotonic() + job["timeout"]
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if time.monotonic() > until:
            break
        time.sleep(0.005)
    else:
        until = float("inf")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # and what it has started
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        text = answer.read()
    if text:
        status, by = json.loads(text)
        return status, by
    return (TIMEOUT, "") if until < float("inf") else (KILLED, "a crash of the process")


def main() -> None:
    """Serve until stdin ends."""
    sys.dont_write_bytecode = True  # the next mutant must not find this one's
    from nnbook.keras_bridge import import_keras
    from tests.verify.kernel import quiet_tensorflow

    quiet_tensorflow()
    import_keras()
    for name in [*sys.modules]:
        if name.partition(".")[0] == "nnbook":
            del sys.modules[name]
    known = frozenset(json.loads(sys.stdin.readline()))
    gc.freeze()  # a collection in a child would copy the pages of all these objects
    for line in sys.stdin:
        print(json.dumps(try_one(json.loads(line), known)), flush=True)


if __name__ == "__main__":
    main()
