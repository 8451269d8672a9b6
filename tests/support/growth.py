"""How much work something is: in lines of Python that run, which a busy machine does not change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

#: Twice as many take twice the lines, and what does not grow makes it less.
MOST = 2.2


def counted(run: Callable[[], object]) -> int:
    """Run it, and count its lines."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
    return count
