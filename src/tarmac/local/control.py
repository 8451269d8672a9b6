"""The supervisor's control socket: one JSON line asks, one answers.

{"verb": "apply", "options": {...}}   {"verb": "restart", "names": [...]}   {"verb": "down"}
{"verb": "edges"}: what went over each wire
{"verb": "keep"}, {"verb": "fresh"}: take what the stores hold, put it back
{"verb": "attach"}: the system lives as long as this connection does
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tarmac.errors import TarmacError
from tarmac.local import lending
from tarmac.local.answers import Ending, answer_of, failure_of
from tarmac.local.data import storage
from tarmac.local.data.fresh import Fresh
from tarmac.local.edition import edition
from tarmac.local.home.files import write_atomically
from tarmac.local.home.paths import Home
from tarmac.local.resolving import Options
from tarmac.local.supervisor import Supervisor

#: How often to look whether the socket is still there.
CHECK_S = 1.0


class Control:
    """Listens on the namespace's socket."""

    def __init__(self, supervisor: Supervisor, home: Home) -> None:
        self._supervisor = supervisor
        self._edition = edition()
        self._home = home
        self._server: asyncio.Server | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._answering: set[asyncio.Task[Any]] = set()
        self._fresh = Fresh(supervisor)

    async def listen(self) -> None:
        """Begin to answer; the lock is ours, so a socket that is still there is stale."""
        # The temporary folder depends on who asks: say where the socket is.
        path = self._home.socket
        path.unlink(missing_ok=True)
        write_atomically(self._home.socket_file, str(path))
        self._server = await asyncio.start_unix_server(self._serve, path)
        path.chmod(0o600)
        self._keeper = asyncio.create_task(self._keep(path))

    async def _keep(self, path: Path) -> None:
        """Listen anew when somebody cleans the temporary folder: we could not be stopped."""
        while True:
            await asyncio.sleep(CHECK_S)
            if not path.exists():
                with contextlib.suppress(TarmacError, OSError):  # no room: at the next look
                    await self.listen()
                    return

    async def close(self) -> None:
        """Stop to answer and remove the socket."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._server is not None:
            self._server.close()
        if self._answering:  # the one who asked for the end wants to hear of it
            await asyncio.wait(self._answering, timeout=2)
        for writer in self._open:
            writer.close()
        self._home.socket.unlink(missing_ok=True)

    def begin_shut_down(self) -> asyncio.Task[None]:
        """Shut down once, whoever asks and however often."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._supervisor.shut_down())
        return self._ending

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            line = await reader.readline()
            if not line:
                return
            request = json.loads(line)
            if request["verb"] == "attach":
                with contextlib.suppress(OSError):
                    await reader.read()  # returns when the other side is gone, however it went
                self.begin_shut_down()
                return
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - it runs in one
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            writer.write(await self._answer(request))
            await writer.drain()
        except (OSError, ValueError):
            pass  # the asker went away, or was not a Tarmac
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError):
                writer.close()

    def _refuse_another(self, asking: str) -> None:
        """Refuse what a newer command may mean by words that this process does not know."""
        if asking != self._edition:
            raise TarmacError(
                f"{self._home.root}: what runs here was started by another version of Tarmac "
                "than this one; `tarmac down` it, then `tarmac up` again"
            )

    async def _answer(self, request: dict[str, Any]) -> bytes:
        try:
            if request["verb"] == "apply":
                self._refuse_another(request["edition"])
                applied = await self._supervisor.apply(Options(**request["options"]))
                return answer_of(**asdict(applied))
            if request["verb"] == "restart":
                await self._supervisor.restart(request["names"])
                return answer_of()
            if request["verb"] == "edges":
                return answer_of(**await self._supervisor.edges())
            if request["verb"] in storage.VERBS:
                return answer_of(**await storage.answer(self._supervisor, request))
            if request["verb"] in lending.VERBS:
                return answer_of(**await lending.answer(self._supervisor, request))
            if request["verb"] in Fresh.VERBS:
                return answer_of(**await self._fresh.answer(request))
            if request["verb"] == "down":
                await self.begin_shut_down()
                return answer_of()
        except (TarmacError, OSError) as error:
            return failure_of(Ending(str(error)) if self._ending is not None else error)
        except Exception as error:  # noqa: BLE001 - the asker must hear of it, and so must the log
            traceback.print_exc()
            return failure_of(TarmacError(f"{type(error).__name__}: {error}"))
        return failure_of(TarmacError(f"unknown verb '{request['verb']}'"))
