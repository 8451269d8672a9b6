"""`uvx tarmac up` in somebody else's repository: the wheel alone, without kit or repository.

With a filled cache of uv, building, installing and `up` take about five seconds together; the first
time some 60 MB of servers and libraries are fetched.
"""

from __future__ import annotations

import json
import os
import tomllib
import zipfile

import pytest
from asking import ask
from sandbox import Sandbox, family
from wheels import ROOT, build, found_uv, run

pytestmark = pytest.mark.servers

#: Bytes of the wheel, and packages of the base install (ADR 44).
LARGEST, MOST_PACKAGES = 6_000_000, 50


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel."""
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def uvx(wheel, tmp_path):
    """Return a function that runs the wheel's command as `uvx tarmac` would."""
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    # Neither this repository's command nor its packages are anywhere near.
    path = [p for p in kept["PATH"].split(os.pathsep) if not p.startswith(str(ROOT))]
    environ = {**kept, "PATH": os.pathsep.join(path), "UV_TOOL_DIR": str(tmp_path / "tools")}
    environ |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1"}

    def command(folder, *words):
        done = run(
            found_uv(), "tool", "run", "--from", wheel, *words, folder=folder, environ=environ
        )
        if "Failed to fetch" in done.stderr or "error sending request" in done.stderr:
            pytest.skip("what the wheel needs is not in uv's cache, and there is no network")
        return done

    return command


def test_the_wheel_holds_the_tool_and_neither_kit_nor_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tarmac"}


def test_the_base_install_is_as_small_as_the_docs_say(wheel, tmp_path):
    assert wheel.stat().st_size < LARGEST
    python = str(tmp_path / "alone/bin/python")
    for words in (
        ("venv", "--quiet", str(tmp_path / "alone")),
        ("pip", "install", "--quiet", "--python", python, str(wheel)),
        ("pip", "list", "--format", "json", "--python", python),
    ):
        done = run(found_uv(), *words, folder=tmp_path, environ=os.environ)
        assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) <= MOST_PACKAGES


def test_uvx_runs_the_command_of_the_wheel(uvx, tmp_path):
    helped = uvx(tmp_path, "tarmac", "--help")
    assert helped.returncode == 0, helped.stderr
    assert helped.stdout.startswith("Usage: tarmac")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version in uvx(tmp_path, "tarmac", "--version").stdout


def test_uvx_brings_up_a_repository_that_knows_nothing_of_it(foreign, uvx, stops):
    box = foreign("notes", file=False, tools=("node", "npm"))
    lacks = uvx(box.folder, "python", "-c", "import tarmac.cli, tarmac_kit")
    assert "No module named 'tarmac_kit'" in lacks.stderr
    written = uvx(box.folder, "tarmac", "init")
    assert written.returncode == 0, written.stderr
    up = uvx(box.folder, "tarmac", "up", "-d", "--fast-stores", "--json")
    assert up.returncode == 0, up.stdout + up.stderr
    states = {node["name"]: node["state"] for node in json.loads(up.stdout)["nodes"]}
    assert (states["db"], states["notes"]) == ("healthy", "healthy")
    assert ask(Sandbox(box.folder), "notes", "/health") == (200, '{"ok":true}')
    pids = family(box)
    assert uvx(box.folder, "tarmac", "down").stdout == "stopped\n"
    stops(box, pids)


def test_an_installed_command_makes_a_system_like_the_shop(uvx, tmp_path):
    made = uvx(tmp_path, "tarmac", "new", "system", "corner", "--like", "shop", "--json")
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "corner"
    for below in ("tarmac_orders/app.py", "tarmac_orders/migrations/0001_orders.sql"):
        shipped = (ROOT / "services/orders" / below).read_text()
        assert (folder / "services/order-service" / below).read_text() == shipped
    packages = tomllib.loads((folder / "pyproject.toml").read_text())
    assert "tarmac-kit" not in packages["tool"]["uv"]["sources"], "the kit is in the index"
    rendered = uvx(folder, "tarmac", "render", "--env", "production")
    assert rendered.returncode == 0, rendered.stdout + rendered.stderr
    assert (folder / "deploy/production/k8s").is_dir()
