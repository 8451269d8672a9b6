"""The lines that answer a request to the supervisor, from its process or over its socket."""

from __future__ import annotations

import json
from typing import Any

from tarmac.base.errors import BadInput, TarmacError
from tarmac.run.local.supervisor.context import AlreadyRunning
from tarmac.run.local.supervisor.typed_json import as_json


class ShuttingDown(TarmacError):
    """The system is being stopped; repeat the request when it has ended."""


def success_line(answer: Any) -> bytes:
    """Write the answer to what went well."""
    return json.dumps({"ok": True, "answer": as_json(answer)}).encode() + b"\n"


def failure_line(error: Exception) -> bytes:
    """Write the answer to what did not: the problems and the exit code that they mean."""
    if isinstance(error, BadInput):
        lines = [str(problem) for problem in error.problems]
    else:
        lines = [str(error) or type(error).__name__]
    code = error.exit_code if isinstance(error, TarmacError) else 1
    answer = {"ok": False, "exit_code": code, "errors": lines}
    kinds = {"already": AlreadyRunning, "ending": ShuttingDown}
    is_one = {name: isinstance(error, kind) for name, kind in kinds.items()}
    return json.dumps({**answer, **is_one}).encode() + b"\n"
