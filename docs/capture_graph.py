"""Capture the graph of the shop while it is used and a service dies: moving, and as it stands.

Run by hand when the graph looks otherwise: `uv run --with pillow python docs/capture_graph.py`. It
brings the shop up in a namespace of its own and takes it down again; it needs a Chromium.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Page, async_playwright

ROOT = Path(__file__).parents[1]
TARMAC = str(ROOT / ".venv/bin/tarmac")
PICTURE = ROOT / "docs/images/graph.webp"
STILL = ROOT / "docs/images/dashboard-system.png"
NAMESPACE = "capture"
WIDTH, HEIGHT = 1280, 660
FRAMES, EVERY_S, SHOWN_MS = 26, 0.5, 600
#: The frame before which a service is killed.
KILLED_AT, KILLED = 10, "notification-service"
BROWSED_PER_S, ORDERED_PER_S = 25, 4
#: The customers of both journeys sign up first; rates are those of the last seconds.
SIGN_UP_MS, RATES_S = 120_000, 6
#: Small enough for a README.
MOST_BYTES = 1_000_000


def tarmac(verb: str, *args: str) -> str:
    """Run a verb on the shop; return what it printed."""
    command = [TARMAC, verb, "shop", "-n", NAMESPACE, *args]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


async def visit(urls: dict[str, str], name: str, per_s: float) -> None:
    """Let visits of a journey begin again and again, however long they take."""
    sys.path.insert(0, str(ROOT / "systems"))
    journeys = importlib.import_module("shop.journeys")
    async with contextlib.AsyncExitStack() as stack:
        make_visit = await stack.enter_async_context(journeys.JOURNEYS[name](urls))
        under_way: set[asyncio.Task[None]] = set()
        while True:
            task = asyncio.ensure_future(make_visit())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(1 / per_s)


async def look_around(storefront: str) -> None:
    """Search on the storefront's pages."""
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{storefront}/?q=kettle") as answer:
                    await answer.read()
            await asyncio.sleep(0.3)


async def frames(page: Page, pid: int) -> list[bytes]:
    """Take pictures of the graph; one service is killed meanwhile."""
    taken = []
    for number in range(FRAMES):
        if number == KILLED_AT:
            os.kill(pid, signal.SIGKILL)
        taken.append(await page.screenshot())
        await asyncio.sleep(EVERY_S)
    return taken


async def capture(status: dict[str, Any]) -> list[bytes]:
    """Use the shop, and take pictures of its graph once there is traffic."""
    nodes = {node["name"]: node for node in status["nodes"]}
    urls = {name: node["url"] for name, node in nodes.items() if node["url"]}
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    load = [
        asyncio.create_task(visit(urls, "browse", BROWSED_PER_S)),
        asyncio.create_task(visit(urls, "order", ORDERED_PER_S)),
        asyncio.create_task(look_around(urls["storefront"])),
    ]
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox"]
            )
            page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            await page.goto(status["dashboard"])
            used = page.locator(".edge.used title", has_text="api-gateway to order-service")
            await used.wait_for(state="attached", timeout=SIGN_UP_MS)
            await asyncio.sleep(RATES_S)
            return await frames(page, nodes[KILLED]["pid"])
    finally:
        for task in load:
            task.cancel()


def write(taken: Iterable[bytes]) -> None:
    """Write the pictures as one that moves, and one of them as it stands."""
    images = importlib.import_module("PIL.Image")
    first, *rest = pictures = [images.open(io.BytesIO(picture)).convert("RGB") for picture in taken]
    options = {"duration": SHOWN_MS, "loop": 0, "quality": 60, "method": 6}
    first.save(PICTURE, save_all=True, append_images=rest, **options)
    pictures[KILLED_AT - 1].quantize(256).save(STILL, optimize=True)
    size = PICTURE.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{PICTURE}: has {size:,} bytes; take fewer frames")
    print(f"{PICTURE.relative_to(ROOT)}: {len(rest) + 1} frames, {size:,} bytes")


def main() -> None:
    """Write the picture."""
    importlib.import_module("PIL.Image")  # before anything is started
    status = json.loads(tarmac("up", "-d", "--json", "--inspect"))
    try:
        taken = asyncio.run(capture(status))
    finally:
        tarmac("down", "--delete-data")
    write(taken)


if __name__ == "__main__":
    main()
