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
    entries: dict[Key, str] = {}
    for entry in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("mutant", []):
        where = f"nnbook/{entry['module']}.py", entry["function"]
        key = (*where, entry["before"], entry["after"], entry.get("nth", 1))
        if key in entries or not entry["reason"].strip():
            raise ValueError(f"{EQUIVALENT.name}: {key} stands twice, or without a reason")
        entries[key] = entry["reason"]
    return entries
