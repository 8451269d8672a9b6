"""The first run, typed as the page tells it: an account, an order, and its mail."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARMAC = Path(sys.executable).with_name("tarmac")
PATIENCE_S = 20
#: What the commands show once the spans of an order have come from every service.
FOLLOWED = (
    *("POST /orders", "INSERT orders", "process order.placed", "email sent"),
    "notification-service",
)


def tarmac(verb, *options):
    """Run a verb on a copy of the shop that belongs to this process."""
    return subprocess.run(
        [TARMAC, verb, "shop", "-n", f"docs-{os.getpid()}", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def shop():
    """Bring the shop up and return its processes by name."""
    up = tarmac("up", "-d", "--fast-stores", "--telemetry", "--inspect", "--json")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield {node["name"]: node for node in json.loads(up.stdout)["nodes"]}
    finally:
        tarmac("down", "--delete-data")


def blocks(page, heading):
    """Return the `sh` blocks of one section of a page, joined as a reader would type them."""
    text = (ROOT / page).read_text()
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", section.group(1), re.MULTILINE | re.DOTALL))


@pytest.mark.e2e
@pytest.mark.skipif(not shutil.which("curl"), reason="the page's commands need curl")
def test_what_the_first_run_page_tells_to_type_buys_something(shop):
    script = blocks("docs/tutorial/first-run.md", "Buy something")
    assert script.count("localhost:3000") >= 4
    # Where port 3000 was taken, the gateway has another one, as the page says.
    script = script.replace("http://", "").replace("localhost:3000", shop["api-gateway"]["url"])
    typed = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert typed.returncode == 0, typed.stderr
    assert '"status":"placed"' in typed.stdout
    order = re.search(r'"id":"([0-9a-f-]{36})","status"', typed.stdout).group(1)

    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page, until = "", time.monotonic() + PATIENCE_S
    while order[:8].upper() not in page:
        assert time.monotonic() < until, f"no mail for {order}: {page}"
        with opener.open(shop["mail"]["page"], timeout=5) as answer:
            page = answer.read().decode()
        time.sleep(0.05)
    assert "is confirmed" in page


@pytest.mark.e2e
@pytest.mark.skipif(not shutil.which("curl"), reason="the page's commands need curl")
def test_what_the_page_on_following_an_order_tells_to_type_follows_it(shop):
    """After the page before it has bought something."""
    page = "docs/how-to/follow-one-order.md"
    script = blocks(page, "Follow it") + blocks(page, "Find what is slow")
    script = re.sub(r"(tarmac \w+ shop)", rf"\1 -n docs-{os.getpid()}", script)
    until = time.monotonic() + PATIENCE_S
    while True:  # the services send their spans every few seconds
        typed = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{TARMAC.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        missing = [words for words in FOLLOWED if words not in typed.stdout]
        if typed.returncode == 0 and not missing:
            break
        assert time.monotonic() < until, f"{missing}\n{typed.stdout}{typed.stderr}"
