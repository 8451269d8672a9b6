"""Every store kind keeps the same promises, whichever it is: as data, and as a running server."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from sandbox import Sandbox

from tarmac.base import registry
from tarmac.base.launch import Secret, reveal
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import (
    Address,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    User,
    external_outputs,
)
from tarmac.run.local.host import offers

KINDS: list[StoreKind] = list(registry.load(stores, "STORE").values())
HOST = "127.0.0.1"
SUPPORT = Path(__file__).parents[1] / "support"


def names(kind: StoreKind) -> str:
    return kind.id


every_kind = pytest.mark.parametrize("kind", KINDS, ids=names)


def view_of(kind: StoreKind) -> StoreContext:
    return StoreContext(
        name="it",
        host=HOST,
        ports={port: 20000 + number for number, port in enumerate(kind.ports)},
        database="it",
        admin=Secret("stores/it/admin"),
        users=(
            User("a-service", Secret("stores/it/a-service"), ("x.made",), ("y.made",)),
            User("b-service", Secret("stores/it/b-service")),
        ),
    )


def launch_of(kind: StoreKind, provider: Provider, *, fast: bool = False):
    programs = {name: (f"/bin/{name}",) for name in provider.programs}
    offer = ProviderCandidate(provider.id, programs, "18.6", kind.id, image="an/image:18")
    return provider.launch(view_of(kind), offer, fast)


every_provider = pytest.mark.parametrize(
    ("kind", "provider"),
    [(kind, provider) for kind in KINDS for provider in kind.providers],
    ids=lambda value: value.id,
)


@every_kind
def test_it_offers_a_url_that_holds_each_users_own_password(kind):
    view = view_of(kind)
    for user in view.users:
        outputs = {name: output(view, user) for name, output in kind.outputs.items()}
        assert {"url", "host", "port", "user", "password"} <= outputs.keys()
        assert user.password in outputs["url"]
        assert outputs["password"] == (user.password,)
        assert outputs["host"] == (HOST,)
        shown = reveal(outputs["url"], {user.password.path: "PW"})
        assert f"{user.role}:PW@{HOST}:{reveal(outputs['port'], {})}" in shown


@every_kind
def test_its_clients_port_is_one_of_its_own_and_every_provider_says_how_to_get_it(kind):
    assert kind.clients in kind.ports
    ids = [provider.id for provider in kind.providers]
    assert len(ids) == len(set(ids))
    assert set(ids) <= {"embedded", "binary", "ferretdb", "docker"}
    assert all(provider.get for provider in kind.providers)


@every_kind
def test_a_stand_in_is_another_kind_that_carries_topics_if_the_kind_does(kind):
    known = {store_kind.id: store_kind for store_kind in KINDS}
    assert kind.id not in kind.substitutes
    assert all(known[other].broker == kind.broker for other in kind.substitutes)


@every_kind
def test_a_server_elsewhere_offers_what_one_here_does_but_by_its_own_url(kind):
    if not kind.external:
        pytest.skip(f"{kind.title} has no server elsewhere")
    offered = external_outputs(kind, "it", Address("db.example", 1234, "path"))
    assert {"url", "host", "port", "user", "password"} <= offered.keys() <= kind.outputs.keys()
    assert offered["url"] == (Secret("stores/it/external/url"),)
    assert offered["host"] == ("db.example",)
    assert offered["port"] == ("1234",)


@every_provider
def test_it_listens_on_loopback_only_and_shows_no_secret_in_its_command(kind, provider):
    launch = launch_of(kind, provider)
    assert all(isinstance(part, str) for part in launch.argv)
    if launch.in_container:  # it hears all of its own network; what is published is on loopback
        published = [to for at, to in zip(launch.argv, launch.argv[1:], strict=False) if at == "-p"]
        assert published
        assert all(text.startswith(f"{HOST}:") for text in published)
        return
    env = "".join(part for value in launch.env.values() for part in value if isinstance(part, str))
    everything = " ".join(launch.argv) + env
    for file in launch.files:
        everything += "".join(part for part in file.content if isinstance(part, str))
    assert HOST in everything
    assert "0.0.0.0" not in everything
    assert "[::]" not in everything


@every_provider
def test_a_file_with_a_secret_is_its_users_alone(kind, provider):
    launch = launch_of(kind, provider)
    for file in launch.files:
        secret = any(isinstance(part, Secret) for part in file.content)
        # A container's server may be another user, who has to read what is no secret.
        assert file.mode == (0o600 if secret or not launch.in_container else file.mode)


@every_provider
def test_it_says_what_fast_gives_up_if_it_gives_up_anything(kind, provider):
    differs = launch_of(kind, provider) != launch_of(kind, provider, fast=True)
    assert differs == bool(kind.fast_gives_up)


@every_provider
def test_its_stop_signal_exists(kind, provider):
    assert launch_of(kind, provider).stop_signal in signal.Signals.__members__


CLIENT = f"""
import asyncio, json, os, sys
from urllib.parse import urlsplit
sys.path.insert(0, {str(SUPPORT)!r})
from store_clients import client_of

async def main():
    client, url = client_of(os.environ["KIND"], foreign=True), os.environ["URL"]
    wrong = url.replace(urlsplit(url).password, "0" * 48)
    try:
        await asyncio.wait_for(client.read(wrong), 5)
    except LookupError:
        refused = ""
    except BaseException as error:
        refused = type(error).__name__
    else:
        refused = ""
    if os.environ["WRITE"] == "1":
        await asyncio.wait_for(client.write(url), 10)
    try:
        value = await asyncio.wait_for(client.read(url), 10)
    except LookupError:
        value = None
    print("RESULT " + json.dumps({{"value": value, "refused": refused}}), flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def system(kind: StoreKind, *, write: bool) -> str:
    """A system with one store of the kind and one client of it."""
    where = "broker" if kind.broker else "stores.it"
    topics = "publishes: [kept.it], consumes: [kept.it], " if kind.broker else ""
    declared = f"broker: {kind.id}" if kind.broker else f"stores: {{it: {kind.id}}}"
    env = f"{{KIND: {kind.id}, URL: '${{{where}.url}}', WRITE: '{int(write)}', SERVICE_NAME: cl}}"
    return f"""
        tarmac: 1
        system: one
        services:
          cl: {{run: [{sys.executable}, client.py], {topics}env: {env}, probe: {{log: ^RESULT}}}}
        {declared}
        """


def result(box: Sandbox) -> dict:
    log = (box.folder / ".tarmac/default/logs/cl.log").read_text()
    return json.loads(log.rpartition("RESULT ")[2].splitlines()[0])


@pytest.mark.servers
@every_kind
def test_it_runs_refuses_a_wrong_password_and_keeps_its_data_through_kill_9(kind, sandbox):
    here = [p.id for p in kind.providers if offers.find(kind, asked_provider=p.id) is not None]
    if not here:
        pytest.skip(f"this machine has no {kind.title}")
    (sandbox.folder / "client.py").write_text(CLIENT)
    sandbox.write(system(kind, write=True))
    asked = ("--provider", f"{kind.id}={here[0]}")
    assert sandbox.up(*asked)["healthy"]
    first = result(sandbox)
    assert first["value"] == 7
    assert first["refused"], "a wrong password opens it"
    store = "broker" if kind.broker else "it"
    pid = sandbox.node(store)["pid"]
    os.kill(pid, signal.SIGKILL)
    sandbox.until(store, lambda node: node["state"] == "healthy" and node["pid"] != pid)
    sandbox.write(system(kind, write=False))
    assert sandbox.up(*asked)["healthy"]
    assert result(sandbox)["value"] == (7 if kind.durable else None)
    if kind.page:
        assert sandbox.node(store)["page"].startswith("http://localhost:")
