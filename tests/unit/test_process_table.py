"""Stop all processes: a slow one is named, and one that fails keeps no other from ending."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from tarmac.run.local.process import table
from tarmac.run.local.process.context import ReadinessChanged
from tarmac.run.local.process.table import ProcessTable


class SlowProcess:
    """A process that ends when it is allowed to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.node = SimpleNamespace(needs=(), after=(), role="service")
        self.state = SimpleNamespace(state="stopping")
        self.allowed = asyncio.Event()
        self._error = error

    def drain(self) -> None:
        """Take no more work."""

    async def stop(self) -> None:
        """End once it is allowed to, or as badly as it was made to."""
        if self._error is not None:
            raise self._error
        await self.allowed.wait()


async def nothing() -> None:
    """Tell no wire."""


async def test_a_stop_that_takes_long_says_what_it_waits_for(monkeypatch, capsys):
    monkeypatch.setattr(table, "SLOW_S", 0.01)
    processes = ProcessTable(ReadinessChanged())
    slow, bad = SlowProcess(), SlowProcess(RuntimeError("its log cannot be closed"))
    processes.update(orders=slow, cart=bad)
    stopping = asyncio.create_task(processes.stop(["orders", "cart"], nothing))
    said = ""
    while "still stopping" not in said:
        await asyncio.sleep(0.005)
        said += capsys.readouterr().out
    assert said.splitlines()[0] == "still stopping orders (stopping)"
    slow.allowed.set()
    await stopping
    assert not processes
    assert "its log cannot be closed" in capsys.readouterr().err
