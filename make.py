#!/usr/bin/env python3
"""Set up what the book needs in .venv, then do one job. It needs Python alone.

usage: python3 make.py COMMAND        (on Windows: py make.py COMMAND)

  book                  build the pages; the last line says where they are
  pdf                   build the whole book as one PDF, with XeLaTeX
  test [PYTEST ...]     run every test: unit, gradient, parity, notebooks, pages
  notebooks [FILE ...]  run the notebooks again, rewrite their outputs, show what moved
  audit [PAGE ...]      open the built pages in Chromium: speed, access, contrast, links, search
  numbers               measure what the README claims: gradients, parity with Keras, speed
  lab                   open the notebooks in JupyterLab
  pins [--upgrade]      write constraints.txt afresh, from pyproject.toml

The first run installs what is missing; later ones start at once. NNBOOK_PINS=off installs the
newest releases instead of the versions in constraints.txt.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYPROJECT = ROOT / "pyproject.toml"
CONSTRAINTS = ROOT / "constraints.txt"
BUILD = ROOT / "build"

SUPPORTED = ((3, 11), (3, 12), (3, 13))
SUPPORTED_TEXT = "3.11, 3.12 or 3.13"
HELP_WITH_PIP = (
    "This Python has neither ensurepip nor pip, so nothing can be installed.\n"
    "On Debian or Ubuntu: sudo apt-get install python3-venv"
)
# What is installed, and what that costs: measured on Linux with Python 3.11.
SIZES = {
    "book": "Jupyter Book and the rest: about 130 MB to download, a minute",
    "test": "TensorFlow, Jupyter Book and the rest: about 900 MB to download, some minutes",
    "lab": "TensorFlow, JupyterLab and the rest: about 900 MB to download, some minutes",
}
PARTS = {"book": ("book", "test"), "test": ("test",), "lab": ("lab",)}  # an extra: who contains it
# What the PDF needs besides Python: programs, and Debian's packages with them and the fonts.
PDF_PROGRAMS = ("xelatex", "latexmk", "rsvg-convert")
PDF_PACKAGES = (
    "texlive-xetex texlive-fonts-recommended latexmk librsvg2-bin "
    "fonts-texgyre fonts-texgyre-math fonts-dejavu-core fonts-wqy-microhei"
)
PICTURE_ZOOM = "0.65"  # pictures are drawn for screens
STICKS_OUT = 20.0  # points by which a line may be too long; a letter is about 5
DRIVER = "xdvipdfmx:warning: "  # what makes the PDF of XeLaTeX's pages
# Where TensorFlow has wheels, in the words of uv; for the check of new pins.
PLATFORMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
PINS_HEADER = """\
# Exact versions of everything that is installed for the book: one set for Python 3.11, 3.12 and
# 3.13 on Linux, macOS (Apple silicon) and Windows. pip reads it as constraints (pip install -c).
# Made from pyproject.toml by: python3 make.py pins
"""


class Stop(Exception):
    """Ends the program with one clear message."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def say(text: str, end: str = "\n") -> None:
    """Print at once, so that our lines and those of the programs we start keep their order."""
    print(text, end=end, flush=True)


# ---- programs we start --------------------------------------------------------------------------


def child_environment() -> dict[str, str]:
    """Return our environment with UTF-8 output, which Windows would not choose."""
    return {**os.environ, "PYTHONUTF8": "1"}


def run(command: list[str]) -> int:
    """Run a program in the foreground and return its exit code."""
    interrupted = False
    with subprocess.Popen(command, cwd=ROOT, env=child_environment()) as process:
        while True:
            try:
                code = process.wait()
                break
            except KeyboardInterrupt:
                interrupted = True  # the program got Ctrl-C as well, and ends (or asks) its own way
    if interrupted and code:
        raise KeyboardInterrupt
    return code if code >= 0 else 128 - code  # killed by a signal: what a shell reports


def works(command: list[str]) -> str | None:
    """Return what a short program prints, or None where it cannot be started or fails."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def has_module(name: str) -> bool:
    """Say whether the Python that runs has a module; left-over folders of one do not count."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


# ---- a Python that works ------------------------------------------------------------------------


def is_supported(version: tuple[int, ...]) -> bool:
    """Say whether the book runs on this version of Python."""
    return tuple(version[:2]) in SUPPORTED


def find_python() -> str | None:
    """Return a supported Python from the PATH (or from Windows's launcher), the newest first."""
    for major, minor in reversed(SUPPORTED):
        names = ([f"python{major}.{minor}"], ["py", f"-{major}.{minor}"])
        for name in names[: 2 if os.name == "nt" else 1]:
            found = works([*name, "-c", "import sys; print(sys.executable)"])
            if found:
                return found
    return None


def restart_with_supported_python(arguments: list[str]) -> int:
    """Do the same with another Python than the one that runs, or say what to install."""
    running = ".".join(map(str, sys.version_info[:3]))
    python = find_python()
    if python is None:
        raise Stop(
            f"This is Python {running}, but the book needs Python {SUPPORTED_TEXT},\n"
            "since TensorFlow has no packages for others. Install one and run this again."
        )
    say(f"This is Python {running}; the book needs {SUPPORTED_TEXT}. Using {python} instead.")
    return run([python, str(Path(__file__).resolve()), *arguments])


# ---- the virtual environment --------------------------------------------------------------------


def venv_python() -> Path:
    """Return the path of the Python in .venv."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def marker() -> Path:
    """Return the file by which we know a .venv as ours."""
    return VENV / "made-by-make.txt"


def marker_text() -> str:
    """Return what the marker says of a finished .venv: its place and its Python."""
    return f"{VENV}\n{sys.version_info[0]}.{sys.version_info[1]}\n"


def prepare_venv() -> None:
    """Make .venv, or make it again where it is broken, was moved or has another Python."""
    if VENV.is_symlink() or VENV.exists():
        reason = why_recreate()
        if reason is None:
            return
        if Path(sys.prefix).resolve() == VENV.resolve():
            raise Stop(
                f"{VENV} has to be made again ({reason}), which the Python in it cannot do.\n"
                "Run this with a Python from outside: deactivate the environment first."
            )
        say(f"Making .venv again: {reason}.")
        shutil.rmtree(VENV)
    else:
        say(f"Making the virtual environment .venv with Python {sys.version.split()[0]}.")
    VENV.mkdir()
    marker().write_text("unfinished\n", encoding="utf-8")  # an interrupted one is known as ours
    command = [sys.executable, "-m", "venv", str(VENV)]
    if not has_module("ensurepip"):  # Debian without python3-venv
        if not has_module("pip"):
            shutil.rmtree(VENV)
            raise Stop(HELP_WITH_PIP)
        command.insert(3, "--without-pip")
    code = run(command)
    if code:
        raise Stop(f"Could not make {VENV}: see above.", code)
    marker().write_text(marker_text(), encoding="utf-8")


def why_recreate() -> str | None:
    """Say what is wrong with the .venv that is here; None where it can be used."""
    version = works([str(venv_python()), "-c", "import sys; print(*sys.version_info[:2])"])
    if marker().is_file():
        made = marker().read_text(encoding="utf-8")
        if made == "unfinished\n":
            return "it was left unfinished"
        if version is None:
            return "its Python no longer starts"
        if made != marker_text():
            return "it was made for " + " with Python ".join(made.split("\n")[:2])
        return None
    # Not made by this program: somebody's own, so it is only replaced where it is of no use.
    if version is not None:
        if is_supported(tuple(map(int, version.split()))):
            return None
        raise Stop(
            f"{VENV} was made by somebody else, with Python {version.replace(' ', '.')}; the book "
            f"needs {SUPPORTED_TEXT}.\nMove it away and run this again."
        )
    if VENV.is_dir() and not VENV.is_symlink():
        if (VENV / "pyvenv.cfg").is_file():
            return "its Python no longer starts"
        if not any(VENV.iterdir()):
            return "it is empty"
    raise Stop(
        f"{VENV} is not a virtual environment that works, and was not made by this program.\n"
        "Move it away and run this again."
    )


def pip_command() -> list[str]:
    """Return pip for .venv: its own, or that of the Python that runs where it has none."""
    if works([str(venv_python()), "-c", "import pip"]) is not None:
        return [str(venv_python()), "-m", "pip"]
    if not has_module("pip"):
        raise Stop(HELP_WITH_PIP)
    return [sys.executable, "-m", "pip", "--python", str(venv_python())]


# ---- what is installed in it --------------------------------------------------------------------


def pinned() -> bool:
    """Say whether the exact versions of constraints.txt are wanted."""
    return os.environ.get("NNBOOK_PINS", "on").lower() not in ("off", "0", "no", "false")


def fingerprint() -> str:
    """Return a digest of all that decides what is installed, and where."""
    digest = hashlib.sha256()
    for path in (PYPROJECT, CONSTRAINTS):
        digest.update(path.read_bytes() + b"\0")
    digest.update(f"{ROOT} {sys.version_info[:2]} {pinned()}".encode())
    return digest.hexdigest()


def stamp(extra: str) -> Path:
    """Return the file that says with which fingerprint an extra was installed."""
    return VENV / f"installed-{extra}.txt"


def is_installed(extra: str) -> bool:
    """Say whether an extra, or one that contains it, is installed as the files now say."""
    now = fingerprint()
    stamps = (stamp(name) for name in PARTS[extra])
    return any(path.is_file() and path.read_text(encoding="utf-8") == now for path in stamps)


def install_command(extra: str) -> list[str]:
    """Return the command that installs nnbook from this folder with one of its extras."""
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    if pinned():
        options += ["-c", str(CONSTRAINTS)]
    else:
        options += ["--upgrade", "--upgrade-strategy", "eager"]
    return [*pip_command(), "install", *options, "-e", f".[{extra}]"]


def environment(extra: str) -> str:
    """Make sure that .venv has one of the extras of pyproject.toml, and return its Python."""
    prepare_venv()
    if is_installed(extra):
        return str(venv_python())
    command = install_command(extra)
    # No stamp stands while pip works: an install that is cut off is done again.
    current = [name for name in PARTS if is_installed(name) and stamp(name).is_file()]
    for name in PARTS:
        stamp(name).unlink(missing_ok=True)
    say(f"Installing into .venv, once: {SIZES[extra]}.")
    if not pinned():
        say("NNBOOK_PINS=off: the newest releases, not the versions that made the stored outputs.")
    install(command, VENV / "install.log")
    for name in {*current, extra}:
        stamp(name).write_text(fingerprint(), encoding="utf-8")
    return str(venv_python())


def install(command: list[str], log: Path) -> None:
    """Run pip, show its progress in short, and keep its own words in a log."""
    start = time.monotonic()
    progress = Progress()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**child_environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            with contextlib.suppress(ValueError):  # Ctrl-C closes what we read from
                for line in process.stdout or ():
                    lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        words: list[str] = []
        while True:
            try:
                line = lines.get(timeout=1)
            except queue.Empty:
                line = ""
            if line is None:
                break
            if line:
                words.append(line)
                progress.read(line)
            progress.show(time.monotonic() - start)
        code = process.wait()
    log.write_text("".join(words), encoding="utf-8")
    progress.end()
    if code:
        say("".join(words[-25:]), end="")
        raise Stop(
            f"pip could not install everything: see above, and all of it in {log}.\n"
            "It needs the network, some 3 GB of disk, and a system TensorFlow has packages for:\n"
            "Linux with glibc, macOS on Apple silicon, Windows; 64 bits. Run this again to go on.",
            code,
        )
    packages = f"{progress.found} packages" if progress.found else "nnbook; all else was there,"
    say(f"Installed {packages} in {time.monotonic() - start:.0f} s.")


class Progress:
    """What pip has done so far, in one line: rewritten in a terminal, now and then elsewhere."""

    def __init__(self) -> None:
        self.found = 0
        self.doing = "starting"
        self.terminal = sys.stdout.isatty()
        self.last = 0.0

    def read(self, line: str) -> None:
        """Learn from one line of pip."""
        if line.startswith(("Collecting ", "Processing ")):  # the second: a file that is here
            self.found += 1
            self.doing = "finding what is needed"
        elif match := re.match(r"\s+Downloading (\S+?)-\d\S* \((.+)\)", line):
            self.doing = f"downloading {match[1]} ({match[2]})"
        elif line.startswith("Installing collected packages"):
            self.doing = "writing their files"

    def show(self, seconds: float) -> None:
        """Print the line if it is time for it."""
        if seconds - self.last < (1 if self.terminal else 20):
            return
        self.last = seconds
        text = f"  {seconds:4.0f} s, {self.found:3} packages: {self.doing}"
        if self.terminal:
            say(f"\r{text[:78]:<78}", end="")
        else:
            say(text)

    def end(self) -> None:
        """Wipe the line of a terminal."""
        if self.terminal and self.last:
            say("\r" + " " * 78 + "\r", end="")


# ---- the jobs -----------------------------------------------------------------------------------


def build_book(output: Path | None = None, python: str = sys.executable) -> Path:
    """Build the pages, every warning an error, and return the path of the built ``index.html``.

    Args:
        output: The folder to build in; ``build`` at the top level if not given.
        python: A Python that has the extra ``book``; the running one if not given.
    """
    output = output or BUILD
    pages = output / "_build" / "html"
    if pages.is_dir():
        shutil.rmtree(pages)  # a page that no longer exists would stay
    code = jupyter_book(python, output)
    index = pages / "index.html"
    if code or not index.is_file():
        raise Stop("The book was not built: see the warnings above.", code or 1)
    return index


def jupyter_book(python: str, output: Path, *options: str) -> int:
    """Run Jupyter Book, every warning an error, and return its exit code."""
    program = (
        "import sys; from jupyter_book.cli.main import main; from sphinx.util import console\n"
        "if not sys.stdout.isatty(): console.nocolor()  # in a file they are noise\n"
        "main()"
    )
    return run(
        [
            *(python, "-c", program),
            *("build", ".", "--config", "book/_config.yml", "--toc", "book/_toc.yml"),
            *("--path-output", str(output), "--all", "-W", "--keep-going", "-n", *options),
        ]
    )


def build_tex(output: Path | None = None, python: str = sys.executable) -> Path:
    """Write the whole book for LaTeX, every warning an error, and return the path of the file.

    Args:
        output: The folder to build in; ``build/pdf`` at the top level if not given.
        python: A Python that has the extra ``book``; the running one if not given.
    """
    output = output or BUILD / "pdf"
    folder = output / "_build" / "latex"
    if folder.is_dir():
        shutil.rmtree(folder)
    code = jupyter_book(python, output, "--builder", "latex")
    tex = folder / "nnbook.tex"
    if code or not tex.is_file():
        raise Stop("The text was not written: see the warnings above.", code or 1)
    return tex


def build_pdf(tex: Path) -> Path:
    """Make a PDF of a LaTeX file and the SVG pictures beside it; a warning stops it."""
    folder = tex.parent
    for svg in sorted(folder.glob("*.svg")):
        target = str(svg.with_suffix(".pdf"))
        if run(["rsvg-convert", "-f", "pdf", "-z", PICTURE_ZOOM, "-o", target, str(svg)]):
            raise Stop(f"rsvg-convert could not read {svg}: see above.")
    options = ("-xelatex", "-halt-on-error", "-file-line-error", "-interaction=nonstopmode")
    done = subprocess.run(
        ["latexmk", *options, tex.name],  # noqa: S607  the user's own
        cwd=folder,
        env={**child_environment(), "max_print_line": "10000"},  # else the log has broken lines
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    log = tex.with_suffix(".log")
    written = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    driver = (line for line in done.stdout.splitlines() if DRIVER in line)  # it has no log
    found = complaints("\n".join([written, *driver]))
    if done.returncode or found:
        told = "\n".join(found[:20]) or done.stdout[-2000:]
        raise Stop(f"XeLaTeX complains:\n{told}\nMore stands in {log}", done.returncode or 1)
    return tex.with_suffix(".pdf")


def complaints(log: str) -> list[str]:
    """Return the lines of LaTeX's log that are errors or warnings, or of text that sticks out.

    Warnings are those of references that lead nowhere, labels that are there twice, characters
    that a font does not have, and so on: none is expected.
    """
    wrong = re.compile(
        r"(?m)^(?:! |\S+:\d+: |(?:LaTeX|Package|Class|pdfTeX) (?:\S+ )?[Ww]arning: "
        rf"|Missing character: |.*{DRIVER}).*"
    )
    overfull = re.compile(r"(?m)^Overfull \\[hv]box \(([\d.]+)pt .*")
    too_long = (match for match in overfull.finditer(log) if float(match[1]) > STICKS_OUT)
    return list(dict.fromkeys([*wrong.findall(log), *(match[0] for match in too_long)]))


def book(arguments: list[str]) -> int:
    """Build the pages."""
    if arguments:
        raise Stop(f"book takes no arguments, but got: {' '.join(arguments)}", 2)
    python = environment("book")
    start = time.monotonic()
    say("Building the pages from the stored outputs of the notebooks.")
    index = build_book(python=python)
    say(f"Built the book in {time.monotonic() - start:.0f} s: {index}")
    return 0


def pdf(arguments: list[str]) -> int:
    """Build the whole book as one PDF; the next build of the pages links it."""
    if arguments:
        raise Stop(f"pdf takes no arguments, but got: {' '.join(arguments)}", 2)
    missing = [name for name in PDF_PROGRAMS if shutil.which(name) is None]
    if missing:
        raise Stop(
            f"The PDF needs {', '.join(missing)}, which cannot be found. On Debian or Ubuntu:\n"
            f"sudo apt-get install {PDF_PACKAGES}"
        )
    python = environment("book")
    start = time.monotonic()
    say("Writing the book for LaTeX.")
    tex = build_tex(python=python)
    say("Setting it with XeLaTeX, which takes a minute.")
    target = BUILD / "nnbook.pdf"
    shutil.copy(build_pdf(tex), target)
    say(f"Built the PDF in {time.monotonic() - start:.0f} s: {target}")
    return 0


def test(arguments: list[str]) -> int:
    """Run pytest; its own last line is the summary."""
    python = environment("test")
    say("Running the tests. The notebooks are run too, so this takes some minutes.")
    # Everything takes half the time in two processes; a notebook stays in one of them.
    everything = [] if arguments else ["-n", "2", "--dist", "loadfile"]
    return run([python, "-m", "pytest", *everything, *arguments])


def notebooks(arguments: list[str]) -> int:
    """Rewrite the outputs of notebooks."""
    return run([environment("test"), "-m", "tests.verify.execute", *arguments])


def audit(arguments: list[str]) -> int:
    """Measure the built pages, and say what is reached."""
    return run([environment("test"), "-m", "tests.audit", *arguments])


def numbers(arguments: list[str]) -> int:
    """Print the numbers that the README claims."""
    return run([environment("test"), "-m", "tests.benchmarks.numbers", *arguments])


def lab(arguments: list[str]) -> int:
    """Open JupyterLab; Ctrl-C ends it."""
    return run([environment("lab"), "-m", "jupyterlab", "notebooks", *arguments])


def pins(arguments: list[str]) -> int:
    """Write constraints.txt, and check that every version has a wheel on every supported system."""
    if arguments not in ([], ["--upgrade"]):
        raise Stop(f"pins takes --upgrade or nothing, but got: {' '.join(arguments)}", 2)
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        say("Fetching uv, which finds one set of versions for all systems.")
        for command in (
            [sys.executable, "-m", "venv", folder],
            [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"],
        ):
            if code := run(command):
                raise Stop("Could not fetch uv: see above.", code)
        resolve = [str(python), "-m", "uv", "pip", "compile", "-q", "--all-extras"]
        resolve += ["--no-header", "--no-annotate", "--only-binary", ":all:", str(PYPROJECT)]
        made = Path(folder) / "constraints.txt"
        if CONSTRAINTS.is_file() and not arguments:
            shutil.copy(CONSTRAINTS, made)  # uv keeps the versions it finds there
        universal = ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
        if code := run([*resolve, *universal, "-o", str(made)]):
            raise Stop("No set of versions fits pyproject.toml: see above.", code)
        for version in SUPPORTED:
            for platform in PLATFORMS:
                name = f"{version[0]}.{version[1]}"
                say(f"Checking that all have wheels for Python {name} on {platform}.")
                where = ["--python-version", name, "--python-platform", platform]
                thrown_away = str(Path(folder) / "checked.txt")
                if code := run([*resolve, *where, "-c", str(made), "-o", thrown_away]):
                    raise Stop("constraints.txt is left as it was: see above.", code)
        lines = made.read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    CONSTRAINTS.write_text(PINS_HEADER + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    say(f"Wrote {len(lines)} versions: {CONSTRAINTS}")
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "book": book,
    "pdf": pdf,
    "test": test,
    "notebooks": notebooks,
    "audit": audit,
    "numbers": numbers,
    "lab": lab,
    "pins": pins,
}


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit code."""
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        say((__doc__ or "").strip())
        return 0
    if arguments[0] not in COMMANDS:
        say(f"Unknown command {arguments[0]!r}; known are: {', '.join(COMMANDS)}.")
        return 2
    try:
        if not is_supported(sys.version_info[:2]):
            return restart_with_supported_python(arguments)
        return COMMANDS[arguments[0]](arguments[1:])
    except Stop as stop:
        say(str(stop))
        return stop.code
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
