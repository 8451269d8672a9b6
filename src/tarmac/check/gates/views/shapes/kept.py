"""Keeps what is found in one object, for as long as that is among those asked about lately.

An object of a file is judged in each tree that it is part of, and by several gates in each. It is
known by its identity: what is judged is never changed in its place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Asked = TypeVar("Asked")
Found = TypeVar("Found")

#: Objects that are kept; the largest of the five systems has 2,000.
MOST = 1 << 13


def kept(find: Callable[[Asked], Found]) -> Callable[[Asked], Found]:
    """Keep what a function says of an object."""
    # The object is kept as well: its identity would be another's after its end.
    known: OrderedDict[int, tuple[Asked, Found]] = OrderedDict()

    @wraps(find)
    def found(asked: Asked) -> Found:
        if not asked:  # a file of text has an empty mapping, a new one each time
            return find(asked)
        before = known.get(id(asked))
        if before is not None and before[0] is asked:
            return before[1]
        if len(known) >= MOST:
            known.popitem(last=False)
        answer = find(asked)
        known[id(asked)] = (asked, answer)
        return answer

    return found
