"""How deep the brackets of a JSON text are nested, counted piece by piece and before it is parsed.

Used by `limits` for each body. It knows strings and escapes, and nothing else of JSON.
"""

from __future__ import annotations

import re

#: Of the bytes of a JSON text, those that decide on its depth.
_TOKEN = re.compile(rb'["{}\[\]]|\\.?', re.DOTALL)


class JsonDepth:
    """How deep the brackets of a JSON text are nested, piece by piece."""

    __slots__ = ("_depth", "_escaped", "_in_string", "_openers", "_waiting", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._openers = self._depth = 0
        self._in_string = self._escaped = False
        #: Pieces that were only counted so far: without as many brackets nothing is too deep.
        self._waiting: list[bytes] | None = []

    def feed(self, piece: bytes) -> bool:
        """Take the next piece; False once the text is nested deeper than allowed."""
        if self._waiting is None:
            return self._scan(piece)
        self._waiting.append(piece)
        self._openers += piece.count(b"[") + piece.count(b"{")
        if self._openers <= self.limit:
            return True
        pieces, self._waiting = self._waiting, None
        return all(map(self._scan, pieces))

    def _scan(self, piece: bytes) -> bool:
        start = 1 if self._escaped else 0
        self._escaped = self._escaped and not piece
        for found in _TOKEN.finditer(piece, start):
            token = found[0]
            if token[:1] == b"\\":
                self._escaped = self._in_string and len(token) == 1
            elif token == b'"':
                self._in_string = not self._in_string
            elif not self._in_string:
                self._depth += 1 if token in b"[{" else -1
                if self._depth > self.limit:
                    return False
        return True
