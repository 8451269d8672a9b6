"""Tells which service sent something: by the token that each one has in its environment.

Every local program can send, in any name. What comes without the token of the service that it names
is kept as `unidentified/NAME`, so no objective, chart or edge of that service counts it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from pathlib import Path

from tarmac.plan import telemetry_token

UNIDENTIFIED = "unidentified/"
#: Names that are told of in the log; a program may make up any number.
MOST_TOLD = 20


class Identities:
    """The services of one namespace, and their tokens."""

    def __init__(self, secrets: Path, say: Callable[[str], None] = lambda _: None) -> None:
        """Take the file with the namespace's secrets, and what to do with a complaint."""
        self._path = secrets
        self._say = say
        self._told: set[str] = set()
        self._read_ns = -1
        self._tokens: dict[str, str] = {}

    def name(self, claimed: str, token: str) -> str:
        """Return a service's name as it is kept: as it is claimed, where the token is its own."""
        wanted = self._known().get(telemetry_token.token(claimed).path, "")
        if wanted and hmac.compare_digest(token.encode(), wanted.encode()):
            return claimed
        if claimed not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(claimed)
            self._say(f"telemetry of {claimed[:100]!a} came without this service's token")
        return UNIDENTIFIED + claimed

    def _known(self) -> dict[str, str]:
        """Read the tokens; again where the file has changed."""
        try:
            changed_ns = self._path.stat().st_mtime_ns
            if changed_ns != self._read_ns:
                found = json.loads(self._path.read_text(encoding="utf-8"))
                suffix = f"/{telemetry_token.TOKEN}"
                self._tokens = {path: v for path, v in found.items() if path.endswith(suffix)}
                self._read_ns = changed_ns
        except (OSError, ValueError, AttributeError):
            self._tokens, self._read_ns = {}, -1
        return self._tokens
