"""`python -m tarmac_kit.serve tarmac_orders [tarmac_other ...]`: parts as one process.

Started by a supervisor of services, and by a fork server through `main`. SIGTERM drains: ready
turns 503, after a moment no connection is accepted, requests in flight are finished, exit 0. It
prints nothing but log lines; bad settings are lines on stderr and exit 2. Without arguments the
parts are those of PARTS, which an image sets.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import FrameType

import uvicorn

from tarmac_kit.app import Application, create_app
from tarmac_kit.chassis import Part
from tarmac_kit.conventions import PARTS
from tarmac_kit.logs import get_logger
from tarmac_kit.protocol import BoundedProtocol
from tarmac_kit.settings import SettingsError

#: The delay of a drain is counted in so many parts.
DRAIN_TICKS = 10
#: Things made before a collection, and collections before a longer one; 700, 10, 10 by default.
COLLECTIONS = (10_000, 10, 10)


def load(package: str) -> Part:
    """Return `PART` of `<package>.app`; raise SettingsError when there is none."""
    try:
        module = importlib.import_module(f"{package}.app")
    except ModuleNotFoundError as error:
        if error.name not in (package, f"{package}.app"):
            raise
        raise SettingsError([f"{package}: has no module {error.name}; install the part"]) from None
    part = getattr(module, "PART", None)
    if not isinstance(part, Part):
        raise SettingsError([f"{package}.app: has no PART; add PART = Part(name=..., mount=mount)"])
    return part


class DrainingServer(uvicorn.Server):
    """uvicorn, which on a signal first says `draining` and only then stops to accept."""

    def __init__(self, config: uvicorn.Config, app: Application) -> None:
        super().__init__(config)
        self._application = app
        self._serving: asyncio.Task[None] | None = None
        self.exit_code = 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Begin to drain; a second signal ends at once."""
        chassis = self._application.chassis
        again = chassis.health.draining
        self.force_exit = again
        chassis.drain()
        if not self.started:
            self.should_exit = True
            return
        loop = asyncio.get_running_loop()
        tick_s = 0.0 if again else chassis.settings.drain_delay_s / DRAIN_TICKS
        loop.call_soon_threadsafe(self._drain, tick_s, 0 if again else DRAIN_TICKS)

    def _drain(self, tick_s: float, ticks: int) -> None:
        """Stop after so many ticks: of a pause in which nothing ran here, only one counts.

        What callers sent meanwhile is still to be read, and answered.
        """
        if ticks:
            asyncio.get_running_loop().call_later(tick_s, self._drain, tick_s, ticks - 1)
        else:
            self._stop()

    def fail(self) -> None:
        """End with exit code 1: the service cannot start or go on."""
        self.exit_code = 1
        self._stop()

    async def main_loop(self) -> None:
        """Serve until `_stop`, without uvicorn's wait for its next tick."""
        self._serving = asyncio.create_task(super().main_loop())
        await asyncio.wait({self._serving})

    def _stop(self) -> None:
        self.should_exit = True
        if self._serving is not None:
            self._serving.cancel()


def main(packages: Sequence[str] | None = None) -> int:
    """Serve the parts until a signal; return the exit code."""
    if packages is None:
        packages = sys.argv[1:] or os.environ.get(PARTS, "").split()
    if not packages:
        sys.stderr.write(
            f"tarmac_kit.serve: no package given; name one, as in tarmac_orders, or set {PARTS}\n"
        )
        return 2
    try:
        app = create_app([load(package) for package in packages])
    except SettingsError as error:
        sys.stderr.write("".join(f"{line}\n" for line in error.lines))
        return 2
    # What is there now stays: no collection between requests, and none at the end, looks through
    # it again (40 ms each time, 180 ms of the exit). What requests make and drop has no cycles,
    # so it is looked through seldom: by default every tenth request, for a thirtieth of its time.
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)
    settings = app.chassis.settings
    config = uvicorn.Config(
        app.edge,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s)),
        backlog=2048,
    )
    server = DrainingServer(config, app)
    app.chassis.on_failure = server.fail
    try:
        server.run()
    except KeyboardInterrupt:
        return 130
    if not server.started and not app.chassis.health.draining:
        return server.exit_code or 3
    get_logger().info("stopped", exit_code=server.exit_code)
    return server.exit_code


if __name__ == "__main__":
    sys.exit(main())
