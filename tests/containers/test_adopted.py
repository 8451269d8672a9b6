"""What `init` wrote for code of others runs under Docker Compose as it is rendered.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio
import subprocess

import aiohttp
import pytest
from adopted import FORMS, adopt, build
from composed import Compose
from free_ports import free_port

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]


@pytest.fixture
def started(docker, tmp_path, request):
    """Bring up one code base; give its model's place and the address of its service."""
    if docker.compose is None:
        pytest.skip("there is no Docker Compose 2; run .ci/containers")
    name = request.param
    form = FORMS[name]
    box = adopt(name, tmp_path)
    build(docker, name, box)
    rendered = box.tarmac("render", ".", "--env", "compose")
    assert rendered.returncode == 0, rendered.stdout + rendered.stderr
    folder = box.folder / "deploy/compose/compose"
    subprocess.run([str(folder / "secrets.sh"), str(box.folder)], check=True)
    port = free_port()
    inside = next(
        line.split()[-1] for line in form.dockerfile.splitlines() if line.startswith("EXPOSE")
    )
    (folder / "compose.suite.yaml").write_text(
        f'services:\n  {form.service}:\n    ports: !override ["127.0.0.1:{port}:{inside}"]\n'
    )
    compose = Compose(docker, folder, ("compose.yaml", "compose.prod.yaml", "compose.suite.yaml"))
    try:
        compose("up", "--detach", "--no-build", profiles="all")
        yield compose, f"http://127.0.0.1:{port}"
    finally:
        compose("--profile", "all", "down", "--volumes", "--timeout", "1")


async def answer(session, compose, method, url, **options):
    """Ask until its server listens; what it says then counts."""
    async with asyncio.timeout(120):
        while True:
            try:
                async with session.request(method, url, allow_redirects=False, **options) as said:
                    text = await said.text()
                    if said.status < 500:
                        return said.status, text
            except aiohttp.ClientError:
                text = "nothing listens"
            gone = {"exited", "dead"} & {
                container["State"]["Status"]
                for service in (form.service for form in FORMS.values())
                for container in compose.containers(service)
            }
            assert not gone, compose("logs", "--no-color")
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("started", ["links"], indirect=True)
async def test_a_flask_program_reaches_its_redis(started, session):
    compose, url = started
    put = await answer(session, compose, "PUT", f"{url}/docs", data="https://example.com")
    assert put[0] == 201
    assert (await answer(session, compose, "GET", f"{url}/docs"))[0] == 302
    visits = (await answer(session, compose, "GET", f"{url}/docs/visits"))[1]
    assert '"visits":1' in visits
    assert '"secret":""' not in visits


@pytest.mark.parametrize("started", ["quotes"], indirect=True)
async def test_a_go_program_runs_from_its_own_image(started, session):
    compose, url = started
    assert await answer(session, compose, "GET", f"{url}/healthz") == (200, "ok\n")
    assert (await answer(session, compose, "POST", f"{url}/quotes", data="less is more"))[0] == 201
    assert await answer(session, compose, "GET", f"{url}/quotes") == (200, "less is more\n")


@pytest.mark.parametrize("started", ["notes"], indirect=True)
async def test_a_node_program_reaches_its_postgresql(started, session):
    compose, url = started
    (container,) = compose.containers("notes")
    env = dict(entry.split("=", 1) for entry in container["Config"]["Env"])
    key = {"x-api-key": env["API_KEY"]}
    made = await answer(session, compose, "POST", url, headers=key, data="buy milk")
    assert made == (201, '{"id":1,"body":"buy milk"}')
    assert (await answer(session, compose, "GET", url))[0] == 401
