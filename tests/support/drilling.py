"""What tests of drills share: a journey of a small system, and what a run has broken."""

from __future__ import annotations

from tarmac.drill.drill import DrillResult

#: `journeys.py` of a system whose visitors ask its service `web` for a page.
ASKS_WEB = """
    from contextlib import asynccontextmanager
    import aiohttp

    @asynccontextmanager
    async def ask(urls):
        async with aiohttp.ClientSession() as session:
            async def visit():
                async with session.get(urls["web"]) as answer:
                    assert answer.status == 200
            yield visit

    JOURNEYS = {"ask": ask}
    """


def broken(result: DrillResult) -> list[str]:
    """List the rules that did not hold."""
    return [check.what for check in result.checks if not check.holds]
