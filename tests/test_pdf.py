"""The whole book as Sphinx writes it for LaTeX. No LaTeX is needed here: `make.py pdf` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests import pages
from tests.verify import equations, facts, notebooks

BUILD = "import pathlib, sys, make; make.build_tex(pathlib.Path(sys.argv[1]))"


@pytest.fixture(scope="module")
def tex(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the book for LaTeX, without any warning."""
    output = tmp_path_factory.mktemp("pdf")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(output)],
        cwd=pages.REPO,
        env={**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert not re.findall(r"(?m)^.*(?:WARNING|ERROR).*$", done.stdout)
    return output / "_build" / "latex" / "nnbook.tex"


@pytest.fixture(scope="module")
def text(tex: Path) -> str:
    return tex.read_text(encoding="utf-8")


def cells() -> list[notebooks.Cell]:
    paths = notebooks.notebook_paths()
    return [cell for path in paths for cell in notebooks.read_notebook(path).cells]


def test_chapters_stand_in_the_order_of_the_contents(text: str) -> None:
    toc = yaml.safe_load((pages.REPO / "book" / "_toc.yml").read_text(encoding="utf-8"))
    assert re.findall(r"\\part\{(.*)\}", text) == [part["caption"] for part in toc["parts"]]
    listed = [item["file"] for part in toc["parts"] for item in part["chapters"]]
    at = [text.index(rf"\label{{\detokenize{{{name}::doc}}}}") for name in [toc["root"], *listed]]
    assert at == sorted(at)
    titles = re.findall(r"\\chapter\{(.*)\}", text.replace(r"\sphinxhyphen{}", "-"))
    assert len(titles) == 1 + len(listed)
    assert titles[0] == "Introduction"
    chapters = [notebooks.read_notebook(path) for path in notebooks.notebook_paths()]
    without_numbers = [facts.title(chapter).partition(" · ")[2] for chapter in chapters]
    assert titles[1 : 1 + len(chapters)] == without_numbers


def test_chapters_alone_are_numbered(text: str) -> None:
    for match in re.finditer(r"\\chapter\{.*\}\n\\label\{\\detokenize\{([\w/]+):", text):
        counting = re.findall(r"\\setcounter\{secnumdepth\}\{(-?\d)\}", text[: match.start()])
        assert counting[-1] == ("0" if match[1].startswith("notebooks/") else "-2"), match[1]


def test_each_labelled_equation_is_there_once(text: str) -> None:
    labels = Counter(re.findall(r"\\label\{equation:notebooks/\w+:([a-z0-9-]+)\}", text))
    shown = [str(one.equation.label) for one in equations.shown_in_book()]
    assert len(shown) > 100
    assert labels == Counter(shown)


def test_links_lead_to_labels_that_are_there_once(text: str) -> None:
    plain = text.replace(r"\detokenize", "").replace("{", "").replace("}", " ")
    labels = Counter(re.findall(r"\\label(\S+)", plain))
    assert [label for label, times in labels.items() if times > 1] == []
    for command in (r"\\ref(?=\S*:)", r"\\eqref", r"\\hyperref\["):
        linked = set(re.findall(rf"{command}([^\s\]]+)", plain))
        assert linked
        assert linked - set(labels) == set()


def test_every_picture_is_there_as_svg_for_rsvg(tex: Path, text: str) -> None:
    drawn = sum(
        "image/svg+xml" in output.get("data", {})
        for cell in cells()
        for output in cell.get("outputs", [])
    )
    named = re.findall(r"\\sphinxincludegraphics\{\{([\w-]+)\}\.(\w+)\}", text)
    assert len(named) == drawn + 1  # the one of the introduction
    assert {kind for _, kind in named} == {"pdf"}
    assert [name for name, _ in named if not (tex.parent / f"{name}.svg").is_file()] == []


def test_figures_to_operate_say_where_they_work(text: str) -> None:
    shown = [
        output["data"]["text/plain"]
        for cell in cells()
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    assert shown
    for figure in shown:
        title = re.sub(r"<Figure [a-z0-9-]+: (.*)>", r"\1", "".join(figure))
        assert rf"on the page: \sphinxstyleemphasis{{{title}.}}" in text
    assert r"\PYGZlt{}Figure" not in text


def test_cells_of_pairs_and_solutions_are_marked(tex: Path, text: str) -> None:
    looks = (tex.parent / "nnbook.sty").read_text(encoding="utf-8")
    tags = Counter(tag for cell in cells() for tag in cell["metadata"].get("tags", []))
    for tag in ("from-scratch", "keras", "same", "hide-cell"):
        assert rf"\newenvironment{{sphinxclasstag_{tag}}}" in looks
        assert text.count(rf"\begin{{sphinxuseclass}}{{tag_{tag}}}") == tags[tag] > 0


def test_what_only_pages_have_is_left_out(text: str) -> None:
    assert not re.findall(r"</?(?:a|div|figure|img|svg)\b|<!--|nnbook\.pdf|_modules", text)
    assert "(source)" not in text


def test_references_stand_under_their_heading(text: str) -> None:
    assert (
        text.index(r"\chapter{References}")
        < text.index(r"\begin{sphinxthebibliography}")
        < text.index(r"\part{For authors}")
    )
