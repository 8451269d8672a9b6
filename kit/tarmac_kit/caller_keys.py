"""The public keys of caller tokens: from a file, or from the API server of a cluster.

Used by `CallerCheck`. What was read once holds while the file cannot be read or the server does not
answer: which services may call does not depend on a control plane that is away.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tarmac_kit.logs import get_logger

#: Signatures by a private key only: a key that is published must not sign.
ALGORITHMS = frozenset({"ES256", "RS256"})
#: Keys are asked for again after this, so that one that was withdrawn ends.
REFRESH_S = 300.0
#: Unknown key ids cannot make this service ask for keys more often than this.
REFETCH_AFTER_S = 10.0
#: While the server is away: often enough for a start, seldom enough for the server.
RETRY_S = 2.0
TIMEOUT_S = 2.0
#: A key of 4096 bits takes 1 KiB; a server has a handful.
LARGEST = 256 * 1024


class ReplacedFile:
    """A file's content, read again once it was replaced."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._stamp: tuple[int, int] | None = None
        self._content = ""

    def read(self) -> tuple[str, bool]:
        """Return the content, "" while there is no file, and whether it is new."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp == self._stamp:
                return self._content, False
            self._content = self._path.read_text(encoding="utf-8").strip()
            self._stamp = stamp
        except OSError:
            return self._content, False  # a moment between two files; what there was still holds
        return self._content, True


class KeyFile:
    """Keys from a file, which is looked at for each unknown token."""

    def __init__(self, path: str) -> None:
        self._file = ReplacedFile(path)
        self._keys: Mapping[str, Any] = {}

    def find(self, kid: str) -> Any:
        """Find a key; None where it is not known."""
        self.has_changed()
        return self._keys.get(kid)

    def has_changed(self) -> bool:
        """Look whether keys were withdrawn or added since the last look: one `stat`."""
        content, is_new = self._file.read()
        if not is_new:
            return False
        before = self._keys.keys()
        try:
            self._keys = _usable(json.loads(content))
        except ValueError as error:
            get_logger("callers").error("the keys of callers cannot be read", error=str(error))
        return before != self._keys.keys()


class KeyServer:
    """Keys from an HTTPS server, fetched in the background and for an unknown key."""

    def __init__(
        self,
        url: str,
        *,
        ca_file: str = "",
        token_file: str = "",
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a `changed` that is called when keys were withdrawn or added.

        Without `ca_file` the machine's own authorities count; without `token_file` nothing says
        which client it is.
        """
        self._url = url
        self._ca_file = ca_file
        self._token_file = token_file
        self._changed = changed
        self._clock = clock
        self._keys: Mapping[str, Any] = {}
        self._asked_at = float("-inf")
        self._lock = asyncio.Lock()
        #: There is no answer, or the last attempt failed: of an unknown key nothing can be said.
        self.is_away = True
        self._warned = False

    def find(self, kid: str) -> Any:
        """Find a key among those that were fetched; None where it is not known."""
        return self._keys.get(kid)

    def lacks(self, kid: str) -> bool:
        """Tell whether it is worth to wait for `fetch_for` before this key is looked for."""
        return kid not in self._keys and (self._lock.locked() or self._is_due())

    async def fetch_for(self, kid: str) -> None:
        """Fetch the keys for one that is not known, unless that was done just now."""
        async with self._lock:
            if kid not in self._keys and self._is_due():
                await self._refresh()

    async def run(self) -> None:
        """Fetch the keys now and again and again, until cancelled."""
        while True:
            async with self._lock:
                await self._refresh()
            await asyncio.sleep(RETRY_S if self.is_away else REFRESH_S)

    def _is_due(self) -> bool:
        pause_s = RETRY_S if self.is_away else REFETCH_AFTER_S
        return self._clock() - self._asked_at >= pause_s

    async def _refresh(self) -> None:
        self._asked_at = self._clock()
        try:
            found = _usable(await self._fetch())
        except Exception as error:  # noqa: BLE001 - whatever it is, the keys that are known hold
            self.is_away = True
            if not self._warned:
                self._warned = True
                get_logger("callers").warning(
                    "the keys of callers cannot be fetched; those that are known still hold",
                    url=self._url,
                    known=len(self._keys),
                    error=f"{type(error).__name__}: {error}",
                )
            return
        self.is_away = False
        if self._warned:
            self._warned = False
            get_logger("callers").info("the keys of callers are fetched again", known=len(found))
        moved = found.keys() != self._keys.keys()
        self._keys = found
        if moved:
            self._changed()

    async def _fetch(self) -> Any:
        import aiohttp  # noqa: PLC0415 - 80 ms of import, only where a server is asked

        headers = {}
        if self._token_file:
            token = Path(self._token_file).read_text(encoding="utf-8").strip()
            headers["Authorization"] = f"Bearer {token}"
        # Read each time: an authority is replaced while this process runs.
        trusted = ssl.create_default_context(cafile=self._ca_file or None)
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trusted),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            ) as session,
            session.get(self._url, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ValueError(f"the server answered {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(65_536):
                body += chunk
                if len(body) > LARGEST:
                    raise ValueError(f"the answer is larger than {LARGEST} bytes")
        return json.loads(body)


def _usable(content: Any) -> dict[str, Any]:
    """Read the keys of a JWK set that may sign a token. Raises ValueError where there are none."""
    import jwt  # noqa: PLC0415 - cryptography takes 30 ms and not every service checks tokens

    try:
        found = jwt.PyJWKSet.from_dict(content).keys
    except (AttributeError, jwt.PyJWTError) as error:
        raise ValueError(str(error)) from None
    keys = {key.key_id: key for key in found if key.key_id and key.algorithm_name in ALGORITHMS}
    if not keys:
        raise ValueError(f"no key is for {' or '.join(sorted(ALGORITHMS))}")
    return keys
