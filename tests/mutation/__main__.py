"""How many small mistakes in nnbook do the tests notice? ``python -m tests.mutation``.

Works in a temporary copy, about half an hour on two quiet cores. Prints, for each module, how many
mutants there are and how many were killed, and all survivors that ``equivalent.toml`` does not list
with the reason why no test can kill them. Fails if less than `WANTED` percent were killed, a
survivor is not listed, or a listed one did not survive.

    python -m tests.mutation losses metrics      # some modules
    python -m tests.mutation --results all.jsonl  # keep what was found, also if interrupted
    python -m tests.mutation --results all.jsonl --again  # only what was not killed there
    python -m tests.mutation --tests tests/test_losses.py # with these tests alone
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import coverage

from tests.coverage import ROOT, library_tests, record, recorded
from tests.mutation.listed import Key, listed
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.recording import IMPORT, MODULE
from tests.mutation.source import statement_lines
from tests.mutation.worker import BROKEN, KILLED, SURVIVED, TIMEOUT

MODULES = ("activations", "layers", "losses", "optimizers", "metrics", "models")
WANTED = 95.0
"""Percent of all mutants, the equivalent ones among them."""

BUDGET = 20.0
"""Seconds of tests for one mutant. One that would be killed later counts as a survivor."""

COLLECTING = 0.2
"""Seconds that a file of tests costs beside its tests, roughly."""


class Selection:
    """Which tests to run for a mutant, from what a run without mutants has recorded."""

    def __init__(
        self, root: Path, folder: Path, seconds: Mapping[str, float], budget: float
    ) -> None:
        self.seconds, self.budget = seconds, budget
        data = coverage.CoverageData(str(folder / "coverage"))
        data.read()
        files = [f"nnbook/{file.name}" for file in (root / "nnbook").glob("*.py")]
        self.trees = {f: ast.parse((root / f).read_text(encoding="utf-8")) for f in files}
        self.lines = {f: data.contexts_by_lineno(f) for f in files}

    def reaching(self, mutant: Mutant) -> set[str]:
        """Return the tests that run the statement of a mutant; all, if importing nnbook does.

        So all are for the head of a function: a test may look at a default without a call.
        """
        tree, by_line = self.trees[mutant.module], self.lines[mutant.module]
        lines = statement_lines(tree, mutant.line)
        contexts = {context for line in lines for context in by_line.get(line, ())}
        if IMPORT in contexts:
            return {*self.seconds}
        modules = {c.removeprefix(MODULE) for c in contexts if c.startswith(MODULE)}
        return {t for t in self.seconds if t in contexts or t.partition("::")[0] in modules}

    def files(self, mutant: Mutant, killers: Collection[str]) -> list[list[str]]:
        """Return the tests by file: those of killers first, then the quick ones."""
        by_file: dict[str, list[str]] = defaultdict(list)
        left = self.budget
        for test in sorted(
            self.reaching(mutant), key=lambda t: (t not in killers, self.seconds[t])
        ):
            file = by_file[test.partition("::")[0]]
            left -= self.seconds[test] + (0 if file else COLLECTING)
            if left < 0 and any(by_file.values()):
                break
            file.append(test)
        filled = [tests for tests in by_file.values() if tests]
        return sorted(filled, key=lambda tests: (tests[0] not in killers, self.cost(tests)))

    def cost(self, tests: Iterable[str]) -> float:
        """Return the seconds that these tests of one file take."""
        return COLLECTING + sum(self.seconds[test] for test in tests)


def copy(root: Path) -> None:
    """Copy what the library's tests need."""
    ignore = shutil.ignore_patterns("__pycache__", ".*", "build", "*.log")
    shutil.copytree(ROOT, root, ignore=ignore, dirs_exist_ok=True)


class Run:
    """All mutants, shared out to workers."""

    def __init__(
        self, selection: Selection, todo: Sequence[Mutant], folder: Path, log: IO[str]
    ) -> None:
        self.selection, self.folder, self.total, self.log = selection, folder, len(todo), log
        self.todo: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
        for mutant in todo:
            self.todo.put(mutant)
        self.results: list[tuple[Mutant, str, str]] = []
        self.errors: list[str] = []
        # tests that have killed mutants of a function will often kill its others
        self.killers: dict[str, set[str]] = defaultdict(set)

    def work(self, number: int) -> None:
        """Serve one worker until all mutants are done."""
        root = self.folder / f"copy_{number}"
        if number:
            shutil.copytree(self.folder / "copy_0", root)
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.mutation.worker"],
            cwd=root,
            env=os.environ
            | {
                "PYTHONPATH": str(root),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # no plugin is needed
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        with worker, worker.stdin as jobs, worker.stdout as answers:
            jobs.write(json.dumps([*self.selection.seconds]) + "\n")
            while True:
                try:
                    mutant = self.todo.get_nowait()
                except queue.Empty:
                    return
                killers = self.killers[mutant.function]
                files = self.selection.files(mutant, killers)
                job = {
                    "module": mutant.module,
                    "source": mutant.source,
                    "files": files,
                    "timeout": 30 + 20 * sum(map(self.selection.cost, files)),
                    "log": str(self.folder / f"log_{number}"),
                }
                jobs.write(json.dumps(job) + "\n")
                jobs.flush()
                answer = answers.readline()
                if not answer:
                    self.errors.append(f"The worker ended at\n{mutant}")
                    return
                status, by = json.loads(answer)
                if status == BROKEN:
                    log = (self.folder / f"log_{number}").read_text(encoding="utf-8")
                    self.errors.append(f"{by}\n{mutant}\n{log}")
                    return
                killers.add(by)
                self.results.append((mutant, status, by))
                print(json.dumps([*mutant.key, status, by]), file=self.log, flush=True)
                if len(self.results) % 100 == 0:
                    print(self.progress(), flush=True)

    def progress(self) -> str:
        """Return a line on how far it is."""
        alive = sum(status == SURVIVED for _, status, _ in self.results)
        return f"{len(self.results)} of {self.total} mutants tried, {alive} survived"

    def all(self, workers: int) -> None:
        """Try all mutants."""
        threads = [threading.Thread(target=self.work, args=(i,)) for i in range(workers)]
        # the first copy is where the others are copied from: one after the other
        for thread in threads[::-1]:
            thread.start()
        for thread in threads:
            thread.join()


def report(found: Mapping[str, Sequence[tuple[Mutant, str]]]) -> bool:
    """Print the table and the survivors; return whether all is as wanted."""
    reasons = listed()
    survivors = [m for pairs in found.values() for m, status in pairs if status == SURVIVED]
    unlisted = [m for m in survivors if m.key not in reasons]
    stale = {k for k in reasons if k[0] in found} - {m.key for m in survivors}
    for mutant in unlisted:
        print(f"\nSurvived: {mutant}")
    for module, function, before, after, _ in sorted(stale):
        print(f"\nListed as equivalent, but not among the survivors: {module} {function}")
        print(f"  - {before}\n  + {after}")
    print(f"\n{'module':<14}{'mutants':>8}{'killed':>8}{'in time':>9}{'survived':>10}{'killed':>9}")
    total: Counter[str] = Counter()
    for module, pairs in found.items():
        count = Counter(status for _, status in pairs)
        total += count
        print(_row(Path(module).stem, count))
    print(_row("all", total))
    print(
        f"Of {len(survivors)} survivors {len(survivors) - len(unlisted)} are listed as equivalent, "
        f"{len(unlisted)} are not; {len(stale)} listed ones did not survive."
    )
    share = 100 * (1 - total[SURVIVED] / total.total()) if total.total() else 0.0
    print(f"Killed: {share:.1f} % of all mutants, equivalent ones among them; wanted {WANTED:g} %.")
    return share >= WANTED and not unlisted and not stale


def _row(name: str, count: Counter[str]) -> str:
    killed, alive = count[KILLED] + count[TIMEOUT], count[SURVIVED]
    share = 100 * killed / max(1, killed + alive)
    return f"{name:<14}{killed + alive:>8}{killed:>8}{count[TIMEOUT]:>9}{alive:>10}{share:>7.1f} %"


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="module")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, help="a JSON file for what was found")
    parser.add_argument("--again", action="store_true", help="try only what survived there")
    parser.add_argument("--tests", nargs="+", help="files of tests to use, instead of all")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds for one mutant")
    parser.add_argument("--recording", type=Path, help="a folder: use what it holds, or fill it")
    arguments = parser.parse_args()
    began = time.monotonic()
    killed: dict[Key, str] = {}
    if arguments.again:
        for line in arguments.results.read_text(encoding="utf-8").splitlines():
            module, function, before, after, nth, status, _ = json.loads(line)
            if status != SURVIVED:
                killed[module, function, before, after, nth] = status
    with tempfile.TemporaryDirectory(prefix="nnbook-mutation-") as temporary:
        folder = Path(temporary).resolve()
        root = folder / "copy_0"
        copy(root)
        recording = arguments.recording or folder
        seconds = recorded(recording) or record(
            root, recording, arguments.tests or library_tests(root)
        )
        print(f"{len(seconds)} tests pass without mutants ({time.monotonic() - began:.0f} s)")
        everything: list[Mutant] = []
        for name in arguments.modules:
            module = f"nnbook/{name}.py"
            everything += mutants(module, (root / module).read_text(encoding="utf-8"))
        todo = [m for m in everything if m.key not in killed]
        random.Random(0).shuffle(todo)  # noqa: S311 (so that the share so far means something)
        print(f"{len(everything)} mutants, {len(todo)} to try", flush=True)
        selection = Selection(root, recording, seconds, arguments.budget)
        mode = "a" if arguments.again else "w"
        with Path(arguments.results or os.devnull).open(mode, encoding="utf-8") as log:
            run = Run(selection, todo, folder, log)
            run.all(arguments.workers)
    if run.errors:
        print("\n".join(run.errors))
        return 2
    tried = {mutant: status for mutant, status, _ in run.results}
    found: dict[str, list[tuple[Mutant, str]]] = defaultdict(list)
    for mutant in everything:
        found[mutant.module].append((mutant, tried.get(mutant) or killed[mutant.key]))
    good = report(found)
    print(f"It took {(time.monotonic() - began) / 60:.0f} minutes.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
