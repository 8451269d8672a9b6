"""Capture the picture of `tarmac ui`, as an SVG, over a shop of its own that is asked for products.

Run by hand when the terminal's look changes: `.venv/bin/python docs/capture_terminal.py`.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from pathlib import Path

from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.terminal.app import TerminalApp
from tarmac.run.terminal.running_system import LocalRunningSystem

ROOT = Path(__file__).parents[1]
TARMAC = str(Path(sys.executable).with_name("tarmac"))
PICTURE = ROOT / "docs/images/terminal.svg"
FILE = ROOT / "systems/shop/tarmac.yaml"
NAMESPACE = "picture"
SIZE = (120, 36)
PATHS = ("/api/products?q=lamp", "/api/products", "/api/none")


def visit(url: str, is_over: threading.Event) -> None:
    """Ask the gateway again and again."""
    while not is_over.wait(0.15):
        for path in PATHS:
            with suppress(OSError):
                urllib.request.urlopen(url + path).read()  # noqa: S310 - our own address


async def picture(asked: LocalRunningSystem) -> str:
    """Show the system for some seconds, choose the product service and return the screen."""
    app = TerminalApp(asked, "shop")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(12)
        await pilot.press("down", "down", "down")
        await pilot.pause(2)
        return app.export_screenshot(title="tarmac ui shop")


def main() -> None:
    """Bring a shop up, capture it, and take it down with its data."""
    shop = ["-n", NAMESPACE]
    subprocess.run([TARMAC, "up", "shop", *shop, "-d", "--inspect"], cwd=ROOT, check=True)
    home, is_over = Home.of(FILE, NAMESPACE), threading.Event()
    asked = LocalRunningSystem(FILE, home)
    try:
        status = client.status(home)
        nodes = status.nodes if status is not None else ()
        url = next(node.url for node in nodes if node.name == "api-gateway")
        threading.Thread(target=visit, args=(url, is_over), daemon=True).start()
        svg = asyncio.run(picture(asked))
    finally:
        is_over.set()
        asked.close()
        subprocess.run([TARMAC, "down", "shop", *shop, "--delete-data"], cwd=ROOT, check=True)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no fonts of other hosts
    PICTURE.write_text(svg.replace(f"&#160;({NAMESPACE})", ""), encoding="utf-8")
    print(PICTURE)


if __name__ == "__main__":
    main()
