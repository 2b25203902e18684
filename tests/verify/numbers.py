"""What a printed number is, and when two printed numbers agree.

The rule of the book: a decimal may differ by one unit of its last printed digit, so that another
CPU or another BLAS does not fail it and a real change does. Anything printed without a decimal
point (counts, shapes, labels, bounds such as `1e-06`) must be equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

# Not part of a word (`dense_1`, `float32`, `0x7f`), nor of a version or a date (`3.11.2`): those
# are text and compared as text. A unit may follow (`3.5pt`).
NUMBER = re.compile(
    r"""(?<![\w.])(?!0x)
    [-+\u2212]?
    (?:(?:\d{1,3}(?:,\d{3})+(?!,?\d) | \d+)(?:\.\d+)? | \.\d+)
    (?:[eE][-+]?\d+(?!\w))?
    (?![\d_] | \.\d)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Number:
    """A number as printed: its text, value, and the worth of one unit of its last digit."""

    text: str
    start: int = 0

    @property
    def end(self) -> int:
        """The position just after it in the text it was read from."""
        return self.start + len(self.text)

    @property
    def _plain(self) -> str:
        return self.text.replace(",", "").replace("\u2212", "-")

    @property
    def value(self) -> Decimal:
        """The exact decimal value of what is printed."""
        return Decimal(self._plain)

    @property
    def is_exact(self) -> bool:
        """Printed without a decimal point: a count or a bound, not a measurement."""
        return "." not in self.text

    @property
    def decimals(self) -> int:
        """Digits after the point, as if written without exponent (1.5e-3 has 4)."""
        exponent = self.value.as_tuple().exponent
        assert isinstance(exponent, int)  # the pattern reads no NaN and no infinity
        return max(0, -exponent)

    @property
    def unit(self) -> Decimal:
        """One unit of the last printed digit: 0.01 for 3.14, 1E-7 for 1.23e-05."""
        exponent = self.value.as_tuple().exponent
        assert isinstance(exponent, int)
        return Decimal(1).scaleb(exponent)


def read_numbers(text: str) -> list[Number]:
    """Every number in `text`, in order."""
    return [Number(match.group(), match.start()) for match in NUMBER.finditer(text)]


def agree(stored: Number, fresh: Number) -> bool:
    """Whether two printed numbers are the same up to one unit of the last digit.

    The finer of the two units counts, so that printing fewer digits does not widen the tolerance.
    """
    if stored.is_exact or fresh.is_exact:
        return stored.is_exact == fresh.is_exact and stored.value == fresh.value
    return abs(stored.value - fresh.value) <= min(stored.unit, fresh.unit)


def explain(stored: Number, fresh: Number) -> str:
    """Why two numbers do not agree, in a few words."""
    said = f"stored {stored.text}, fresh {fresh.text}"
    if stored.is_exact or fresh.is_exact:
        return f"{said} (without a decimal point: must be equal)"
    units = abs(stored.value - fresh.value) / min(stored.unit, fresh.unit)
    return f"{said} ({units:.0f} units of the last digit, allowed 1)"
