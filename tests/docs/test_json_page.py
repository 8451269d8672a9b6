"""The page of what `--json` prints: written from a run of hello-dd, and what a verb prints now.

`UPDATE_JSON=1 .venv/bin/pytest -n0 --reruns 0 tests/docs/test_json_page.py` writes it anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from json_shape import lines, shape_of
from system_up import ROOT, TARMAC, brought_up, page_of

pytestmark = pytest.mark.e2e

PAGE = ROOT / "docs" / "reference" / "json.md"
INTRODUCTION = Path(__file__).with_name("json_page.md")
SYSTEM = "systems/hello-dd"
PARTS = ("api-gateway", "inventory-service", "pricing-service")
NAMES = {*PARTS, "gateway-db", "inventory-db", "pricing-db", "cache", "http", "main", "web"}
#: Verbs that look at files alone; `{folder}` is a new one.
OF_FILES = (
    "explain NET001",
    "help services.calls",
    f"doctor {SYSTEM}",
    f"include {SYSTEM}",
    f"verify {SYSTEM} --env production --in-memory",
    f"docs {SYSTEM}",  # with the evidence of `verify`
    f"drill {SYSTEM} --list",
    f"drill {SYSTEM} pricing-slow --explain",
    f"report {SYSTEM} --kind readiness --env production",
    f"render {SYSTEM} --env production --out {{folder}}/tree",
    "cost systems/starter --env production",
    "teardown systems/starter --env production",
    "fetch --check",
    "init {folder}/repository",
    "new system {folder}/notes --yes",
    "new service letters --system {folder}/notes",
)
#: Verbs on the system that runs, in this order.
RUNNING = (
    "ps hello-dd",
    "explain hello-dd",
    "explain hello-dd api-gateway",
    "explain hello-dd pricing-db",
    "env hello-dd api-gateway",
    "token hello-dd pricing-service",
    "connect hello-dd pricing-db",
    "logs hello-dd --last 2",
    "edges hello-dd",
    "top hello-dd",
    "trace hello-dd",
    "trace hello-dd ID",
    "trace hello-dd --stores",
    "runs hello-dd",
    "objectives hello-dd",
    "invariants hello-dd",
    "dead-letters hello-dd",
    "seed hello-dd",
    "dashboard hello-dd",
    "snapshot save hello-dd before",
    "snapshot list hello-dd",
    "snapshot delete hello-dd before",
    "stop hello-dd pricing-service",
    "start hello-dd pricing-service",
    "restart hello-dd pricing-service",
    "rotate hello-dd pricing-db",
    "reset hello-dd cache --yes --no-snapshot",
    "down hello-dd",
)


def printed(text: str) -> str:
    """Describe a document; of `logs`, its first line."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = json.loads(text.splitlines()[0])
    return "\n".join(lines(shape_of(found, NAMES)))


def of_files(folder: Path) -> Iterator[tuple[str, str]]:
    (folder / "repository").mkdir()
    (folder / "repository" / "Procfile").write_text("web: python app.py\n")
    for line in OF_FILES:
        yield line, run(line.format(folder=folder))


def of_a_running_system() -> Iterator[tuple[str, str]]:
    with brought_up("hello-dd", "--inspect", "--telemetry") as (_, status):
        yield "up hello-dd -d --inspect", json.dumps(status)
        address = page_of(status, "api-gateway")
        for _ in range(3):
            with urllib.request.urlopen(f"{address}/offers?limit=3", timeout=20):
                pass
        trace = ""
        for line in RUNNING:
            said = run(line.replace("ID", trace), "-n", status["namespace"])
            while line == "trace hello-dd" and "trace_id" not in said:  # spans come in batches
                said = run(line, "-n", status["namespace"])
            trace = trace or (re.findall(r'"trace_id": "(\w+)"', said) or [""])[0]
            yield line, said


def run(line: str, *more: str) -> str:
    done = subprocess.run(
        [TARMAC, *line.split(), *more, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert '{"error": ' not in done.stdout, line + done.stdout
    return done.stdout


def page(folder: Path) -> str:
    parts = [INTRODUCTION.read_text().rstrip() + "\n"]
    found = sorted([*of_files(folder), *of_a_running_system()], key=lambda one: one[0].split()[0])
    for line, text in found:
        shown = line.replace("{folder}/", "").replace("systems/", "")
        parts.append(f"## `tarmac {shown} --json`\n\n```text\n{printed(text)}\n```\n")
    return "\n".join(parts)


def members(text: str) -> set[tuple[str, ...]]:
    """Return the paths of a page's members, below their headings; their types may differ."""
    found, above = set(), [""] * 20
    for line in text.splitlines():
        if heading := re.fullmatch(r"## (.+)", line):
            above[0] = heading[1]
        elif above[0] and (member := re.match(r"( *)(\w+):", line)):
            depth = 1 + len(member[1]) // 2
            above[depth] = member[2]
            found.add(tuple(above[: depth + 1]))
    return found


def test_each_verb_prints_the_members_that_the_page_lists(tmp_path):
    made = page(tmp_path)
    if os.environ.get("UPDATE_JSON"):
        PAGE.write_text(made)
    assert sorted(members(PAGE.read_text()) - members(made)) == []
