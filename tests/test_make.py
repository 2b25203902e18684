"""The frame of the project: make.py, the pins, the two commands of the README, the workflows."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import make
from tests.verify import facts

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][\w.+!]*)(?: ; (?P<marker>.+))?")
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs bash and the signals of POSIX")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let make.py work in a folder of its own."""
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(make, "BUILD", tmp_path / "build")
    for name in ("PYPROJECT", "CONSTRAINTS"):
        path = tmp_path / getattr(make, name).name
        path.write_text(name, encoding="utf-8")
        monkeypatch.setattr(make, name, path)
    monkeypatch.delenv("NNBOOK_PINS", raising=False)
    return tmp_path


# ---- the command line ---------------------------------------------------------------------------


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert make.main([]) == 0
    usage = capsys.readouterr().out
    assert [name for name in make.COMMANDS if f"\n  {name}" not in usage] == []


def test_unknown_command_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert make.main(["bok"]) == 2
    said = capsys.readouterr().out
    assert "'bok'" in said
    assert "book, pdf, test, notebooks" in said


@pytest.mark.parametrize("command", ["book", "pdf", "pins"])
def test_unexpected_argument_does_nothing(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("it went to work")

    monkeypatch.setattr(make, "environment", never)
    monkeypatch.setattr(make, "run", never)
    assert make.main([command, "--fast"]) == 2
    assert "--fast" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "arguments", "extra", "started"),
    [
        ("test", ["-k", "fit"], "test", ["-m", "pytest", "-k", "fit"]),
        ("test", [], "test", ["-m", "pytest", "-n", "2", "--dist", "loadfile"]),
        ("notebooks", ["x.ipynb"], "test", ["-m", "tests.verify.execute", "x.ipynb"]),
        ("audit", ["--runs", "0"], "test", ["-m", "tests.audit", "--runs", "0"]),
        ("numbers", [], "test", ["-m", "tests.benchmarks.numbers"]),
        ("lab", [], "lab", ["-m", "jupyterlab", "notebooks"]),
    ],
)
def test_command_starts_its_program(
    command: str,
    arguments: list[str],
    extra: str,
    started: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[list[str]] = []

    def run(command: list[str]) -> int:
        calls.append(command)
        return 5

    monkeypatch.setattr(make, "environment", lambda name: f"python with {name}")
    monkeypatch.setattr(make, "run", run)
    assert make.main([command, *arguments]) == 5
    assert calls == [[f"python with {extra}", *started]]


def test_every_program_that_make_starts_exists() -> None:
    modules = re.findall(r'"-m", "(tests\.[\w.]+)"', read("make.py"))
    assert len(modules) == 3
    places = [ROOT / name.replace(".", "/") for name in modules]
    missing = [
        path
        for path in places
        if not path.with_suffix(".py").is_file() and not (path / "__main__.py").is_file()
    ]
    assert missing == []


def test_interrupt_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(make, "environment", interrupted)
    assert make.main(["test"]) == 130
    assert capsys.readouterr().out.strip() == "Interrupted."


def test_exit_code_of_a_program_is_ours() -> None:
    assert make.run([sys.executable, "-c", "raise SystemExit(7)"]) == 7


@posix_only
def test_killed_program_has_a_shells_exit_code() -> None:
    kill = f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})"
    assert make.run([sys.executable, "-c", kill]) == 128 + signal.SIGKILL


@posix_only
@pytest.mark.parametrize(("code", "expected"), [(2, 130), (0, 0)])
def test_interrupted_program_ends_in_its_own_way(code: int, expected: int) -> None:
    """Ctrl-C reaches the program too; JupyterLab ends well by it, a build does not."""
    child = (
        "import signal, sys, time\n"
        f"signal.signal(signal.SIGINT, lambda *_: (time.sleep(0.2), sys.exit({code})))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    parent = (
        # a program in the background of a shell starts with Ctrl-C switched off
        "import make, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"make.COMMANDS['test'] = lambda _: make.run([sys.executable, '-c', {child!r}])\n"
        "sys.exit(make.main(['test']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, as in a terminal
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        said = process.stdout.read()
        assert process.wait() == expected
    assert said.split() == (["Interrupted."] if expected else [])


# ---- the version of Python ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((2, 7), False),
        ((3, 10), False),
        ((3, 11), True),
        ((3, 12), True),
        ((3, 13), True),
        ((3, 14), False),
        ((4, 11), False),
    ],
)
def test_supported_versions(version: tuple[int, int], expected: bool) -> None:
    assert make.is_supported(version) is expected


def test_supported_versions_are_those_of_the_package() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    first, last = make.SUPPORTED[0], make.SUPPORTED[-1]
    assert project["requires-python"] == f">={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"
    marked = [c.rsplit(" ", 1)[1] for c in project["classifiers"] if " :: 3." in c]
    assert marked == [f"{major}.{minor}" for major, minor in make.SUPPORTED]


def test_older_python_gets_as_far_as_the_message() -> None:
    ast.parse(read("make.py"), feature_version=(3, 8))


def test_unsupported_python_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "is_supported", lambda _: False)
    monkeypatch.setattr(make, "find_python", lambda: None)
    assert make.main(["test"]) == 1
    said = capsys.readouterr().out
    assert "3.11, 3.12 or 3.13" in said
    assert ".".join(map(str, sys.version_info[:3])) in said


def test_unsupported_python_hands_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[list[str]] = []

    def run(command: list[str]) -> int:
        calls.append(command)
        return 3

    monkeypatch.setattr(make, "is_supported", lambda _: False)
    monkeypatch.setattr(make, "find_python", lambda: "another-python")
    monkeypatch.setattr(make, "run", run)
    assert make.main(["test", "-q"]) == 3
    assert calls == [["another-python", str(ROOT / "make.py"), "test", "-q"]]
    assert "Using another-python instead" in capsys.readouterr().out


@posix_only
def test_python_that_does_not_start_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, lines in (
        ("python3.13", "exit 127"),  # a shim without a version behind it
        ("python3.12", f'exec "{sys.executable}" "$@"'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make.find_python() == sys.executable


# ---- the virtual environment --------------------------------------------------------------------


@pytest.fixture
def quick_venv(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make environments without pip of their own, which takes a tenth of the time."""
    without(monkeypatch, "ensurepip")
    return tree / ".venv"


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    """Pretend that this Python lacks some modules."""
    real = importlib.util.find_spec

    def find_spec(name: str) -> Any:
        return None if name in missing else real(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


def keepsake(venv: Path) -> Path:
    """Put a file into an environment; it is gone where the environment was made again."""
    path = venv / "keepsake"
    path.touch()
    return path


def test_venv_is_made_and_kept(quick_venv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make.prepare_venv()
    assert "Making the virtual environment" in capsys.readouterr().out
    where = make.works([str(make.venv_python()), "-c", "import sys; print(sys.prefix)"])
    assert where
    assert Path(where).resolve() == quick_venv.resolve()
    kept = keepsake(quick_venv)
    make.prepare_venv()
    assert kept.is_file()
    assert capsys.readouterr().out == ""


def unfinished(venv: Path) -> None:
    make.marker().write_text("unfinished\n", encoding="utf-8")


def of_another_python(venv: Path) -> None:
    make.marker().write_text(f"{venv}\n3.8\n", encoding="utf-8")


def elsewhere(venv: Path) -> None:
    text = make.marker().read_text(encoding="utf-8")
    make.marker().write_text(text.replace(str(venv), str(venv / "old")), encoding="utf-8")


def broken(venv: Path) -> None:
    make.venv_python().unlink()


@pytest.mark.parametrize("damage", [unfinished, of_another_python, elsewhere, broken])
def test_our_venv_is_made_again(
    damage: Callable[[Path], None], quick_venv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make.prepare_venv()
    kept = keepsake(quick_venv)
    damage(quick_venv)
    capsys.readouterr()
    make.prepare_venv()
    assert not kept.exists()
    assert "Making .venv again: it" in capsys.readouterr().out
    assert make.why_recreate() is None


def test_interrupted_creation_is_known_as_unfinished(
    quick_venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(make, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make.prepare_venv()
    assert make.why_recreate() == "it was left unfinished"


def test_working_venv_of_somebody_else_is_used(quick_venv: Path) -> None:
    make.prepare_venv()
    make.marker().unlink()
    kept = keepsake(quick_venv)
    make.prepare_venv()
    assert kept.is_file()
    assert not make.marker().exists()


def test_broken_venv_of_somebody_else_is_made_again(quick_venv: Path) -> None:
    make.prepare_venv()
    make.marker().unlink()
    kept = keepsake(quick_venv)
    broken(quick_venv)
    make.prepare_venv()
    assert not kept.exists()


def test_unsupported_venv_of_somebody_else_is_left_alone(
    quick_venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.prepare_venv()
    make.marker().unlink()
    kept = keepsake(quick_venv)
    monkeypatch.setattr(make, "SUPPORTED", ((3, 1),))
    with pytest.raises(make.Stop, match="Move it away"):
        make.prepare_venv()
    assert kept.is_file()


def test_folder_that_is_no_venv_is_left_alone(quick_venv: Path) -> None:
    quick_venv.mkdir()
    kept = keepsake(quick_venv)
    with pytest.raises(make.Stop, match="Move it away"):
        make.prepare_venv()
    assert kept.is_file()


def test_venv_does_not_delete_the_python_that_runs(
    quick_venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.prepare_venv()
    kept = keepsake(quick_venv)
    unfinished(quick_venv)
    monkeypatch.setattr(sys, "prefix", str(quick_venv))
    with pytest.raises(make.Stop, match="from outside"):
        make.prepare_venv()
    assert kept.is_file()


def test_no_ensurepip_and_no_pip_says_what_to_install(
    quick_venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "ensurepip", "pip")
    with pytest.raises(make.Stop, match="apt-get install python3-venv"):
        make.prepare_venv()
    assert not quick_venv.exists()


def test_venv_without_pip_uses_the_pip_outside(
    quick_venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.prepare_venv()
    python = str(make.venv_python())
    assert make.pip_command() == [sys.executable, "-m", "pip", "--python", python]
    monkeypatch.setattr(make, "works", lambda _: "")
    assert make.pip_command() == [python, "-m", "pip"]


# ---- what is installed --------------------------------------------------------------------------


@pytest.fixture
def installs(tree: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Gather the commands that would install, instead of running them."""
    done: list[list[str]] = []
    (tree / ".venv").mkdir()
    monkeypatch.setattr(make, "prepare_venv", lambda: None)
    monkeypatch.setattr(make, "pip_command", lambda: ["pip"])
    monkeypatch.setattr(make, "install", lambda command, log: done.append(command))
    return done


def test_second_run_installs_nothing(installs: list[list[str]]) -> None:
    assert make.environment("test") == str(make.venv_python())
    make.environment("test")
    assert len(installs) == 1
    assert installs[0][-4:] == ["-c", str(make.CONSTRAINTS), "-e", ".[test]"]


@pytest.mark.parametrize("name", ["PYPROJECT", "CONSTRAINTS"])
def test_changed_file_installs_again(name: str, installs: list[list[str]]) -> None:
    make.environment("test")
    getattr(make, name).write_text("changed", encoding="utf-8")
    make.environment("test")
    assert len(installs) == 2


def test_moved_clone_installs_again(
    installs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make.environment("test")
    monkeypatch.setattr(make, "ROOT", make.ROOT / "moved")
    make.environment("test")
    assert len(installs) == 2


def test_newest_releases_on_demand(
    installs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make.environment("test")
    monkeypatch.setenv("NNBOOK_PINS", "off")
    make.environment("test")
    assert len(installs) == 2
    assert "-c" not in installs[1]
    assert "eager" in installs[1]
    monkeypatch.delenv("NNBOOK_PINS")
    make.environment("test")
    assert len(installs) == 3


def test_test_contains_book_but_not_the_other_way(installs: list[list[str]]) -> None:
    make.environment("test")
    make.environment("book")
    assert [command[-1] for command in installs] == [".[test]"]
    make.stamp("test").unlink()
    make.environment("book")
    make.environment("test")
    assert [command[-1] for command in installs] == [".[test]", ".[book]", ".[test]"]


def test_two_extras_live_together(installs: list[list[str]]) -> None:
    make.environment("test")
    make.environment("lab")
    make.environment("test")
    make.environment("lab")
    assert [command[-1] for command in installs] == [".[test]", ".[lab]"]


def test_interrupted_install_leaves_no_stamp(
    installs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(command: list[str], log: Path) -> None:
        raise KeyboardInterrupt

    make.environment("book")
    with monkeypatch.context() as patch:
        patch.setattr(make, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make.environment("lab")
    assert not any(map(make.is_installed, make.PARTS))
    make.environment("book")  # pip may have been in the middle of this one as well
    assert len(installs) == 2


def test_failed_install_shows_the_end_and_keeps_the_code(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = "for i in range(99): print(f'line {i}')\nraise SystemExit(4)"
    with pytest.raises(make.Stop, match=r"pip could not install everything") as stop:
        make.install([sys.executable, "-c", program], tree / "log")
    assert stop.value.code == 4
    said = capsys.readouterr().out
    assert "line 98" in said
    assert "line 50" not in said
    assert (tree / "log").read_text(encoding="utf-8").splitlines()[50] == "line 50"


def test_progress_counts_and_names_the_big_ones() -> None:
    progress = make.Progress()
    for line in (
        "Collecting tensorflow==2.21.0 (from nnbook==0.1.0)\n",
        "  Downloading tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl (572.4 MB)\n",
    ):
        progress.read(line)
    assert progress.found == 1
    assert progress.doing == "downloading tensorflow (572.4 MB)"
    progress.read("Installing collected packages: tensorflow\n")
    assert progress.doing == "writing their files"


# ---- the build ----------------------------------------------------------------------------------


def test_build_starts_from_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    html = tree / "elsewhere" / "_build" / "html"
    html.mkdir(parents=True)
    (html / "old.html").touch()

    def run(command: list[str]) -> int:
        assert not (html / "old.html").exists()
        assert command[command.index("--path-output") + 1] == str(tree / "elsewhere")
        assert {"-W", "-n", "--keep-going", "--all"} <= set(command)
        html.mkdir(parents=True)
        (html / "index.html").touch()
        return 0

    monkeypatch.setattr(make, "run", run)
    assert make.build_book(tree / "elsewhere") == html / "index.html"


@pytest.mark.parametrize(("code", "expected"), [(2, 2), (0, 1)])
def test_failed_build_stops(
    code: int, expected: int, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "run", lambda _: code)
    with pytest.raises(make.Stop, match="not built") as stop:
        make.build_book()
    assert stop.value.code == expected


def test_book_ends_with_the_path_of_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    index = tmp_path / "index.html"
    monkeypatch.setattr(make, "environment", lambda _: "python")
    monkeypatch.setattr(make, "build_book", lambda python: index)
    assert make.main(["book"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Built the book in ")
    assert last.endswith(f" {index}")


# ---- the PDF ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "! Undefined control sequence.",
        "./nnbook.tex:555: Package xcolor Error: Undefined color `scratch'.",
        "LaTeX Warning: Reference `equation:eq-a' on page 7 undefined on input line 12.",
        "LaTeX Warning: Hyper reference `book/x::doc' on page 2 undefined on input line 9.",
        "LaTeX Warning: Citation `book/references:id3' on page 1 undefined on input line 3.",
        "LaTeX Warning: Label `fig-a' multiply defined.",
        "LaTeX Warning: Float too large for page by 40.3pt on input line 18370.",
        "LaTeX Font Warning: Font shape `TU/X(0)/m/it' undefined",
        "Package hyperref Warning: Option `pdflang' has already been used,",
        "Missing character: There is no 准 (U+51C6) in font TeX Gyre Pagella!",
        "[1][2]xdvipdfmx:warning: Annotation out of page boundary.",
        r"Overfull \hbox (20.1pt too wide) in paragraph at lines 5636--5636",
        r"Overfull \vbox (348.0pt too high) has occurred while \output is active",
    ],
)
def test_what_latex_complains_of_is_seen(line: str) -> None:
    assert make.complaints(f"This is XeTeX\n{line}\n[1] [2]\n") == [line]


def test_what_latex_only_mentions_is_not_a_complaint() -> None:
    log = r"""This is XeTeX, Version 3.141592653-2.6-0.999994
(./nnbook.sty Package: nnbook 2026/11/24 Neural networks, twice
Package hyperref Info: Option `colorlinks' set `true' on input line 30.
LaTeX Font Info:    Font shape `TU/TeXGyrePagella(0)/m/sc' will be scaled.
Overfull \hbox (19.9pt too wide) in paragraph at lines 31808--31810
Underfull \hbox (badness 10000) in paragraph at lines 19444--19444
 \TU/DejaVuSansMono(0)/m/n/8 UserWarning: this is what the book's code prints
Output written on nnbook.xdv (492 pages, 4149167 bytes).
"""
    assert make.complaints(log) == []


def latexmk_that(
    monkeypatch: pytest.MonkeyPatch, tex: Path, log: str, said: str = "", code: int = 0
) -> list[list[str]]:
    """Let latexmk leave a log, and return what else is started."""
    started: list[list[str]] = []

    def run(command: list[str]) -> int:
        started.append(command)
        return 0

    def latexmk(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[0] == "latexmk"
        tex.with_suffix(".log").write_text(log, encoding="utf-8")
        return subprocess.CompletedProcess(command, code, stdout=said)

    monkeypatch.setattr(make, "run", run)
    monkeypatch.setattr(subprocess, "run", latexmk)
    return started


def test_pdf_is_made_of_text_and_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tex, picture = tmp_path / "nnbook.tex", tmp_path / "a.svg"
    picture.touch()
    first_run = "LaTeX Warning: Reference `eq-a' on page 7 undefined on input line 12.\n"
    started = latexmk_that(monkeypatch, tex, "[1] [2]", said=first_run)
    assert make.build_pdf(tex) == tmp_path / "nnbook.pdf"
    assert [command[0] for command in started] == ["rsvg-convert"]
    assert started[0][-2:] == [str(tmp_path / "a.pdf"), str(picture)]


@pytest.mark.parametrize(
    ("log", "said", "code", "told"),
    [
        ("Missing character: There is no ✓ in font X!", "", 0, "no ✓ in font"),
        ("[1]", "[1]xdvipdfmx:warning: Object @page.1 already defined.", 0, "already defined"),
        ("[1]", "Latexmk: the end was not reached", 12, "end was not reached"),
    ],
)
def test_pdf_with_a_complaint_stops(
    log: str, said: str, code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latexmk_that(monkeypatch, tmp_path / "nnbook.tex", log, said, code)
    with pytest.raises(make.Stop, match=told) as stop:
        make.build_pdf(tmp_path / "nnbook.tex")
    assert stop.value.code == (code or 1)


def test_pdf_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(_: str) -> str:
        raise AssertionError("it went to work")

    monkeypatch.setattr(make, "environment", never)
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "latexmk" else None)
    assert make.main(["pdf"]) == 1
    said = capsys.readouterr().out
    assert "needs xelatex, rsvg-convert, which" in said
    assert f"sudo apt-get install {make.PDF_PACKAGES}" in said


def test_pdf_ends_with_the_path_of_the_file(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tree / "made.pdf"
    made.write_text("pages", encoding="utf-8")
    (tree / "build").mkdir()
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(make, "environment", lambda extra: f"python with {extra}")
    monkeypatch.setattr(make, "build_tex", lambda python: Path(python))
    monkeypatch.setattr(make, "build_pdf", lambda tex: made if "with book" in str(tex) else None)
    assert make.main(["pdf"]) == 0
    target = tree / "build" / "nnbook.pdf"
    assert capsys.readouterr().out.splitlines()[-1].endswith(f" {target}")
    assert target.read_text(encoding="utf-8") == "pages"


# ---- README and .ci/run -------------------------------------------------------------------------


def command_under(heading: str) -> str:
    """Return the one command line of the one fenced bash block under a heading of README.md."""
    sections = re.split(r"(?m)^## ", read("README.md"))
    found = [s for s in sections if s.splitlines()[:1] == [heading]]
    assert len(found) == 1, f"README.md has {len(found)} headings {heading!r}"
    blocks = re.findall(r"(?ms)^```bash\n(.*?)^```$", found[0])
    assert len(blocks) == 1, f"{len(blocks)} bash blocks under {heading!r}"
    lines = [line for line in str(blocks[0]).splitlines() if line.strip()]
    assert len(lines) == 1, f"{len(lines)} command lines under {heading!r}"
    return lines[0]


@pytest.mark.parametrize(
    ("heading", "command"),
    [("Build the book", "python3 make.py book"), ("Run the tests", "python3 make.py test")],
)
def test_readme_has_one_command_under(heading: str, command: str) -> None:
    assert command_under(heading) == command


def ci_run_in(folder: Path, readme: str) -> subprocess.CompletedProcess[str]:
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    command = ["bash", str(folder / ".ci" / "run"), "--show"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@posix_only
def test_ci_runs_the_commands_of_the_readme(tmp_path: Path) -> None:
    done = ci_run_in(tmp_path, read("README.md"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        command_under("Run the tests"),
        command_under("Build the book"),
    ]


README = "# t\n\n## Build the book\n\n```bash\na\n```\n\n## Run the tests\n\n```bash\nb c\n```\n"


@posix_only
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("## Run the tests", "## Run tests", "0 headings"),
        ("## Run the tests", "### Run the tests", "0 headings"),
        ("b c\n", "b c\nd\n", "2 command lines"),
        ("b c\n", "\n", "0 command lines"),
        ("```bash\nb", "```text\nb", "0 bash blocks"),
        ("b c\n```", "b c\n```\n```bash\nd\n```", "2 bash blocks"),
        ("b c\n```", "b c\n```\n```bash\n```", "2 bash blocks"),
        ("# t\n", "# t\n## Run the tests\n", "2 headings"),
    ],
)
def test_ci_refuses_another_readme(old: str, new: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    assert ci_run_in(tmp_path / "good", README).stdout == "b c\na\n"
    (tmp_path / "bad").mkdir()
    assert README.count(old) == 1
    done = ci_run_in(tmp_path / "bad", README.replace(old, new))
    assert done.returncode != 0
    assert told in done.stderr
    assert "## Run the tests" in done.stderr


# ---- pins ---------------------------------------------------------------------------------------


def pins() -> dict[str, str]:
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    wrong = [line for line in lines if not PIN.fullmatch(line)]
    assert not wrong, f"constraints.txt: not an exact version: {wrong}"
    found = [match for line in lines if (match := PIN.fullmatch(line))]
    names = [match["name"] for match in found]
    assert len(names) == len(set(names)), "constraints.txt names a package twice"
    return {match["name"]: match["version"] for match in found}


def requirements() -> list[Requirement]:
    """Return what pyproject.toml asks for, all extras together."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    named = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    return [r for r in map(Requirement, named) if r.name != "nnbook"]


def test_every_direct_dependency_is_pinned_within_its_bounds() -> None:
    versions = pins()
    assert len(requirements()) > 15
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        assert name in versions, f"constraints.txt lacks {name}: run python3 make.py pins"
        assert requirement.specifier.contains(versions[name]), requirement


def test_everything_installed_for_the_tests_is_pinned() -> None:
    """Follow the requirements of what is installed: each one has its line, and that version."""
    versions = pins()
    todo = requirements()
    seen: set[tuple[str, frozenset[str]]] = set()
    wrong = set()
    while todo:
        requirement = todo.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            here = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of the extra lab, or of another system
        if name not in versions:
            wrong.add(f"{name} is installed but not in constraints.txt")
        elif make.pinned() and here.version != versions[name]:
            wrong.add(f"{name}: {here.version} is installed, constraints.txt has {versions[name]}")
        for line in here.requires or ():
            needed = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, environments)):
                todo.append(needed)
    assert len(seen) > 100
    assert not wrong, sorted(wrong)


def test_nnbook_needs_numpy_alone() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert [Requirement(r).name for r in project["dependencies"]] == ["numpy"]
    program = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        before = set(sys.modules)
        import nnbook
        known = {*sys.stdlib_module_names, "numpy", "nnbook"}
        new = {name.split(".")[0] for name in set(sys.modules) - before
               if getattr(sys.modules[name], "__file__", None)}
        assert "nnbook" in new
        print(*sorted(new - known))
    """
    command = [sys.executable, "-c", program, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


# ---- the files of the project -------------------------------------------------------------------


def project_files() -> list[Path]:
    """Return the files that are, or would be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = done.stdout.split("\0")[:-1]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        hidden = re.compile(r"/(\.venv|build|\.\w+_cache|__pycache__|[\w.-]+\.egg-info)/")
        every = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in every if not hidden.search(f"/{name}/")]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


FOREIGN = {
    # Written in pieces, so that this file does not contain them.
    "a registry's host": "|".join(
        re.escape(".".join(host))
        for host in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs"),
            ("deb", "debian", "org"),
        )
    ),
    "a path of one machine": "|".join(
        # Where this clone and this user are, and where those of its authors were.
        [re.escape(str(path)) for path in (ROOT, Path.home()) if len(path.parts) > 2]
        + [r"(?<![\w.$~}>-])/(?:work|root|opt)/\w"]
    ),
    "a place of one run": "ipykernel_" + r"\d",
}


def foreign_words(text: str) -> list[str]:
    return [
        f"{what}: {match[0]}"
        for what, pattern in FOREIGN.items()
        for match in re.finditer(pattern, text)
    ]


def test_no_file_names_a_registry_or_a_machine() -> None:
    wrong = []
    files = project_files()
    assert ROOT / "make.py" in files
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a font
        wrong += [f"{path.relative_to(ROOT)}: {found}" for found in foreign_words(text)]
    assert not wrong, wrong


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "pypi" + ".org/simple",
        "see " + str(ROOT),
        '"/' + 'root/x"',
        "ipykernel" + "_12/3.py:1: UserWarning",
    ],
)
def test_foreign_words_are_seen(text: str) -> None:
    assert len(foreign_words(text)) == 1


def test_citation_fits_the_package() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert all(set(author) == {"name"} for author in citation["authors"])
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert f"## [{project['version']}]" in read("CHANGELOG.md")
    assert re.search(rf'(?m)^__version__ = "{project["version"]}"$', read("nnbook/__init__.py"))


def test_licences_are_whole() -> None:
    assert "Copyright (c) 2026 The nnbook authors" in read("LICENSE")
    text = read("LICENSE-CC-BY-4.0.txt")
    assert text.startswith("Attribution 4.0 International\n")
    assert [n for n in range(1, 9) if f"\nSection {n} -- " not in text] == []


# ---- style and types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_code_is_clean(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"


# ---- workflows ----------------------------------------------------------------------------------

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = re.compile(r"\s*(?:- )?uses: (?:\./\S+|[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)")


def workflow(name: str) -> dict[str, Any]:
    text = read(f".github/workflows/{name}.yml")
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  "on" stays a word
    return found


def test_there_are_workflows() -> None:
    assert [path.stem for path in WORKFLOWS] == ["publish", "verify"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not ACTION.fullmatch(line)] == []


def test_one_action_has_one_commit() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    used = set(re.findall(r"uses: ([\w/-]+@.*)", text))
    assert len({use.split("@")[0] for use in used}) == len(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_has_least_permissions(path: Path) -> None:
    found = workflow(path.stem)
    assert found["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in found["on"]
    for name, job in found["jobs"].items():
        allowed = {"pages": "write", "id-token": "write"} if name == "deploy" else None
        assert job.get("permissions") == allowed, name
        assert "timeout-minutes" in job or "uses" in job, name
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] == "false"


def test_verify_covers_what_is_promised() -> None:
    found = workflow("verify")
    assert {"push", "pull_request", "schedule", "workflow_call"} <= set(found["on"])
    matrix = found["jobs"]["verify"]["strategy"]["matrix"]
    assert matrix["system"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.11", "3.13"]
    newest = found["jobs"]["newest"]
    assert "schedule" in newest["if"]
    assert newest["steps"][-1]["env"] == {"NNBOOK_PINS": "off"}


def test_only_verified_main_is_published() -> None:
    found = workflow("publish")
    assert found["on"] == {"push": {"branches": ["main"]}}
    assert workflow("verify")["on"]["push"] == {"branches-ignore": ["main"]}
    jobs = found["jobs"]
    assert jobs["verify"]["uses"] == "./.github/workflows/verify.yml"
    assert jobs["build"]["needs"] == "verify"
    assert jobs["deploy"]["needs"] == "build"


def test_pdf_is_published_with_the_pages() -> None:
    steps = workflow("publish")["jobs"]["build"]["steps"]
    commands = [step.get("run", "") for step in steps]
    (install,) = (command for command in commands if "apt-get install" in command)
    assert install.split("--no-install-recommends ")[1].strip() == make.PDF_PACKAGES
    built = [command for command in commands if "make.py" in command]
    assert built == ["python3 make.py pdf", "python3 make.py book"]  # the pages link what is there
    (kept,) = (step for step in steps if "upload-artifact@" in step.get("uses", ""))
    assert kept["with"]["path"] == "build/nnbook.pdf"
    assert kept["with"]["if-no-files-found"] == "error"


def test_published_pages_say_when_they_were_verified() -> None:
    """One job keeps the record of its run; the job that builds puts it where the pages look."""
    (kept,) = (
        step
        for step in workflow("verify")["jobs"]["verify"]["steps"]
        if "upload-artifact@" in step.get("uses", "")
    )
    assert kept["if"] == "runner.os == 'Linux' && matrix.python == '3.13'"
    assert kept["with"]["if-no-files-found"] == "error"
    steps = workflow("publish")["jobs"]["build"]["steps"]
    (at,) = (i for i, s in enumerate(steps) if "download-artifact@" in s.get("uses", ""))
    got = steps[at]["with"]
    assert got["name"] == kept["with"]["name"]
    there = ROOT / got["path"] / Path(kept["with"]["path"]).name  # an artifact of one file
    assert ROOT / kept["with"]["path"] == there == facts.RECORD
    assert not any("make.py" in step.get("run", "") for step in steps[:at])
    # Before, since it clears the folder.
    assert any("actions/checkout@" in step.get("uses", "") for step in steps[:at])
