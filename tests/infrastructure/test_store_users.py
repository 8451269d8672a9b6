"""From the entries that Terraform writes to a service that works on its database.

trading's Terraform is applied to moto as far as it concerns RDS, its entries are read with boto3,
and the Secrets of the rendered objects are composed of them. In the place of RDS there is a
PostgreSQL whose administrator may do what that of RDS may; its name is not resolved, and it has no
TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from emulated_aws import EmulatedAws, emulated_aws, fit
from free_ports import free_ports
from managed_postgres import ManagedPostgres, composed, managed, set_up
from objects import named, objects_of
from terraformed import Terraform, tree

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

UNDER = "trading/production"
SERVER = "trading-production-rds"
STORES = {"portfolio-db": "portfolio-service", "market-db": "market-service"}
#: Only what entries are made of: the rest of it has tests of its own.
ONLY = ("-target=module.postgres", "-target=module.password", "-target=module.address")


@dataclass(frozen=True)
class Written:
    """What is in Secrets Manager after an apply, by the names of entries."""

    aws: EmulatedAws
    terraform: Terraform
    entries: dict[str, str]


def entries_of(aws: EmulatedAws) -> dict[str, str]:
    """Read every entry as a user of AWS would."""
    [listed] = aws.ask(("secretsmanager", "list_secrets", {}))
    names = [entry["Name"] for entry in listed["SecretList"]]
    asked = (("secretsmanager", "get_secret_value", {"SecretId": name}) for name in names)
    return {name: held["SecretString"] for name, held in zip(names, aws.ask(*asked), strict=True)}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Iterator[Written]:
    """Apply trading's servers and entries to an emulated AWS."""
    folder = tmp_path_factory.mktemp("written")
    root = tree("trading", "production", folder)
    fit(root, state_here=True)
    with emulated_aws(folder / "moto.log") as aws:
        terraform = Terraform.of(root, **aws.env)
        terraform.run("init", "-input=false")
        terraform.run("apply", "-input=false", "-auto-approve", "-var=protected=false", *ONLY)
        yield Written(aws, terraform, entries_of(aws))


@pytest.fixture(params=["", "binary"], ids=["wheel", "installed"])
async def server(request, written, sandbox) -> ManagedPostgres:
    """Start a server of the newest version, and one that the machine has: rules of roles differ."""
    if request.param and shutil.which("pg_lsclusters") is None:
        pytest.skip("no installed PostgreSQL: install postgresql")
    admin = written.entries[f"{UNDER}/servers/rds/admin-1"]
    return await managed(sandbox, admin, request.param)


def secret(name: str, entries: dict[str, str]) -> dict[str, str]:
    """Compose the Secret of a workload."""
    return composed(named("trading", "production", "ExternalSecret", f"{name}-secrets"), entries)


def job(store: str) -> dict[str, Any]:
    """Find the Job of a store's set-up."""
    [found] = [
        one
        for one in objects_of("trading", "production", "Job")
        if one["metadata"]["labels"]["app.kubernetes.io/name"] == store
    ]
    return dict(found)


def test_every_password_is_its_own_and_in_no_state(written):
    passwords = {name: v for name, v in written.entries.items() if not name.endswith("/host")}
    assert len(passwords) == len(set(passwords.values())) == 4
    state = written.terraform.run("state", "pull")
    assert len(state) > 10_000
    assert [name for name, value in passwords.items() if value in state] == []
    [found] = written.aws.ask(("rds", "describe_db_instances", {}))
    [instance] = found["DBInstances"]
    assert written.entries[f"{UNDER}/servers/rds/host"] == instance["Endpoint"]["Address"]


async def test_each_service_works_on_its_own_database_and_on_no_other(written, server, tmp_path):
    await _set_up_all(written.entries, server, tmp_path)
    urls = {
        service: server.reached(
            secret(service, written.entries)["database-url"],
            written.entries[f"{UNDER}/servers/rds/host"],
        )
        for service in STORES.values()
    }
    for service, url in urls.items():
        async with connected(url) as connection:
            await connection.execute("CREATE TABLE mine (n int); INSERT INTO mine VALUES (1)")
            assert await connection.fetchval("SELECT n FROM mine") == 1
            for refused in ("CREATE ROLE more", "CREATE DATABASE more", "SET ROLE postgres"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(refused)
        other = next(u for name, u in urls.items() if name != service).rpartition("/")[2]
        for database in (other, "postgres", "template1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(f"{url.rpartition('/')[0]}/{database}")
    mine, other = urls.values()
    password = other.split(":")[2].partition("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(mine, password=password)


async def test_the_service_itself_migrates_and_is_ready_with_the_composed_url(
    written, server, tmp_path
):
    await _set_up_all(written.entries, server, tmp_path)
    url = server.reached(
        secret("portfolio-service", written.entries)["database-url"],
        written.entries[f"{UNDER}/servers/rds/host"],
    )
    config = named("trading", "production", "ConfigMap", "portfolio-service-config")["data"]
    [port] = free_ports(1)
    # What a cluster issues is not here; nothing is called.
    given = {key: value for key, value in config.items() if not key.startswith("TARMAC_CALLER")}
    env = {**given, "HOST": "127.0.0.1", "PORT": str(port), "DATABASE_URL": url, "SENTRY_DSN": ""}
    env = {"PATH": os.environ["PATH"], **env}
    said = await asyncio.to_thread(_migrated_and_ready, env, tmp_path / "service.log", port)
    assert '"database"' in said


async def test_another_number_sets_other_passwords_and_the_old_ones_end(written, server, tmp_path):
    await _set_up_all(written.entries, server, tmp_path)
    host = written.entries[f"{UNDER}/servers/rds/host"]
    old = server.reached(secret("market-service", written.entries)["database-url"], host)
    # As the next number has it: other entries, of which every text in the cluster is made anew.
    renewed = {
        name: value if "/servers/" in name else value[::-1]
        for name, value in written.entries.items()
    }
    new = server.reached(secret("market-service", renewed)["database-url"], host)
    async with connected(old) as staying:
        await _set_up_all(renewed, server, tmp_path)
        async with connected(new):
            assert await staying.fetchval("SELECT 1") == 1, "what is connected stays so"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(old)


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for a while."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _set_up_all(entries, server, tmp_path):
    """Run the set-ups of several stores at once, as a cluster does, and then again."""
    for _ in range(2):
        runs = []
        for store in STORES:
            folder = tmp_path / store
            folder.mkdir(exist_ok=True)
            given = (job(store), secret(store, entries), server, folder)
            runs.append(asyncio.to_thread(set_up, *given))
        for done in await asyncio.gather(*runs):
            assert done.returncode == 0, done.stderr


def _migrated_and_ready(env: dict[str, str], log: Path, port: int) -> str:
    """Run the migrations, then the service; return what it answers when it is ready."""
    migrating = [sys.executable, "-m", "tarmac_kit.migrate", "tarmac_portfolio"]
    done = subprocess.run(migrating, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    serving = [sys.executable, "-m", "tarmac_kit.serve", "tarmac_portfolio"]
    with log.open("wb") as out:
        started = subprocess.Popen(serving, env=env, stdout=out, stderr=out)
        try:
            return _ready(started, port)
        finally:
            started.terminate()
            started.wait(30)


def _ready(started: subprocess.Popen[bytes], port: int) -> str:
    """Ask until it is ready, for a minute at most."""
    for _ in range(240):
        assert started.poll() is None, "it ended"
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                pass
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as said:
                text: str = said.read().decode()
                return text
        except urllib.error.HTTPError as error:
            last = error.read().decode()
        except OSError as error:
            last = str(error)
        _pause(started)
    raise AssertionError(last)


def _pause(started: subprocess.Popen[bytes]) -> None:
    """Give it a quarter of a second, or less if it ends."""
    try:
        started.wait(0.25)
    except subprocess.TimeoutExpired:
        return
