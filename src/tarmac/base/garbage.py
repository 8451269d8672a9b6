"""When the programs of Tarmac look for garbage: seldom, since most of what they make stays.

Called by `tarmac` and by the supervisor: modules that load make thousands of things and drop none.
"""

from __future__ import annotations

import gc

#: Things made before a collection, and collections before a longer one. The default, 700 things,
#: takes a tenth of a start.
SELDOM = (20_000, 20, 20)


def look_seldom() -> None:
    """Look after many more things are made than by default."""
    gc.set_threshold(*SELDOM)


def leave_all() -> None:
    """Leave what there is alone: an exit would look at all of it once more, for 50 ms."""
    gc.freeze()
