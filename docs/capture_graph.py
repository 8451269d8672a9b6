"""Capture the dashboard of the shop while it is used: its graph as a service dies, pages, a trace.

Run by hand when a page looks otherwise: `uv run --with pillow python docs/capture_graph.py`. It
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
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import aiohttp
from playwright.async_api import Page, async_playwright

ROOT = Path(__file__).parents[1]
TARMAC = str(ROOT / ".venv/bin/tarmac")
PICTURE = ROOT / "docs/images/graph.webp"
STILLS = ROOT / "docs/images"
NAMESPACE = "capture"
WIDTH, HEIGHT = 1280, 660
#: The window and the colours of pages.
STILL_WIDTH, STILL_HEIGHT = 1440, 900
COLOURS: dict[str, Literal["light", "dark"]] = {"": "light", "-dark": "dark"}
#: The status of a new order.
CREATED = 201
FRAMES, EVERY_S, SHOWN_MS = 26, 0.5, 600
#: The frame before which a service is killed.
KILLED_AT, KILLED = 10, "notification-service"
BROWSED_PER_S, ORDERED_PER_S = 25, 4
#: The customers of both journeys sign up first; rates are those of the last seconds.
SIGN_UP_MS, RATES_S = 120_000, 6
#: After the service died, until lines and rates are steady.
STEADY_S = 60
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


async def stills(page: Page) -> dict[str, bytes]:
    """Take pictures of the first page in light and dark, and of an order's trace."""
    taken = {}
    await page.set_viewport_size({"width": STILL_WIDTH, "height": STILL_HEIGHT})
    origin = page.url.partition("#")[0]
    for name, scheme in COLOURS.items():
        await page.emulate_media(color_scheme=scheme)
        await page.goto(f"{origin}#/system")
        await page.locator(".spark .trend").first.wait_for()
        await page.get_by_text("of the budget left").first.wait_for()
        taken[f"dashboard-system{name}"] = await page.screenshot()
    await page.emulate_media(color_scheme="light")
    query = "kind=request&name=orders&most=100"
    answer = await (await page.request.get(f"{origin}api/traces?{query}")).json()
    orders = [one for one in answer["traces"] if one["status"] == CREATED and not one["failed"]]
    longest = max(orders, key=lambda trace: trace["services"])
    await page.goto(f"{origin}#/traces/{longest['trace_id']}")
    await page.locator(".waterfall li").first.wait_for()
    taken["dashboard-trace"] = await page.screenshot()
    return taken


async def capture(status: dict[str, Any]) -> tuple[list[bytes], dict[str, bytes]]:
    """Use the shop, and take pictures of its graph and its pages once there is traffic."""
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
            await page.goto(f"{page.url.partition('#')[0]}#/graph")
            used = page.locator(".edge.used title", has_text="api-gateway to order-service")
            await used.wait_for(state="attached", timeout=SIGN_UP_MS)
            await asyncio.sleep(RATES_S)
            moving = await frames(page, nodes[KILLED]["pid"])
            await asyncio.sleep(STEADY_S)
            return moving, await stills(page)
    finally:
        for task in load:
            task.cancel()


def write(taken: Iterable[bytes], pages: Mapping[str, bytes]) -> None:
    """Write the pictures of the graph as one that moves, and each page as it stands."""
    images = importlib.import_module("PIL.Image")
    first, *rest = [images.open(io.BytesIO(picture)).convert("RGB") for picture in taken]
    options = {"duration": SHOWN_MS, "loop": 0, "quality": 60, "method": 6}
    first.save(PICTURE, save_all=True, append_images=rest, **options)
    for name, picture in pages.items():
        still = images.open(io.BytesIO(picture)).convert("RGB")
        still.quantize(256).save(STILLS / f"{name}.png", optimize=True)
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
    write(*taken)


if __name__ == "__main__":
    main()
