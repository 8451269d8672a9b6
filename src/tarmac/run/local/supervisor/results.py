"""What a supervisor answers of itself; apart from the requests, which no start needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ApplyResult:
    """What a call of `apply` changed."""

    started: tuple[str, ...]
    restarted: tuple[str, ...]
    stopped: tuple[str, ...]
    notes: tuple[str, ...]
    #: Nodes whose new form does not start, and why; the previous instance keeps serving.
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EdgeCounts:
    """What went over each edge, and connections that nothing declares."""

    edges: tuple[dict[str, Any], ...]
    undeclared: tuple[dict[str, Any], ...]
