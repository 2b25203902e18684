"""When two figures agree: SVG by content, pixels by share.

A figure is redrawn from the computed data on every run. On another machine its coordinates may
move in their last digits, and with them the hashes that matplotlib builds from coordinates; a
curve that moves, another colour, another label must fail.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from xml.etree import ElementTree

import numpy as np
from PIL import Image

# An eighth of a line's usual width (0.8 to 1.5 pt), so nobody can see it; 2 % of the height of the
# smallest axes in the book (about 100 pt) is twenty times as much.
TOLERANCE_PT = 0.1

# A pixel counts as changed when a channel moves by more than this, of 255: edges are antialiased,
# and a line that moves by 0.1 pt changes the grey of its edges by a tenth.
PIXEL_LEVELS = 32
# A one-pixel line across a picture of 640 x 480 covers 0.2 % of it; a curve that moved leaves its
# old place and enters a new one, and so changes 0.4 %.
PIXEL_SHARE = 0.001
# Mean change, of 255: catches a faint shift of a whole area, which no single pixel shows.
PIXEL_MEAN = 0.5

MOST_MESSAGES = 4  # per figure: enough to see what happened

COORDINATES = re.compile(r"d|points|[xy][12]?|c[xy]|r[xy]?|width|height|viewBox")
_HASH = re.compile(r"[0-9a-f]{10,}")
_FLOAT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_SCALE = re.compile(r"(?:scale|matrix|skew[XY])\([^)]*\)")


@dataclass(frozen=True)
class _Element:
    depth: int
    node: ElementTree.Element
    name: str  # for messages: "path 12 in line2d_3"

    @property
    def tag(self) -> str:
        return _local(self.node.tag)


class _Svg:
    """The drawn elements of an SVG in document order, and where each id stands among them."""

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)  # noqa: S314  # our own figures

    @cached_property
    def elements(self) -> list[_Element]:
        seen: dict[str, int] = {}

        def walk(node: ElementTree.Element, depth: int, group: str) -> Iterator[_Element]:
            tag = _local(node.tag)
            if tag == "metadata":  # who drew it and when: not drawn
                return
            seen[tag] = seen.get(tag, 0) + 1
            where = f" in {group}" if group else ""
            yield _Element(depth, node, f"{tag} {seen[tag]}{where}")
            name = node.get("id", "")
            for child in node:
                yield from walk(child, depth + 1, name if tag == "g" and name else group)

        return list(walk(self.root, 0, ""))

    @cached_property
    def places(self) -> dict[str, int]:
        return {
            element.node.attrib["id"]: place
            for place, element in enumerate(self.elements)
            if "id" in element.node.attrib
        }

    def place(self, name: str) -> str:
        """An id as a position in the document: the role it plays, whatever it is called."""
        return f"element {self.places[name]}" if name in self.places else f"unknown id {name}"


def compare_svg(stored: str, fresh: str) -> list[str]:
    """What differs between two SVG figures; empty when they show the same."""
    try:
        old, new = _Svg(stored), _Svg(fresh)
    except ElementTree.ParseError as error:
        return [f"not readable as SVG: {error}"]
    old_shape = [(element.depth, element.tag) for element in old.elements]
    new_shape = [(element.depth, element.tag) for element in new.elements]
    if old_shape != new_shape:
        pairs = zip(old_shape, new_shape, strict=False)
        first = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
        where = "" if first is None else f", first at {old.elements[first].name} of the stored one"
        return [
            f"another drawing: stored has {len(old_shape)} elements, fresh {len(new_shape)}{where}"
        ]
    messages = []
    for a, b in zip(old.elements, new.elements, strict=True):
        messages += [f"{a.name}: {said}" for said in _compare_elements(a.node, b.node, old, new)]
    return shorten(messages)


def compare_pixels(stored: bytes, fresh: bytes) -> list[str]:
    """What differs between two encoded pictures (PNG or JPEG)."""
    pictures = []
    for data in (stored, fresh):
        try:
            with Image.open(io.BytesIO(data)) as image:
                pictures.append(np.asarray(image.convert("RGBA"), dtype=np.int16))
        except OSError as error:
            return [f"not readable as a picture: {error}"]
    old, new = pictures
    if old.shape != new.shape:
        return [
            f"stored is {old.shape[1]} x {old.shape[0]} pixels, "
            f"fresh {new.shape[1]} x {new.shape[0]}"
        ]
    change = np.abs(old - new)
    share = float((change.max(axis=2) > PIXEL_LEVELS).mean())
    mean = float(change.mean())
    if share > PIXEL_SHARE or mean > PIXEL_MEAN:
        return [
            f"{share:.2%} of the pixels differ (allowed {PIXEL_SHARE:.1%}), "
            f"mean change {mean:.2f} of 255 (allowed {PIXEL_MEAN})"
        ]
    return []


def shorten(messages: list[str], most: int = MOST_MESSAGES) -> list[str]:
    """The first few messages, and how many more there are."""
    if len(messages) <= most:
        return messages
    return [*messages[:most], f"... and {len(messages) - most} more differences"]


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _compare_elements(
    a: ElementTree.Element, b: ElementTree.Element, old: _Svg, new: _Svg
) -> Iterator[str]:
    if a.attrib.keys() != b.attrib.keys():
        yield f"attributes: stored {sorted(a.attrib)}, fresh {sorted(b.attrib)}"
        return
    for key in a.attrib:
        yield from _compare_attribute(_local(key), a.attrib[key], b.attrib[key], old, new)
    if (a.text or "").strip() != (b.text or "").strip():
        yield f"text: stored {_cut(a.text)}, fresh {_cut(b.text)}"
    if (a.tail or "").strip() != (b.tail or "").strip():
        yield f"text after it: stored {_cut(a.tail)}, fresh {_cut(b.tail)}"


def _compare_attribute(key: str, a: str, b: str, old: _Svg, new: _Svg) -> Iterator[str]:
    if key == "id":
        # A hash is made of coordinates: only that there is one can be compared. All other ids
        # (`line2d_3`, `DejaVuSans-30`) say which thing or which letter it is.
        if _HASH.sub("#", a) != _HASH.sub("#", b):
            yield f"id: stored {a}, fresh {b}"
    elif key == "href" and a.startswith("data:image/") and b.startswith("data:image/"):
        yield from compare_pixels(_embedded(a), _embedded(b))
    elif key == "href" and a.startswith("#") and b.startswith("#"):
        if old.place(a[1:]) != new.place(b[1:]):
            yield f"refers to another element: stored {a}, fresh {b}"
    elif COORDINATES.fullmatch(key):
        yield from _compare_coordinates(key, a, b)
    elif key == "transform":
        if _SCALE.findall(a) != _SCALE.findall(b):  # factors, not points: no tolerance
            yield f"transform: stored {_cut(a)}, fresh {_cut(b)}"
        else:
            yield from _compare_coordinates(key, _SCALE.sub("scale", a), _SCALE.sub("scale", b))
    else:
        same_a = _REFERENCE.sub(lambda match: old.place(match[1]), a)
        same_b = _REFERENCE.sub(lambda match: new.place(match[1]), b)
        if same_a != same_b:
            yield f"{key}: stored {_cut(a)}, fresh {_cut(b)}"


def _compare_coordinates(key: str, a: str, b: str) -> Iterator[str]:
    numbers_a, numbers_b = _FLOAT.findall(a), _FLOAT.findall(b)
    if [part.split() for part in _FLOAT.split(a)] != [part.split() for part in _FLOAT.split(b)]:
        yield (
            f"{key} has another shape: stored {len(numbers_a)} coordinates, fresh {len(numbers_b)}"
        )
        return
    moves = [abs(float(x) - float(y)) for x, y in zip(numbers_a, numbers_b, strict=True)]
    far = max(moves, default=0.0)
    if not far <= TOLERANCE_PT:
        several = sum(move > TOLERANCE_PT for move in moves)
        which = "point moved" if several == 1 else f"{several} coordinates moved, at most"
        yield f"{key}: {which} by {far:.2f} pt (tolerance {TOLERANCE_PT})"


def _embedded(href: str) -> bytes:
    return base64.b64decode(href.partition(",")[2])


def _cut(text: str | None, most: int = 60) -> str:
    text = " ".join((text or "").split())
    return repr(text if len(text) <= most else text[:most] + "...")
