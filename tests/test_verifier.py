"""The verifier is itself tested: each kind of damage must make the run fail, and say where.

No check here is believed because it passes: every one has a mutant beside it that must fail.
"""

from __future__ import annotations

import base64
import copy
import io
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from nbformat import v4

from tests.verify import equations, mutants, prose
from tests.verify.execute import main as execute_main
from tests.verify.figures import TOLERANCE_PT, compare_pixels, compare_svg
from tests.verify.markdown import Equation
from tests.verify.no_network import NetworkForbiddenError, is_local
from tests.verify.notebooks import (
    ROOT,
    Cell,
    Notebook,
    cell_name,
    notebook_paths,
    page_paths,
    read_notebook,
    write_notebook,
)
from tests.verify.numbers import Number, agree, read_numbers
from tests.verify.outputs import differences
from tests.verify.structure import notebook_problems

Output = dict[str, Any]
Capture = pytest.CaptureFixture[str]

chapters = pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)


def printed(text: str) -> list[Output]:
    """The output of a cell that prints."""
    return [{"output_type": "stream", "name": "stdout", "text": text}]


def shown(mime: str, value: str) -> list[Output]:
    """The output of a cell that displays."""
    return [{"output_type": "display_data", "metadata": {}, "data": {mime: value}}]


# --- numbers -------------------------------------------------------------------------------------


def test_which_tokens_are_numbers() -> None:
    text = "dense_1 0x7f 3.11.2 float32: -1.5e-03, 1,000 of (32, 8), < 1e-06; 96.5% -0.00 1. 2pt"
    assert [n.text for n in read_numbers(text)] == (
        ["-1.5e-03", "1,000", "32", "8", "1e-06", "96.5", "-0.00", "1", "2"]
    )


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        ("0.693", "0.694"),
        ("-0.00", "0.00"),
        ("-0.00", "0.01"),
        ("9.99", "10.00"),
        ("9.99e-05", "1.00e-04"),
        ("[ 9.99  1.00]", "[10.00  1.00]"),
        ("x = nan", "x = nan"),
        ("< 1e-06", "< 1e-06"),
    ],
)
def test_a_unit_of_the_last_digit_is_accepted(stored: str, fresh: str) -> None:
    assert differences(printed(stored), printed(fresh)) == []


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        ("0.693", "0.695"),
        ("0.5", "0.52"),
        ("0.69", "0.7000"),  # fewer digits do not widen the tolerance
        ("10", "11"),
        ("1", "1.0"),
        ("< 1e-06", "< 2e-06"),
        ("< 1e-06", "< 1e-05"),
        ("1.23e-05", "1.25e-05"),
        ("nan", "0.0"),
        ("inf", "-inf"),
        ("True", "False"),
        ("3.11.2", "3.11.3"),
        ("0x7f", "0x7e"),
        ("dense_1", "dense_2"),
        ("loss 0.50", "loss  0.50"),
        ("a\nb", "a\nb\nc"),
        ("0.5 0.5", "0.5"),
        ("0.5 a", "0.5 b"),
        ("[1. 0.]", "[1. 1.]"),
        ("-0.50", "0.50"),
    ],
)
def test_more_is_a_difference(stored: str, fresh: str) -> None:
    assert differences(printed(stored), printed(fresh))
    assert differences(printed(fresh), printed(stored))
    assert differences(
        shown("text/html", f"<b>{stored}</b>"), shown("text/html", f"<b>{fresh}</b>")
    )


decimals = st.builds(
    lambda digits, places, sign: Number(f"{sign}{digits / 10**places:.{places}f}"),
    st.integers(0, 10**9),
    st.integers(1, 8),
    st.sampled_from(["", "-"]),
)


@given(decimals, st.integers(2, 10**6))
def test_property_two_units_or_more_are_caught(number: Number, units: int) -> None:
    text = f"loss: {number.text} (mean)"
    damaged = f"loss: {mutants.moved(number, units)} (mean)"
    (said,) = differences(printed(text), printed(damaged))
    assert said.startswith("output 1 (stdout): line 1: stored ")
    assert f"{units} units" in said


@given(decimals, st.sampled_from([-1, 0, 1]))
def test_property_one_unit_is_accepted(number: Number, units: int) -> None:
    damaged = Number(mutants.moved(number, units))
    assert agree(number, damaged)
    assert not differences(printed(f"a  {number.text}  b"), printed(f"a  {damaged.text}  b"))


@given(st.integers(), st.integers())
def test_property_integers_are_exact(a: int, b: int) -> None:
    assert (differences(printed(f"n = {a}"), printed(f"n = {b}")) == []) == (a == b)


@given(st.text())
def test_property_equal_text_is_equal(text: str) -> None:
    assert differences(printed(text), printed(text)) == []


# --- outputs -------------------------------------------------------------------------------------


def test_kind_number_and_order_of_outputs_count() -> None:
    figure = shown("image/svg+xml", "<svg/>")
    assert differences(printed("a") + figure, figure + printed("a"))
    assert differences(printed("a") + figure, printed("a"))
    assert differences([], printed("a"))
    assert differences(shown("text/plain", "a"), shown("text/html", "a"))
    assert not differences(printed("a") + printed("b"), printed("ab"))


def test_a_result_has_its_count_and_metadata() -> None:
    result = {"output_type": "execute_result", "metadata": {}, "data": {"text/plain": "5"}}
    stored, fresh = {**result, "execution_count": 3}, {**result, "execution_count": 4}
    assert differences([stored], [fresh]) == [
        "output 1 (execution_count): stored 3, fresh 4",
    ]
    assert differences([stored], [{**stored, "metadata": {"width": 5}}])


def test_errors_are_compared() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "got 5", "traceback": []}
    assert not differences([error], [{**error, "traceback": ["elsewhere"]}])
    assert differences([error], [{**error, "evalue": "got 6"}])
    assert differences([error], [{**error, "ename": "TypeError"}])


def test_stderr_is_always_a_difference() -> None:
    warning = [{"output_type": "stream", "name": "stderr", "text": "careful"}]
    assert "stderr must be empty" in differences(warning, warning)[0]


# --- figures -------------------------------------------------------------------------------------


def draw(shift: float = 0.0, colour: str = "C0", label: str = "loss", kind: str = "svg") -> bytes:
    """A figure with a curve, a scatter, and an embedded picture; `shift` is in axes heights."""
    figure = Figure(figsize=(4, 3))
    axes = figure.add_subplot(ylim=(0, 1), xlim=(0, 1), ylabel=label)
    x = np.linspace(0, 1, 50)
    axes.plot(x, 0.2 + 0.5 * x**2 + shift, color=colour)
    axes.scatter([0.5], [0.5])
    axes.imshow(np.arange(4).reshape(2, 2), extent=(0.0, 0.2, 0.8, 1.0), aspect="auto")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    file = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "book"}):
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()


def svg(**arguments: Any) -> str:
    """The figure as SVG."""
    return draw(**arguments).decode()


def test_the_same_figure_is_the_same() -> None:
    assert compare_svg(svg(), svg()) == []


def test_a_curve_within_the_tolerance_is_the_same() -> None:
    moved = svg(shift=TOLERANCE_PT / 2 / (0.77 * 3 * 72))  # the axes are 0.77 of 3 inches high
    assert moved != svg()
    assert compare_svg(svg(), moved) == []


def test_hashed_ids_may_differ_when_they_play_the_same_role() -> None:
    ids = {node.get("id", "") for node in ElementTree.fromstring(svg()).iter()}  # noqa: S314
    hashed = {name for name in ids if len(name) == 11 and name[0] in "mp"}
    assert hashed
    renamed = svg()
    for name in hashed:
        renamed = renamed.replace(name, name[0] + name[:0:-1])
    assert renamed != svg()
    assert compare_svg(svg(), renamed) == []


def test_a_curve_moved_by_two_percent_is_caught() -> None:
    for damaged in (svg(shift=0.02), mutants.move_curve(svg(), 0.02)):
        (said,) = compare_svg(svg(), damaged or "")
        assert "path" in said
        assert "in line2d" in said
        assert "moved" in said
        assert f"(tolerance {TOLERANCE_PT})" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#1f77b4", "#1f77b5"),
        ("stroke-width: 1.5", "stroke-width: 1.6"),
        ("scale(0.1 -0.1)", "scale(0.11 -0.1)"),
        ("#DejaVuSans-4f", "#DejaVuSans-52"),  # an l becomes an o
        ("clip-path", "clip-rule"),
        ("<use ", "<path "),
        ('id="axes_1"', 'id="axes_2"'),
    ],
)
def test_another_look_is_caught(old: str, new: str) -> None:
    before, found, after = svg().rpartition(old)
    assert found
    assert compare_svg(svg(), before + new + after)


def test_another_label_or_picture_is_caught() -> None:
    assert compare_svg(svg(), svg(label="boss"))
    assert compare_svg(svg(), svg(label="losses"))
    assert "not readable" in compare_svg(svg(), "<svg>")[0]


def test_the_embedded_picture_is_compared() -> None:
    start = svg().index("base64,") + len("base64,")
    end = svg().index('"', start)
    with io.BytesIO(base64.b64decode(svg()[start:end])) as file:
        pixels = mpl.image.imread(file).copy()
    pixels[: len(pixels) // 10] = pixels[-1]
    file = io.BytesIO()
    mpl.image.imsave(file, pixels, format="png")
    damaged = svg()[:start] + base64.b64encode(file.getvalue()).decode() + svg()[end:]
    (said,) = compare_svg(svg(), damaged)
    assert "pixels differ" in said


def test_pixels() -> None:
    def as_output(**arguments: Any) -> list[Output]:
        return shown("image/png", base64.b64encode(draw(kind="png", **arguments)).decode())

    assert differences(as_output(), as_output()) == []
    assert differences(as_output(), as_output(shift=0.0002)) == []
    for change in ({"shift": 0.02}, {"colour": "C1"}, {"label": "boss"}):
        (said,) = differences(as_output(), as_output(**change))
        assert "pixels differ" in said
    assert "not readable" in compare_pixels(draw(kind="png"), b"nothing")[0]


# --- the stored outputs of the real chapters -----------------------------------------------------


@chapters
def test_every_stored_number_is_watched(path: Path) -> None:
    """Each decimal of the book moved by two units, each integer by one: all are noticed."""
    watched = 0
    for cell in read_notebook(path).cells:
        for output in cell.get("outputs", []):
            for holder, key in text_places(output):
                whole = holder[key]
                for line in whole.split("\n"):  # texts are compared line by line
                    for number, text in mutants.numbers_moved(line, 1, 2):
                        holder[key] = text
                        assert differences([with_text(output, holder, key, line)], [output]), (
                            f"{path.name}, {cell.id}: {number.text} may change unnoticed"
                        )
                        watched += 1
                holder[key] = whole
    assert watched > 20


def text_places(output: Cell) -> list[tuple[Any, str]]:
    """Where the text of an output is kept: pairs of a dictionary and a key."""
    if output.output_type == "stream":
        return [(output, "text")]
    if output.output_type == "error":
        return [(output, "evalue")]
    return [(output.data, mime) for mime in output.data if mime.startswith("text/")]


def with_text(output: Cell, holder: Any, key: str, text: str) -> Cell:
    """A copy of the output as it was before its text was changed."""
    changed, holder[key] = holder[key], text
    original = copy.deepcopy(output)
    holder[key] = changed
    return original


@chapters
def test_every_stored_figure_is_watched(path: Path) -> None:
    """Each figure with curves: one of them moved by 2 % is noticed; itself is not."""
    for cell in read_notebook(path).cells:
        for output in mutants.figures(cell):
            drawn = output.data[mutants.SVG]
            assert compare_svg(drawn, drawn) == []
            if damaged := mutants.move_curve(drawn, 0.02):
                assert "moved" in compare_svg(drawn, damaged)[0], f"{path.name}, {cell.id}"


@chapters
def test_figures_cannot_be_swapped(path: Path) -> None:
    """No two figures of a chapter count as the same."""
    drawn = [
        output.data[mutants.SVG]
        for cell in read_notebook(path).cells
        for output in mutants.figures(cell)
    ]
    assert drawn
    for i, figure in enumerate(drawn):
        assert all(compare_svg(figure, other) for other in drawn[i + 1 :])


# --- structure, on damaged copies of a chapter ----------------------------------------------------

SOUND = next(path for path in notebook_paths() if path.stem.startswith("07"))


def test_the_chapter_to_be_damaged_is_sound() -> None:
    assert notebook_problems(SOUND) == []


def first(notebook: Notebook, wanted: Callable[[Cell], Any]) -> Cell:
    """The first cell of a kind."""
    return next(cell for cell in notebook.cells if wanted(cell))


def is_code(cell: Cell) -> bool:
    return bool(cell.cell_type == "code" and cell.source.strip())


def never_run(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.execution_count, cell.outputs = None, []
    return cell


def out_of_order(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.execution_count += 1
    return cell


def ignore_mark(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.source = f"# NBVAL_IGNORE_OUTPUT\n{cell.source}"
    return cell


def ignore_tag(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.metadata["tags"] = ["nbval-skip"]
    return cell


def stored_stderr(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.outputs.append(v4.new_output("stream", name="stderr", text="careful"))  # type: ignore[no-untyped-call]
    return cell


def stored_error(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.outputs.append(v4.new_output("error", ename="E", evalue="", traceback=[]))  # type: ignore[no-untyped-call]
    return cell


def no_alt(notebook: Notebook) -> Cell:
    cell = first(notebook, mutants.figures)
    cell.metadata["mystnb"] = {}
    return cell


def short_alt(notebook: Notebook) -> Cell:
    cell = first(notebook, mutants.figures)
    cell.metadata["mystnb"]["image"]["alt"] = "The loss falls in all seven words"
    return cell


def image_without_alt(notebook: Notebook) -> Cell:
    cell = first(notebook, lambda cell: cell.cell_type == "markdown")
    cell.source += "\n\n![](picture.svg)"
    return cell


def random_id(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.id = "3f2a9b1c"
    return cell


def same_id(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.id = notebook.cells[0].id
    return cell


def shell(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.source += "\n!pip install something"
    return cell


def other_bound(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.source += '\nprint("difference < 1e-09:", (1e-7 < 1e-6))'
    return cell


def address(notebook: Notebook) -> Cell:
    cell = first(notebook, mutants.stdout)
    mutants.stdout(cell)[0].text += "<object at 0x7f3a2b1c>"
    return cell


def path_printed(notebook: Notebook) -> Cell:
    cell = first(notebook, mutants.stdout)
    mutants.stdout(cell)[0].text += "/home/me/book.py"
    return cell


def time_printed(notebook: Notebook) -> Cell:
    cell = first(notebook, mutants.stdout)
    mutants.stdout(cell)[0].text += "12 ms"
    return cell


def collapsed(notebook: Notebook) -> Cell:
    cell = first(notebook, is_code)
    cell.metadata["collapsed"] = False
    return cell


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (never_run, "was never run"),
        (out_of_order, "was run out of order"),
        (ignore_mark, "the mark NBVAL_IGNORE_OUTPUT"),
        (ignore_tag, "the mark nbval-skip"),
        (stored_stderr, "stores stderr"),
        (stored_error, "stores an error"),
        (no_alt, "has 0 words of alt text"),
        (short_alt, "has 7 words of alt text"),
        (image_without_alt, "the image picture.svg has 0 words"),
        (random_id, "is a random one"),
        (same_id, "is used twice"),
        (shell, "reaches outside"),
        (other_bound, "prints the bound 1e-09"),
        (address, "a memory address"),
        (path_printed, "an absolute path"),
        (time_printed, "a time"),
        (collapsed, "its metadata has ['collapsed']"),
    ],
)
def test_structural_damage_is_caught(
    tmp_path: Path, damage: Callable[[Notebook], Cell], message: str
) -> None:
    notebook = read_notebook(SOUND)
    cell = damage(notebook)
    copied = tmp_path / SOUND.name
    write_notebook(copied, notebook)
    found = notebook_problems(copied)
    assert any(SOUND.name in said and cell.id in said and message in said for said in found), found


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "venv", "display_name": "mine", "language": "python"}},
        {"language_info": {"name": "python", "version": "3.11.2"}},
        {"widgets": {}},
    ],
)
def test_notebook_metadata_is_watched(tmp_path: Path, metadata: dict[str, Any]) -> None:
    notebook = read_notebook(SOUND)
    notebook.metadata.update(metadata)
    write_notebook(tmp_path / SOUND.name, notebook)
    found = notebook_problems(tmp_path / SOUND.name)
    assert any(next(iter(metadata)) in said for said in found)


# --- prose ---------------------------------------------------------------------------------------


def sample_chapter(*outputs: str, number: int = 10) -> prose.Chapter:
    """A chapter with one `##` section that prints the given outputs."""
    cells = [v4.new_markdown_cell("# Title"), v4.new_markdown_cell("## One")]  # type: ignore[no-untyped-call]
    cell = v4.new_code_cell("units = 7", outputs=[])  # type: ignore[no-untyped-call]
    for text in outputs:
        cell.outputs.append(v4.new_output("stream", text=text))  # type: ignore[no-untyped-call]
    notebook = v4.new_notebook(cells=[*cells, cell, v4.new_markdown_cell("## Two")])  # type: ignore[no-untyped-call]
    return prose.Chapter.from_notebook(f"{number}_sample", notebook, [])


OUTPUTS = "accuracy 0.9649, loss -0.6931, 1000 rows, difference < 1e-06, 12 of float32 (5, 3), 4.0"


@pytest.mark.parametrize(
    "text",
    [
        "0.96 and 0.965 and 0.9649",
        "96.5 % or 96.49% or **96** %",
        "a loss of -0.69 (\u22120.693)",
        "1000 or 1,000 rows",
        "below 1e-06, that is $10^{-6}$ or 10⁻⁶",
        "$w_1 + 2 x_0 = 0.96$ and $96.5\\,\\%$",
        "`units=7` of `float32`, `accuracy 0.9649`, `12`, `(5, 3)` and `(n,3)`",
        "```python\nunits = 7\n```",
        "see [500 pages](https://example.org/9) and {cite}`a1986` and {eq}`eq-99`",
        "9. a list\n10. goes on",
        "Exercise 10.3 is hard",
        "$M_{10} + \\tfrac12 x_{i,23}$",
        "[chapter 11](11_real_data.ipynb)",
        "```{note}\n:name: n-55\n0.96\n```",
    ],
)
def test_prose_that_stands(text: str) -> None:
    if "500" in text:
        assert sample_chapter(OUTPUTS).problems(text, 1)  # the text of a link is prose
        text = text.replace("500 ", "")
    assert sample_chapter(OUTPUTS).problems(text, 1) == []


@pytest.mark.parametrize(
    "text",
    [
        "0.97",
        "0.964",  # not how it rounds
        "0.96490",  # more digits than were printed
        "0.6931",  # the sign is another
        "96.4 %",
        "97 %",
        "96",  # without the sign of a percentage it is an integer
        "100 rows",
        "4",  # 4.0 is a measurement, 4 a count
        "11",
        "1e-05",
        "$10^{-5}$",
        "10⁻⁵",
        "$x = 0.97$",
        "$x^{13}$",
        "$$x = 13$$ (eq-x)",
        "`units = 8`",
        "`unit = 7`",
        "`its = 7`",
        "`7`",  # a bare number is no quotation
        "`(1000, 12)`",  # both numbers are there, the shape is not
        "`(n, 5)`",
        "```python\nunits = 8\n```",
        "float64",
        "3.11.2",
        "Exercise 11.3",
        "chapter 11",
        "[chapter 10](11_real_data.ipynb)",
        "# 11 · Title",
        "# 12 · Title",
        "# Title",
        "Exercise 00.12",
        "![a curve at 0.97](a.svg)",
        "| a |\n|---|\n| 0.97 |",
        "- **0.97**",
        "> 0.97",
        "```{note}\n0.97\n```",
        ":::{admonition} At 0.97\ntext\n:::",
        "```{figure} a.svg\n:alt: at 0.97\nwords\n```",
        "term\n: 0.97",
        "<b>0.97</b>",
        "<details>0.97</details>",
        "```{unheard-of}\n```",
        "{unheard-of}`x`",
        "{{ text }}",
        "a displayed $$x$$ that is none",
        ".97",
        "0.9\u200b7",
    ],
)
def test_prose_that_does_not_stand(text: str) -> None:
    assert sample_chapter(OUTPUTS).problems(text, 1)


def test_prose_message_names_number_sentence_and_the_nearest_output() -> None:
    (said,) = sample_chapter(OUTPUTS).problems("First. The accuracy is 0.97 here. Last.", 1)
    assert said == (
        "0.97 stands in no output of 'One' (nearest there: 0.9649): 'The accuracy is 0.97 here.'"
    )


def test_prose_is_bound_to_its_section() -> None:
    chapter = sample_chapter(OUTPUTS)
    assert chapter.problems("0.965", 2)  # in section Two
    assert chapter.problems("## Three\n0.965", 1)
    assert not chapter.problems("0.965", 0)  # the introduction may use the whole chapter


@chapters
@pytest.mark.parametrize("what", ["alt text", "caption"])
def test_alt_texts_and_captions_are_prose(path: Path, what: str) -> None:
    notebook = read_notebook(path)
    cell = first(notebook, mutants.figures)
    kind, key = ("image", "alt") if what == "alt text" else ("figure", "caption")
    cell.metadata.setdefault("mystnb", {}).setdefault(kind, {})[key] = "A curve at 0.123456."
    problems = prose.notebook_prose_problems(path.stem, notebook)
    assert any(cell.id in said and f"{what}: 0.123456 stands in no" in said for said in problems)


@chapters
def test_numbers_of_exercises_are_watched(path: Path) -> None:
    notebook = read_notebook(path)
    number = int(path.stem[:2])
    before = prose.notebook_prose_problems(path.stem, notebook)
    for old, new in ((f"Exercise {number}.2", f"Exercise {number}.7"), (f"{number}.1", "0.1")):
        damaged = copy.deepcopy(notebook)
        for cell in damaged.cells:
            cell.source = cell.source.replace(old, new)
        new_problems = set(prose.notebook_prose_problems(path.stem, damaged)) - set(before)
        assert any("the exercises are numbered" in said for said in new_problems)


def test_constants_are_bound_to_their_words() -> None:
    chapter = sample_chapter(OUTPUTS)
    chapter.constants = [prose.Constant("Keras 8", "*", "a name")]
    assert not chapter.problems("With Keras 8 all is well.", 1)
    assert chapter.problems("With Keras 9 all is well.", 1)
    assert chapter.problems("With Keras 8.5 all is well.", 1)
    assert chapter.problems("With TensorFlow 8 all is well.", 1)
    assert chapter.problems("With Keras 12 all is well.", 1)  # though an output prints 12
    with pytest.raises(ValueError, match="needs a word"):
        prose.Constant("12", "*", "bound to nothing, it would stand anywhere")


# --- formulas ------------------------------------------------------------------------------------


def formulas(markdown: str, tests: str) -> list[str]:
    """The problems of one markdown cell beside one test module."""
    cell = v4.new_markdown_cell(markdown, id="the-idea")  # type: ignore[no-untyped-call]
    notebook = v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    found = equations.shown_in_notebook("10_x.ipynb", notebook)
    return equations.equation_problems(found, equations.proofs_in_source(tests, "test_x.py"))


PROOF = '@proves("eq-sum", r"z = x + \\beta")\ndef test_sum() -> None: ...\n'


@pytest.mark.parametrize(
    "shown",
    [
        "$$z = x + \\beta$$ (eq-sum)",
        "$$\nz = x\n  + \\beta\n$$ (eq-sum)",
        "```{math}\n:label: eq-sum\nz = x + \\beta\n```",
        ":::{note}\n```{math}\n:label: eq-sum\n\nz = x + \\beta\n```\n:::",
    ],
)
def test_a_proven_formula(shown: str) -> None:
    assert formulas(shown, PROOF) == []


@pytest.mark.parametrize(
    ("shown", "tests", "message"),
    [
        ("$$z = x + \\beta$$ (eq-sum)", "", "no test proves eq-sum"),
        ("$$z = x - \\beta$$ (eq-sum)", PROOF, "make the test prove what is shown"),
        ("$$z = x + \\beta$$ (eq-add)", PROOF, "no test proves eq-add"),
        ("$$z = x + \\beta$$", PROOF, "has no label"),
        ("```{math}\nz = x + \\beta\n```", PROOF, "has no label"),
        ("\\begin{align}z = x + \\beta\\end{align}", PROOF, "has no label"),
        ("$$z = x + \\beta$$ (eq-sum)\n\n$$z = x + \\beta$$ (eq-sum)", PROOF, "used 2 times"),
        ("$$z = x + \\beta$$ (eq-sum)", "@pytest.mark.skip\n" + PROOF, "no test proves eq-sum"),
        ("$$z = x + \\beta$$ (eq-sum)", PROOF.replace("test_", "_"), "no test proves eq-sum"),
        ("$$z = x + \\beta$$ (eq-sum)", f"if 0:\n  {PROOF}".replace("\nd", "\n  d"), "no test"),
    ],
)
def test_an_orphan_or_edited_formula_is_caught(shown: str, tests: str, message: str) -> None:
    said = formulas(shown, tests)
    assert any(message in one and "10_x.ipynb, cell 1 (the-idea)" in one for one in said), said


def test_a_proof_of_nothing_is_caught() -> None:
    assert formulas("No formula.", PROOF) == [
        "test_x.py::test_sum: proves eq-sum, which is on no page"
    ]


@chapters
def test_every_formula_of_a_chapter_is_watched(path: Path) -> None:
    """Each formula edited, unlabelled, or left without its test: noticed, in its own cell."""
    proofs = equations.proofs_in_tests()
    shown = list(equations.shown_in_notebook(path.name, read_notebook(path)))
    for i, place in enumerate(shown):
        edited = Equation(place.equation.latex + " + 1", place.equation.label)
        nameless = Equation(place.equation.latex, None)
        for damaged in (edited, nameless):
            pages = [*shown[:i], equations.Shown(place.where, damaged), *shown[i + 1 :]]
            assert any(
                said.startswith(place.where) for said in equations.equation_problems(pages, proofs)
            )
        others = [proof for proof in proofs if proof.label != place.equation.label]
        assert any(
            said.startswith(place.where) and "no test proves" in said
            for said in equations.equation_problems(shown, others)
        )


# --- the whole run, on damaged copies ------------------------------------------------------------


def run_nbval(path: Path) -> dict[str, str]:
    """Run pytest on a notebook as a user would; give each cell's id its failure, or ''."""
    report = path.with_suffix(".xml")
    settings = ["-c", "pyproject.toml", "--rootdir", ".", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, f"--junitxml={report}", str(path)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert report.exists(), run.stderr
    results = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  # our own report
        problem = case.find("failure")
        text = "" if problem is None else f"{problem.get('message')}\n{problem.text}"
        results[case.get("name", "").partition("(")[2].rstrip(")")] = text
    return results


def check_report(path: Path, notebook: Notebook, expected: dict[str, str]) -> None:
    """Each damaged cell fails with its message and place; each other cell passes."""
    results = run_nbval(path)
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    assert list(results) == code
    for name, text in results.items():
        if name in expected:
            assert expected[name] in text, (name, text)
            assert path.name in text
            assert f"({name})" in text
        else:
            assert text == "", (name, text)
    assert set(expected) < set(code)  # there is a control


def code(name: str, source: str, *tags: str) -> Cell:
    metadata: dict[str, Any] = {"tags": list(tags)} if tags else {}
    return v4.new_code_cell(source, id=name, metadata=metadata)  # type: ignore[no-untyped-call]


PLOT = """import matplotlib.pyplot as plt
import numpy as np
x = np.linspace(0, 1, 30)
plt.plot(x, x ** {power});"""

# What C code writes to stderr, ipykernel captures on Linux and macOS only.
WARN_IN_C = (
    "print('careful', file=sys.stderr)"
    if sys.platform == "win32"
    else "import os, time; os.write(2, b'careful'); time.sleep(0.5)"  # it comes through a pipe
)

SAMPLE = [
    code("svg", "%config InlineBackend.figure_formats = ['svg']"),
    code("rule", "import matplotlib\nmatplotlib.rcParams['svg.hashsalt'] = 'book'"),
    code("control", "print('third', 1 / 3)"),
    code("decimal", "print(f'loss {2 / 3:.4f}')"),
    code("integer", "print('rows', 1000)"),
    code("word", "print('it learns')"),
    code("curve", PLOT.format(power=2)),
    code("figure-one", PLOT.format(power=3)),
    code("figure-two", PLOT.format(power=4)),
    code("figure-control", PLOT.format(power=5)),
    code("deleted", "print('to be deleted')"),
    code("added", "pass"),
    code("never", "print('run')"),
    code("mark", "print('mark')"),
    code("tag", "print('tag')"),
    code("order", "print('before')\ndisplay('shown')\nprint('after')"),
    code("warns", "import sys; print('careful', file=sys.stderr)"),
    code("warns-in-c", WARN_IN_C),
    code("result", "x[:3]"),
    code("error", "raise ValueError('wrong by 5')", "raises-exception"),
    code("error-control", "raise ValueError('on purpose')", "raises-exception"),
    code("raises", "print('no error here')"),
    code("connects", "import socket\nprint(socket.AF_INET.name)"),
    code("looks-up", "print('no look-up')"),
    code("local", "s = socket.create_server(('127.0.0.1', 0))\nprint('local is allowed')"),
    code("last", "socket.create_connection(s.getsockname()).close()\ns.close()\n6 * 7"),
]


def test_end_to_end_on_a_small_notebook(tmp_path: Path, capsys: Capture) -> None:
    """One real run of pytest with nbval, many mutants, and controls that pass."""
    path = tmp_path / "sample.ipynb"
    write_notebook(path, v4.new_notebook(cells=copy.deepcopy(SAMPLE)))  # type: ignore[no-untyped-call]
    assert execute_main([str(path)]) == 0
    assert execute_main([str(path)]) == 0
    # Only stderr "moved" in the second run: everything else is stable.
    said = capsys.readouterr().out.split("sample.ipynb: running ...")[2]
    moved = {line.split(":")[0] for line in said.splitlines() if line.startswith("  ")}
    assert moved == {"  cell 17 (warns)", "  cell 18 (warns-in-c)"}

    notebook = read_notebook(path)
    cells = {cell.id: cell for cell in notebook.cells}
    assert mutants.damage_decimal(cells["decimal"])
    assert mutants.damage_integer(cells["integer"])
    assert mutants.damage_word(cells["word"])
    assert mutants.damage_curve(cells["curve"])
    one, two = cells["figure-one"], cells["figure-two"]
    one.outputs, two.outputs = two.outputs, one.outputs
    assert mutants.delete_output(cells["deleted"])
    cells["added"].outputs = copy.deepcopy(cells["control"].outputs)
    assert mutants.forget_run(cells["never"])
    cells["mark"].source = "# NBVAL_IGNORE_OUTPUT\nprint('another mark')"
    cells["tag"].metadata["tags"] = ["nbval-skip"]
    before, display, after = cells["order"].outputs
    cells["order"].outputs = [before, after, display]
    cells["result"].outputs[0].data["text/plain"] = "array([0.  , 0.03, 0.9 ])"
    cells["error"].outputs[0].evalue = "wrong by 6"
    cells["raises"].source = "raise ValueError"
    cells["connects"].source = "import socket\nsocket.create_connection(('192.0.2.1', 80))"
    cells["looks-up"].source = "socket.getaddrinfo('example.org', 80)"
    cells["last"].outputs[0].execution_count += 1
    write_notebook(path, notebook)
    check_report(
        path,
        notebook,
        {
            "decimal": "stored 0.6665, fresh 0.6667 (2 units of the last digit, allowed 1)",
            "integer": "stored 999, fresh 1000 (without a decimal point: must be equal)",
            "word": "stored 'it learnz', fresh 'it learns'",
            "curve": f"(tolerance {TOLERANCE_PT})",
            "figure-one": f"(tolerance {TOLERANCE_PT})",
            "figure-two": f"(tolerance {TOLERANCE_PT})",
            "deleted": "stored has no output, fresh has 1 output (stdout)",
            "added": "stored has 1 output (stdout), fresh has no output",
            "never": "was never run",
            "mark": "the mark NBVAL_IGNORE_OUTPUT",
            "tag": "the mark nbval-skip",
            "order": "fresh has 3 outputs (stdout, display_data of text/plain, stdout)",
            "warns": "stderr must be empty",
            "warns-in-c": "stderr must be empty",
            "result": "output 1 (text/plain): line 1",
            "error": "stored 6, fresh 5",
            "raises": "Cell execution caused an exception",
            "connects": "the book must not use the network: getaddrinfo to '192.0.2.1'",
            "looks-up": "the book must not use the network: getaddrinfo to 'example.org'",
            "last": "stored 27, fresh 26",
        },
    )


def test_end_to_end_on_a_chapter(tmp_path: Path) -> None:
    """The first chapter, damaged in one cell for each kind of damage, in one real run."""
    path = notebook_paths()[0]
    notebook = read_notebook(path)
    expected = mutants.damage(notebook)
    write_notebook(tmp_path / path.name, notebook)
    check_report(tmp_path / path.name, notebook, expected)


def test_plain_pytest_checks_the_notebooks(pytestconfig: pytest.Config) -> None:
    """The settings of the project switch the strict check on, and include all chapters."""
    assert pytestconfig.getoption("nbval")
    assert pytestconfig.getoption("nbval_current_env")
    assert pytestconfig.pluginmanager.hasplugin("tests.verify.nbval_plugin")
    assert "notebooks" in pytestconfig.getini("testpaths")


@pytest.mark.parametrize("option", ["--nbval-lax", "--nbval-sanitize-with=x"])
def test_weaker_modes_of_nbval_are_refused(option: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", option, "tests/verify"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode != 0
    assert "would compare less" in run.stderr


# --- the author's command ------------------------------------------------------------------------


def test_execute_keeps_what_stays_within_the_tolerance(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "sample.ipynb"
    cells = [code("near", "print(f'{1 / 3:.3f}')"), code("far", "print(f'{2 / 3:.3f}')")]
    write_notebook(path, v4.new_notebook(cells=cells))  # type: ignore[no-untyped-call]
    execute_main([str(path)])
    notebook = read_notebook(path)
    notebook.cells[0].outputs[0].text = "0.334\n"
    notebook.cells[1].outputs[0].text = "0.669\n"
    notebook.cells[1].metadata["collapsed"] = True
    notebook.metadata["widgets"] = {}
    write_notebook(path, notebook)
    capsys.readouterr()
    assert execute_main([str(path)]) == 0
    said = capsys.readouterr().out
    assert "1 differences stored" in said
    assert "cell 2 (far): output 1 (stdout): line 1: stored 0.669, fresh 0.667" in said
    stored = read_notebook(path)
    assert [cell.outputs[0].text for cell in stored.cells] == ["0.334\n", "0.667\n"]
    assert notebook_problems(path) == []


def test_execute_writes_nothing_when_a_cell_fails(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "sample.ipynb"
    cells = [code("fine", "print(1)"), code("fails", "1 / 0")]
    write_notebook(path, v4.new_notebook(cells=cells))  # type: ignore[no-untyped-call]
    before = path.read_bytes()
    assert execute_main([str(path)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# --- the network ---------------------------------------------------------------------------------


def test_this_process_has_no_network() -> None:
    with pytest.raises(NetworkForbiddenError, match="getaddrinfo to '192"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(NetworkForbiddenError, match="getaddrinfo to 'example"):
        socket.getaddrinfo("example.org", 80)
    with (
        pytest.raises(NetworkForbiddenError, match="sendto to '192"),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.sendto(b"x", ("192.0.2.1", 53))
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), (b"localhost", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_what_is_local(host: str | bytes, local: bool) -> None:
    assert is_local(host) == local


# --- every digit of the prose --------------------------------------------------------------------

# A wrong digit stays unnoticed where its section prints the wrong number too: a label 0 and a label
# 1, two neighbours in a table of thresholds. No rule can know which one the sentence means, so a
# few are allowed, and listed in every run.
MOST_SLIPS = 0.05  # of all digits changed by one

SLIP = """Too many wrong digits would go unnoticed: their section prints the wrong number too.
Give more digits, write a small number as a word, quote the code, or move the sentence to a section
that prints less:
"""


def check_slips(name: str, tried: int, slipped: list[str], capsys: Capture) -> None:
    """List the slips, and fail when there are too many."""
    with capsys.disabled():
        print(f"\n{name}: {len(slipped)} of {tried} digits changed by one would go unnoticed")
        for slip in slipped:
            print(f"  {slip}")
    assert len(slipped) <= MOST_SLIPS * tried, SLIP + "\n".join(slipped)


@chapters
def test_every_digit_of_the_prose_is_watched(path: Path, capsys: Capture) -> None:
    """Each digit of each number in the text, one up and one down."""
    notebook = read_notebook(path)
    chapter = prose.Chapter.from_notebook(path.stem, notebook, prose.read_constants())
    tried, slipped = 0, []
    for place, cell in enumerate(notebook.cells):
        for _, text, markdown in prose.prose_of(cell):
            t, s = mutants.prose_slips(chapter, text, chapter.starts[place], markdown)
            tried += t
            slipped += [f"{cell_name(place, cell)}: {one}" for one in s]
    assert tried
    check_slips(path.name, tried, slipped, capsys)


@pytest.mark.parametrize("path", page_paths(), ids=lambda path: path.stem)
def test_every_digit_of_a_page_is_watched(path: Path, capsys: Capture) -> None:
    """The same for the pages that are not notebooks."""
    notebooks = [read_notebook(chapter) for chapter in notebook_paths()]
    page = prose.Chapter.from_page(path.stem, notebooks, prose.read_constants())
    text = path.read_text(encoding="utf-8")
    tried, slipped = mutants.prose_slips(page, text, 0, markdown=True)
    check_slips(path.name, tried, slipped, capsys)


def test_slips_are_found() -> None:
    """The test above would notice: here 0.68 may be written for 0.69, and 3 for 2."""
    chapter = sample_chapter("0.69 0.68 2 3 1000")
    tried, slips = mutants.prose_slips(chapter, "0.69, 2 of 1000 {cite}`a1986`", 1, markdown=True)
    assert tried == 2 * len("06921000")
    assert slips == [
        "9 -> 8 in '0.68, 2 of 1000 {cite}`a1986`'",
        "2 -> 3 in '0.69, 3 of 1000 {cite}`a1986`'",
    ]
