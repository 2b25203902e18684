"""Every number in prose stands in an output.

Prose is what the reader reads: paragraphs, headings, lists, tables, boxes, captions and alt texts.
- A decimal with d decimals stands if an output of the same section rounds to it at d decimals; an
  integer if an output prints that very integer; a percentage also as the fraction (96.5 %: 0.965).
- A piece of quoted code with a number stands if a code cell or an output has it as written.
- In formulas single digits are algebra (equations have tests of their own); the rest counts.
- The section runs from one `##` heading to the next; what stands before the first, and the closing
  sections listed in WHOLE, may use all outputs of the chapter.
- `constants.toml` lists the few phrases with a number that nothing computes, each with its reason.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tests.verify.markdown import MASK, Fragment, Page, read_page
from tests.verify.notebooks import (
    Cell,
    Notebook,
    cell_name,
    notebook_paths,
    page_paths,
    read_notebook,
)
from tests.verify.numbers import NUMBER, Number, read_numbers

WHOLE = frozenset(
    {"key points", "exercises", "solutions", "read on", "where to read on", "summary"}
)

_PERCENT = re.compile(r"[\s\u00a0\u202f]?(?:%|per ?cent\b)")
_TEX_PERCENT = re.compile(r"(?:\\[,;:! ]|~|\s)*\\?%")
_TEX_NUMBER = re.compile(r"(?:(?<![\d.])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|(?<![\d.])\.\d+)")
_TEX_POWER = re.compile(
    r"(?:(\d+(?:\.\d+)?)\s*\\(?:cdot|times)\s*)?(?<![\d.])10\s*\^\s*(?:\{\s*(-?\d+)\s*\}|(\d))"
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"(?:(\d+(?:\.\d+)?)\s*[·\u00d7]\s*)?(?<![\d.])10([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_WORD_WITH_DIGIT = re.compile(r"[\w.]*\d(?:[\w.]*\w)?")

_EXERCISE = re.compile(r"\b(?:Exercise|Solution) \d+\.\d+\b")
_SYMBOL = re.compile(r"\b[A-Za-z]_(\d\b|\{[^}]*\})")  # x_0 is a letter with an index
_NAME = re.compile(r"[A-Za-z]{2}")

CONSTANTS = Path(__file__).with_name("constants.toml")


@dataclass
class Constant:
    """A phrase whose number nothing computes, where it may stand, and why."""

    phrase: str
    where: str  # the name of a notebook or page without its ending, or "*"
    reason: str
    used: bool = False

    def __post_init__(self) -> None:
        if not _NAME.search(self.phrase):
            raise ValueError(f"the constant {self.phrase!r} needs a word beside its number")


@dataclass(frozen=True)
class Claim:
    """A number that the prose states."""

    text: str  # as written
    value: Decimal
    unit: Decimal  # worth of one unit of its last digit
    exact: bool  # an integer: must be printed just so
    percent: bool
    signed: bool  # whether its sign is known (in a formula a minus may be an operation)
    sentence: str

    def stands(self, output: Number) -> bool:
        """Whether the output prints this number, perhaps with more decimals."""
        if re.match(r"[-+\u2212]?0[0-9eE]", self.text):
            return False  # 007 and 0e-7 are no numbers that an output prints
        printed = output.value if self.signed else abs(output.value)
        if self.exact and not self.percent:
            return output.is_exact and printed == self.value
        scales = (Decimal(1), Decimal("0.01")) if self.percent else (Decimal(1),)
        return any(
            # Half a unit: a tie may have been rounded either way.
            output.unit <= self.unit * scale
            and abs(printed - self.value * scale) * 2 <= self.unit * scale
            for scale in scales
        )


@dataclass
class Section:
    """The numbers that the outputs of a section print, and their text."""

    title: str
    whole: bool = False
    numbers: list[Number] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    quotable: str = ""  # outputs and sources

    def add_source(self, text: str) -> None:
        """Take in the source of a cell: it can be quoted."""
        self.quotable += "\n" + _squeeze(text)
        self.words.update(_WORD_WITH_DIGIT.findall(text))

    def add_output(self, text: str) -> None:
        """Take in an output: it can be quoted, and it proves numbers."""
        self.add_source(text)
        self.numbers += read_numbers(text)


def read_constants(path: Path = CONSTANTS) -> list[Constant]:
    """The list of constants."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("constant", [])
    return [Constant(e["phrase"], e.get("where", "*"), e["reason"]) for e in entries]


class Chapter:
    """A notebook, or a page beside all notebooks, as a set of claims and what may prove them."""

    def __init__(self, name: str, constants: Iterable[Constant]) -> None:
        self.name = name
        number = re.match(r"(\d+)_", name)
        self.number = int(number[1]) if number else None
        self.constants = [c for c in constants if c.where in ("*", name)]
        self.everything = Section("the whole chapter", whole=True)
        self.sections = [Section("before the first heading", whole=True)]
        self.starts: list[int] = []  # the section in which each cell begins

    @classmethod
    def from_notebook(cls, name: str, notebook: Notebook, constants: Iterable[Constant]) -> Chapter:
        """Gather the outputs and sources of a notebook, section by section."""
        chapter = cls(name, constants)
        for cell in notebook.cells:
            chapter.starts.append(len(chapter.sections) - 1)
            if cell.cell_type == "markdown":
                for title in _section_titles(read_page(cell.source)):
                    chapter.sections.append(Section(title, title.lower() in WHOLE))
            elif cell.cell_type == "code":
                chapter.add_code(cell, chapter.sections[-1])
        return chapter

    @classmethod
    def from_page(
        cls, name: str, notebooks: Iterable[Notebook], constants: Iterable[Constant]
    ) -> Chapter:
        """A page without code: all outputs of the book may prove its numbers."""
        page = cls(name, constants)
        page.everything.title = "any chapter"
        for notebook in notebooks:
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    page.add_code(cell)
        return page

    def add_code(self, cell: Cell, section: Section | None = None) -> None:
        """Take in the source and the outputs of a code cell."""
        for part in (self.everything, section) if section else (self.everything,):
            part.add_source(cell.source)
            for text in output_texts(cell):
                part.add_output(text)

    def problems(self, text: str, start: int = 0, *, markdown: bool = True) -> list[str]:
        """What is wrong with the numbers of a text that begins in section `start`."""
        page = read_page(text) if markdown else Page([Fragment("text", text)])
        said = list(page.problems)
        said += [
            f"the title must begin with the number of the chapter, '{self.number} · '"
            for fragment in page.fragments
            if fragment.heading == 1 and self.number is not None
            if not fragment.text.startswith(f"{self.number} · ")
        ]
        for fragment, section in self._placed(page, start):
            said += self._fragment_problems(fragment, section)
        return said

    def claims(self, text: str, *, markdown: bool = True) -> list[str]:
        """All that is checked in a text, as written (used to prove that mutants are noticed)."""
        page = read_page(text) if markdown else Page([Fragment("text", text)])
        found = []
        for fragment in page.fragments:
            masked = self._mask(fragment)
            if fragment.kind == "code":
                masked = _SYMBOL.sub(MASK, masked)
            found += [claim.text for claim in read_claims(fragment.kind, masked)]
            found += _other_words(fragment.kind, masked)
        return found

    def _placed(self, page: Page, start: int) -> Iterator[tuple[Fragment, Section]]:
        place = start
        for fragment in page.fragments:
            if fragment.heading == 2:
                place += 1
            section = self.sections[min(place, len(self.sections) - 1)]
            yield fragment, self.everything if section.whole else section

    def _mask(self, fragment: Fragment) -> str:
        """The text without the numbers that are not claims: those of headings and constants."""
        text = fragment.text
        if self.number is not None:
            if fragment.heading == 1:
                text = re.sub(rf"^{self.number} ·", MASK, text)
            text = re.sub(rf"\b(Exercise|Solution) {self.number}\.\d+\b", MASK, text)
        for constant in self.constants:
            pattern = rf"(?<![\w.]){re.escape(constant.phrase)}(?![\w]|\.\d)"
            text, times = re.subn(pattern, MASK, text)
            constant.used = constant.used or times > 0
        return text

    def _fragment_problems(self, fragment: Fragment, section: Section) -> Iterator[str]:
        text = self._mask(fragment)
        if self.number is not None and (other := _EXERCISE.search(text)):
            yield f"{other[0]} is not an exercise of chapter {self.number}"
        if fragment.kind == "code":
            for line in (line for line in text.split("\n") if _is_code(line)):
                if re.search(r"\d", _SYMBOL.sub("", line)) and not self._quotes(line, section):
                    yield f"no code cell or output has it as it is quoted: {line.strip()!r}"
            text = "\n".join(line for line in text.split("\n") if not _is_code(line))
        for constant in self.constants:
            # The phrase with another number would be a slip of the pen, whatever outputs print.
            pattern = re.sub(r"\d+(\\\.\d+)*", r"\\d[\\d.]*", re.escape(constant.phrase))
            if match := re.search(rf"(?<![\w.]){pattern}", text):
                yield f"{match[0]!r} is not {constant.phrase!r}, as constants.toml has it"
        for claim in read_claims(fragment.kind, text):
            if not any(claim.stands(number) for number in section.numbers):
                yield (
                    f"{claim.text} stands in no output of {section.title!r}"
                    f"{_nearest(claim, section.numbers)}: {claim.sentence!r}"
                )
        for word in _other_words(fragment.kind, text):
            if word not in self.everything.words:
                sentence = _sentence(text, text.find(word))
                yield f"{word} stands in no output and no code: {sentence!r}"

    def _quotes(self, code: str, section: Section) -> bool:
        """Whether a piece of code stands in the notebook as it is written (spaces aside).

        A shape, such as `(n, 10)`, must stand in the section; a letter in it is any number.
        """
        pattern = re.escape(_squeeze(code))
        where = self.everything.quotable
        if not _NAME.search(code):
            pattern = re.sub(r"\b[A-Za-z]\b", r"\\d+", pattern)
            where = section.quotable
        before = r"(?<![\w.])" if re.match(r"\w", code) else ""
        after = r"(?![\w.])" if re.search(r"\w$", code) else ""
        return bool(re.search(before + pattern + after, where))


def output_texts(cell: Cell) -> Iterator[str]:
    """The text that the outputs of a cell show (of a figure none: its alt text is prose)."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield output.evalue
        else:
            data = output.data
            if not any(mime.startswith("image/") for mime in data):
                # A table comes as plain text and as HTML, with the same numbers.
                yield data.get("text/plain") or re.sub(r"<[^>]*>", " ", data.get("text/html", ""))


def prose_of(cell: Cell) -> Iterator[tuple[str, str, bool]]:
    """The prose of a cell: what it is, its text, and whether it is markdown."""
    if cell.cell_type == "markdown":
        yield "text", cell.source, True
    else:
        myst = cell.metadata.get("mystnb", {})
        yield "alt text", myst.get("image", {}).get("alt", ""), False
        yield "caption", myst.get("figure", {}).get("caption", ""), True


def notebook_prose_problems(
    name: str, notebook: Notebook, constants: Iterable[Constant] = ()
) -> list[str]:
    """Every number in the prose of a notebook that stands in no output."""
    chapter = Chapter.from_notebook(name, notebook, constants)
    return _exercise_problems(name, chapter.number, notebook) + [
        f"{name}.ipynb, {cell_name(place, cell)}, {what}: {said}"
        for place, cell in enumerate(notebook.cells)
        for what, text, markdown in prose_of(cell)
        for said in chapter.problems(text, chapter.starts[place], markdown=markdown)
    ]


def _exercise_problems(name: str, number: int | None, notebook: Notebook) -> list[str]:
    """Exercises are numbered by hand: in order, and only those that exist are mentioned."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    titles = [int(n) for n in re.findall(rf"\*\*Exercise {number}\.(\d+)", text)]
    mentioned = {int(n) for n in re.findall(rf"(?:Exercise|Solution) {number}\.(\d+)", text)}
    if titles != list(range(1, len(titles) + 1)) or mentioned != set(titles):
        return [f"{name}.ipynb: the exercises are numbered {titles}, mentioned {mentioned}"]
    return []


def page_prose_problems(
    path: Path, notebooks: Iterable[Notebook], constants: Iterable[Constant] = ()
) -> list[str]:
    """Every number in a page that stands in no output of any chapter."""
    chapter = Chapter.from_page(path.stem, notebooks, constants)
    said = chapter.problems(path.read_text(encoding="utf-8"))
    return [f"{path.name}: {problem}" for problem in said]


def unused_constants() -> list[str]:
    """Constants that no page needs any more."""
    constants = read_constants()
    notebooks = {path.stem: read_notebook(path) for path in notebook_paths()}
    for name, notebook in notebooks.items():
        notebook_prose_problems(name, notebook, constants)
    for path in page_paths():
        page_prose_problems(path, notebooks.values(), constants)
    return [f"constants.toml: {c.phrase!r} is used nowhere" for c in constants if not c.used]


def read_claims(kind: str, text: str) -> list[Claim]:
    """The numbers that a fragment states."""
    return list(_math_claims(text) if kind == "math" else _text_claims(text))


def _text_claims(text: str) -> Iterator[Claim]:
    def power(match: re.Match[str]) -> str:
        powers.append((match, match[1] or "1", match[2].translate(_SUPERSCRIPTS)))
        return MASK * len(match[0])

    powers: list[tuple[re.Match[str], str, str]] = []
    plain = _POWER.sub(power, text)
    for match, mantissa, exponent in powers:
        yield _claim(Number(f"{mantissa}e{exponent}"), match[0], text, match.start())
    for number in read_numbers(plain):
        percent = bool(_PERCENT.match(plain, number.end))
        yield _claim(number, number.text, text, number.start, percent=percent)


def _math_claims(text: str) -> Iterator[Claim]:
    def power(match: re.Match[str]) -> str:
        powers.append((match, match[1] or "1", match[2] or match[3]))
        return MASK * len(match[0])

    powers: list[tuple[re.Match[str], str, str]] = []
    text = text.replace("{,}", ",")
    text = re.sub(r"\\[td]?frac\s*\d\d", MASK, text)  # \frac12 is one half, two single digits
    text = re.sub(r"_\{[^{}]*\}", MASK, text)  # indices: M_{10} is row 1, column 0
    plain = _TEX_POWER.sub(power, text)
    for match, mantissa, exponent in powers:
        yield _claim(Number(f"{mantissa}e{exponent}"), match[0], text, match.start(), signed=False)
    for match in _TEX_NUMBER.finditer(plain):
        if len(match[0]) > 1:
            percent = bool(_TEX_PERCENT.match(plain, match.end()))
            number = Number(match[0], match.start())
            yield _claim(number, match[0], text, match.start(), percent=percent, signed=False)


def _claim(
    number: Number, written: str, text: str, at: int, *, percent: bool = False, signed: bool = True
) -> Claim:
    return Claim(
        text=written + " %" * percent,
        value=number.value,
        unit=number.unit,
        exact=number.is_exact,
        percent=percent,
        signed=signed,
        sentence=_sentence(text, at),
    )


def _other_words(kind: str, text: str) -> list[str]:
    """Words with a digit that are no number: names and versions. They must be quotations."""
    if kind == "math":
        return []
    plain = NUMBER.sub(lambda match: MASK * len(match[0]), _POWER.sub(MASK, text))
    words: list[str] = _WORD_WITH_DIGIT.findall(plain)
    return [word for word in words if not _SYMBOL.fullmatch(word)]


def _is_code(line: str) -> bool:
    """Whether a piece of quoted code is more than a number: it has a name or brackets."""
    return bool(_NAME.search(line) or re.search(r"[()\[\]]", line))


def _squeeze(code: str) -> str:
    """Code without the spaces that mean nothing, and with one kind of quotes."""
    code = re.sub(r"\s*([^\w\s])\s*", r"\1", code.replace("'", '"'))
    return " ".join(code.split())


def _sentence(text: str, at: int, most: int = 160) -> str:
    begin = max(text.rfind(end, 0, at) + 2 for end in (". ", "! ", "? ", ": "))
    begin = 0 if begin == 1 else begin
    end = re.search(r"[.!?](\s|$)", text[at:])
    stop = at + end.end() if end else len(text)
    return " ".join(text[begin:stop].replace(MASK, "…").split())[:most]


def _nearest(claim: Claim, numbers: list[Number]) -> str:
    if not numbers:
        return ", which prints no number"

    def distance(number: Number) -> Decimal:
        scales = (Decimal(1), Decimal(100)) if claim.percent else (Decimal(1),)
        return min(abs(number.value * scale - claim.value) for scale in scales)

    return f" (nearest there: {min(numbers, key=distance).text})"


def _section_titles(page: Page) -> list[str]:
    headings = (f.text for f in page.fragments if f.kind == "text" and f.heading == 2)
    return [text.replace(MASK, "…").strip() for text in headings]
