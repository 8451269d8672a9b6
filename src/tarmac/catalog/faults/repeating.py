"""Does something again and again in the background, as long as a block lasts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def repeating(step: Callable[[], object], every_s: float) -> Iterator[None]:
    """Do a step after each so many seconds, in a thread; the last one has ended with the block."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(every_s):
            step()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
