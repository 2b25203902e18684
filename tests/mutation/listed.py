"""The mutants that no test can kill, and why: ``equivalent.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path

EQUIVALENT = Path(__file__).with_name("equivalent.toml")

Key = tuple[str, str, str, str, int]
"""What names a mutant also after edits elsewhere: file, function, its lines before and after, and
which of those that read the same it is."""


def listed() -> dict[Key, str]:
    """Return the reason for each mutant that is said to be equivalent.

    Raises:
        ValueError: one has no reason, or stands twice.
    """
    reasons: dict[Key, str] = {}
    groups = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("because", [])
    for group in groups:
        for module, function, before, after, *nth in group["mutants"]:
            key = (f"nnbook/{module}.py", function, before, after, nth[0] if nth else 1)
            if key in reasons or not group["reason"].strip():
                raise ValueError(f"{EQUIVALENT.name}: {key} stands twice, or without a reason")
            reasons[key] = group["reason"]
    return reasons
