"""The program `tarmac`, also `python -m tarmac`: loads the command line, and may be stopped then.

Most of what a short command takes is the loading of modules. Ctrl-C in the middle of that ends the
process by its signal, as it ends any program, without Python's traceback through its own imports.
"""

from __future__ import annotations

import signal
from typing import NoReturn

from tarmac.base import garbage


def main() -> NoReturn:
    """Load the command line and run it."""
    garbage.look_seldom()
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # not where it is ignored: it stays so
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tarmac.cli.main import main as run  # noqa: PLC0415 - the longest part, and so after it

    signal.signal(signal.SIGINT, handler)
    try:
        run()
    finally:
        garbage.leave_all()


if __name__ == "__main__":
    main()
