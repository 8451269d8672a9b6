"""A PostgreSQL as RDS gives one: its administrator is not a superuser, and nothing is in it.

The server is one that Tarmac starts. What is said to it is what rendered objects have, composed as
External Secrets does from the entries of a Secrets Manager.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sandbox import Sandbox

#: What RDS has, and a server elsewhere has not.
OF_RDS = "rds_replication"
ACTION = re.compile(r'\{\{ index \. "([^"]+)" \}\}')


@dataclass(frozen=True)
class ManagedPostgres:
    """The server, and where clients of this machine find it."""

    port: int

    def reached(self, url: str, host: str) -> str:
        """Have the name of an endpoint lead to this server, as DNS would."""
        assert f"@{host}:5432/" in url
        return url.replace(f"@{host}:5432/", f"@127.0.0.1:{self.port}/")


async def managed(box: Sandbox, password: str, provider: str = "") -> ManagedPostgres:
    """Start a server, and leave its administrator no more than RDS does."""
    idle = f"[{sys.executable}, -c, 'import time; time.sleep(3600)']"
    client = f"{{run: {idle}, env: {{URL: '${{stores.it.url}}'}}}}"
    box.write(f"tarmac: 1\nsystem: one\nservices: {{cl: {client}}}\nstores: {{it: postgres}}\n")
    box.up(*(["--provider", f"postgres={provider}"] if provider else []))
    port = box.node("it")["ports"]["main"]
    secrets = json.loads((box.folder / ".tarmac/default/secrets.json").read_text())
    at = {"host": "127.0.0.1", "port": port, "database": "postgres"}
    first = await asyncpg.connect(**at, user="postgres", password=secrets["stores/it/admin"])
    await first.execute("CREATE ROLE helping SUPERUSER LOGIN PASSWORD 'helping'")
    await first.close()
    helping = await asyncpg.connect(**at, user="helping", password="helping")
    for statement in (
        "ALTER ROLE postgres RENAME TO rdsadmin",
        f"CREATE ROLE postgres LOGIN CREATEDB CREATEROLE PASSWORD '{password}'",
        f"CREATE ROLE {OF_RDS}",
        f"GRANT {OF_RDS} TO postgres WITH ADMIN OPTION",
        "ALTER DATABASE postgres OWNER TO postgres",
        "ALTER DATABASE template1 OWNER TO postgres",
    ):
        await helping.execute(statement)
    await helping.close()
    return ManagedPostgres(port)


def composed(external: dict[str, Any], entries: dict[str, str]) -> dict[str, str]:
    """Fill a Secret as External Secrets does, each key by its template, of entries by name."""
    spec = external["spec"]
    parts = {one["secretKey"]: entries[one["remoteRef"]["key"]] for one in spec["data"]}
    made = spec["target"]["template"]["data"]
    return {key: ACTION.sub(lambda found: parts[found[1]], value) for key, value in made.items()}


def set_up(
    job: dict[str, Any], secret: dict[str, str], server: ManagedPostgres, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run what the Job of a store's set-up does, with what the cluster would give it."""
    if shutil.which("psql") is None:
        pytest.skip("psql is not on PATH: install postgresql-client")
    [container] = job["spec"]["template"]["spec"]["containers"]
    for mount in container["volumeMounts"]:
        if mount["name"] == "secret-files":
            (folder / mount["subPath"].removeprefix("setup.")).write_text(secret[mount["subPath"]])
    env = {
        one["name"]: one["value"] if "value" in one else _of(one["valueFrom"], secret)
        for one in container["env"]
    }
    # The endpoint's name leads here; this server has no certificate.
    here = {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(server.port), "PGSSLMODE": "prefer"}
    return subprocess.run(
        [part.replace("/setup/", f"{folder}/") for part in container["command"]],
        env={**os.environ, **env, **here},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _of(source: dict[str, Any], secret: dict[str, str]) -> str:
    return secret[source["secretKeyRef"]["key"]]
