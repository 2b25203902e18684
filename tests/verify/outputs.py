"""When the stored and the fresh outputs of a cell agree.

Words are compared exactly, numbers within one unit of their last printed digit (`numbers`),
figures by content (`figures`). Nothing is left out: number and order of the outputs, their MIME
types, their metadata, the execution count of a result.
"""

from __future__ import annotations

import base64
import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.verify.figures import compare_pixels, compare_svg, shorten
from tests.verify.numbers import NUMBER, agree, explain, read_numbers

Output = Mapping[str, Any]


def differences(stored: Sequence[Output], fresh: Sequence[Output]) -> list[str]:
    """What differs between two lists of outputs, one short message each; empty when they agree."""
    stored, fresh = merge_streams(stored), merge_streams(fresh)
    messages = [
        f"{which} stderr must be empty, it says {_cut(_text(output))}"
        for which, outputs in (("stored", stored), ("fresh", fresh))
        for output in outputs
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    kinds_stored, kinds_fresh = [_kind(o) for o in stored], [_kind(o) for o in fresh]
    if kinds_stored != kinds_fresh:
        return [
            *messages,
            f"stored has {_count(kinds_stored)}, fresh has {_count(kinds_fresh)}",
        ]
    for place, (old, new) in enumerate(zip(stored, fresh, strict=True), start=1):
        for what, said in _compare_output(old, new):
            messages.append(f"output {place} ({what}): {said}")
    return messages


def merge_streams(outputs: Sequence[Output]) -> list[Output]:
    """Join pieces of one stream that follow each other: where they break is chance.

    Only neighbours: text before a figure and text after it are two outputs on the page.
    """
    merged: list[Output] = []
    for output in outputs:
        if (
            merged
            and output["output_type"] == merged[-1]["output_type"] == "stream"
            and output["name"] == merged[-1]["name"]
        ):
            merged[-1] = {**merged[-1], "text": _text(merged[-1]) + _text(output)}
        else:
            merged.append(output)
    return merged


def compare_text(stored: str, fresh: str) -> list[str]:
    """What differs between two texts: words exactly, numbers within a unit, line by line."""
    old_lines, new_lines = stored.split("\n"), fresh.split("\n")
    if len(old_lines) != len(new_lines):
        changes = difflib.unified_diff(old_lines, new_lines, "stored", "fresh", "", "", 0, "")
        shown = [_cut(line) for line in changes if not line.startswith(("@@", "---", "+++"))]
        return [
            f"stored has {len(old_lines)} lines, fresh {len(new_lines)}: "
            + ", ".join(shorten(shown, 3))
        ]
    # A number that needs one character more pushes others aside, in a whole column of a table:
    # only then may the padding beside numbers differ.
    loose = [len(n.text) for n in read_numbers(stored)] != [
        len(n.text) for n in read_numbers(fresh)
    ]
    messages = []
    for place, (old, new) in enumerate(zip(old_lines, new_lines, strict=True), start=1):
        messages += [f"line {place}: {said}" for said in _compare_line(old, new, loose)]
    return shorten(messages)


def _compare_line(old: str, new: str, loose: bool) -> list[str]:
    if _words(old, loose) != _words(new, loose):
        return [_show_change(old, new)]
    pairs = zip(read_numbers(old), read_numbers(new), strict=True)
    return [explain(a, b) for a, b in pairs if not agree(a, b)]


def _words(line: str, loose: bool) -> list[str]:
    words = NUMBER.split(line)
    return [word.strip(" ") for word in words] if loose else words


def _show_change(old: str, new: str, around: int = 25) -> str:
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    begin = max(0, first - around)
    return f"stored {_cut(old[begin:])}, fresh {_cut(new[begin:])}"


def _compare_output(old: Output, new: Output) -> Iterator[tuple[str, str]]:
    kind = old["output_type"]
    if kind == "stream":
        yield from (((old["name"]), said) for said in compare_text(_text(old), _text(new)))
    elif kind == "error":
        for field in ("ename", "evalue"):
            yield from ((field, said) for said in compare_text(old[field], new[field]))
    else:
        if old.get("execution_count") != new.get("execution_count"):
            counts = f"stored {old.get('execution_count')}, fresh {new.get('execution_count')}"
            yield "execution_count", counts
        if old.get("metadata", {}) != new.get("metadata", {}):
            yield "metadata", f"stored {old.get('metadata')}, fresh {new.get('metadata')}"
        for mime, value in old["data"].items():
            yield from ((mime, said) for said in _compare_data(mime, value, new["data"][mime]))


def _compare_data(mime: str, old: Any, new: Any) -> list[str]:
    if mime == "image/svg+xml":
        return compare_svg(_join(old), _join(new))
    if mime.startswith("image/"):
        return compare_pixels(base64.b64decode(_join(old)), base64.b64decode(_join(new)))
    return compare_text(_join(old), _join(new))


def _kind(output: Output) -> str:
    """The kind of an output: two of the same kind can be compared with each other."""
    if output["output_type"] == "stream":
        return str(output["name"])
    if output["output_type"] == "error":
        return "error"
    return f"{output['output_type']} of {' + '.join(sorted(output['data']))}"


def _count(kinds: Sequence[str]) -> str:
    if not kinds:
        return "no output"
    return f"{len(kinds)} output{'s'[: len(kinds) > 1]} ({', '.join(kinds)})"


def _text(output: Output) -> str:
    return _join(output["text"])


def _join(value: Any) -> str:
    """A MIME value as text: nbformat keeps lines in lists, and JSON types as objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return json.dumps(value, indent=1, sort_keys=True)


def _cut(text: str, most: int = 90) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)  # colours of a terminal
    return repr(text if len(text) <= most else text[:most] + "...")
