"""Writes a report as JSON, for programs: the same sections without their plots."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from enum import Enum
from typing import Any

from tarmac.reports.document import Document, Plot


def write(document: Document) -> str:
    """Write a report."""
    sections = tuple(
        replace(section, blocks=tuple(b for b in section.blocks if not isinstance(b, Plot)))
        for section in document.sections
    )
    data = asdict(replace(document, sections=sections), dict_factory=_plain)
    return json.dumps({**data, "facts": dict(document.facts)}, indent=2) + "\n"


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value.value if isinstance(value, Enum) else value for key, value in pairs}
