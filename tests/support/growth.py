"""How much work something is: in lines of Python that run, which a busy machine does not change."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

#: Twice as many take twice the lines, and what does not grow makes it less.
MOST = 2.2
#: Where files name what others name: objects, their labels, namespaces and hosts.
_NAMED = re.compile(
    r"\b(?:name|namespace|app|service|host|claimName|secretName|serviceName|owner): "
    r"([a-z][\w-]+)\b(?!\.)"
)


def counted(run: Callable[[], object]) -> int:
    """Run it, and count its lines, but not those of finalizers of what other tests left."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
    return count


def copies(files: Mapping[str, str], count: int) -> dict[str, str]:
    """Copy files into so many folders, where each has names of its own: `web-1` for `web`."""
    names = {name for text in files.values() for name in _NAMED.findall(text)}
    longest = sorted(map(re.escape, names), key=len, reverse=True)
    named = re.compile(rf"(?<![\w./-])({'|'.join(longest)})(?!\w)") if names else None
    found: dict[str, str] = {}
    for number in range(count):
        for path, text in files.items():
            own = named.sub(rf"\g<1>-{number}", text) if named else text
            found[f"team-{number}/{path}"] = own
    return found
