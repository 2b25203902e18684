"""How much of nnbook the library's own tests run: ``python -m tests.coverage``.

Prints lines and branches of each module and what no test reaches; fails below `WANTED`. That a line
runs does not mean that a test would notice if it were wrong: for that there is `tests.mutation`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import coverage

from tests.mutation import recording

ROOT = Path(__file__).resolve().parents[1]
WANTED = 97.0
"""Percent of lines and branches together, of each module and of all."""

APART = frozenset(
    [
        "api_pages",
        "audit",
        "browser",
        "colab",
        "document",
        "glossary",
        "interactive_browser",
        "live_pages",
        "make",
        "mutation",
        "notebooks",
        "pages",
        "pdf",
        "player_browser",
        "sections",
        "verifier",
    ]
)
"""Tests of the book and of tools, which need minutes and say little about the library."""

PLAIN = ("-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:xdist", "-q")
"""Options of pytest: without the notebooks."""


def library_tests(root: Path) -> list[str]:
    """Return the files of tests that are about the library."""
    files = sorted((root / "tests").glob("test_*.py"))
    return [f"tests/{f.name}" for f in files if f.stem.removeprefix("test_") not in APART]


def record(root: Path, folder: Path, tests: Sequence[str]) -> dict[str, float]:
    """Run these files of tests; leave coverage data in the folder, return seconds by test.

    Raises:
        SystemExit: a test failed.
    """
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLAIN, "-p", recording.__name__, *tests],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), recording.DATA: str(folder)},
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        (folder / recording.SECONDS).unlink(missing_ok=True)
        raise SystemExit(f"{done.stdout}\nThe tests fail before anything is changed.")
    return recorded(folder)


def recorded(folder: Path) -> dict[str, float]:
    """Return the seconds by test that a folder holds, none if it does not."""
    file = folder / recording.SECONDS
    found: dict[str, float] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def main() -> int:
    """Print the table; return 1 if a module is below what is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = record(ROOT, Path(folder), library_tests(ROOT))
        measured = coverage.Coverage(data_file=f"{folder}/coverage", config_file=False)
        measured.set_option("run:relative_files", True)
        measured.exclude("raise NotImplementedError")  # says that a class is only a base
        measured.load()
        measured.json_report(outfile=f"{folder}/coverage.json", pretty_print=False)
        report = json.loads(Path(folder, "coverage.json").read_text(encoding="utf-8"))
    print(f"{len(seconds)} tests; lines and branches of nnbook that they reach:")
    low = []
    for file, found in sorted(report["files"].items()):
        percent = found["summary"]["percent_covered"]
        lines = ", ".join(map(str, found["missing_lines"]))
        branches = ", ".join(f"{a} to {b}" for a, b in found["missing_branches"])
        name = Path(file).relative_to("nnbook").as_posix()
        print(f"{percent:6.1f} %  {name}")
        for what, missing in (("lines", lines), ("branches", branches)):
            if missing:
                print(f"          {what} not reached: {missing}")
        if percent < WANTED:
            low.append(name)
    total = report["totals"]["percent_covered"]
    print(f"{total:6.1f} %  in all; wanted: {WANTED:g} % of each")
    if low or total < WANTED:
        print(f"Below that: {', '.join(low) or 'all together'}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
