"""Has a pytest that is sent SIGTERM (`timeout`, a runner that gives up) end as Ctrl-C does.

What fixtures have started, detached systems too, is then stopped by their own ends.
"""

from __future__ import annotations

import signal
import threading


def pytest_configure() -> None:
    """Raise KeyboardInterrupt at SIGTERM: no test and no event loop takes that for its own."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
