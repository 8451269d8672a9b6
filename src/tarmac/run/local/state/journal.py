"""What the supervisor itself says, in its log: a full disk costs lines, never the supervisor."""

from __future__ import annotations

import io
import os
from typing import TextIO


class Journal(io.TextIOBase):
    """Writes through at once to another stream's descriptor; what cannot be written is lost."""

    encoding = "utf-8"

    def __init__(self, onto: TextIO) -> None:
        self._descriptor = onto.fileno()

    def fileno(self) -> int:
        """Give the descriptor, for processes that write there themselves."""
        return self._descriptor

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, text: str) -> int:
        """Write a text; return its length, also where the disk is full."""
        rest = text.encode("utf-8", "backslashreplace")
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            pass
        return len(text)
