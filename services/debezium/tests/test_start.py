"""What the environment makes of Debezium's files, and what is missing is said."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tarmac_kit.capture_names import OUTBOX_PUBLICATION, TABLES_PUBLICATION, slot_of

START = Path(__file__).parents[1] / "start.py"
_SPEC = importlib.util.spec_from_file_location("debezium_start", START)
assert _SPEC is not None
assert _SPEC.loader is not None
start = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(start)

ENVIRON = {
    "SERVICE_NAME": "orders-debezium",
    "PORT": "8083",
    "DATABASE_URL": "postgresql://orders_debezium:p%40ss@127.0.0.1:5433/my-orders",
    "BROKER_URL": "kafka://orders_debezium:kafka-secret@127.0.0.1:9092",
}


def test_the_outbox_is_read_by_the_names_that_its_owner_gives_it():
    files = start.settings(ENVIRON, Path("/data"))
    assert files.keys() == {"worker.properties", "secrets.properties", "outbox.properties"}
    outbox = files["outbox.properties"]
    assert outbox["slot.name"] == slot_of("my-orders")
    assert outbox["publication.name"] == OUTBOX_PUBLICATION
    assert files["worker.properties"]["listeners"] == "http://127.0.0.1:8083"


def test_tables_are_a_second_connector_with_a_place_in_the_log_of_its_own():
    files = start.settings({**ENVIRON, "CAPTURED_TABLES": "orders, other.Things"}, Path("/data"))
    tables, outbox = files["tables.properties"], files["outbox.properties"]
    assert tables["publication.name"] == TABLES_PUBLICATION
    assert tables["slot.name"] != outbox["slot.name"]
    assert tables["topic.prefix"] == "my-orders" != outbox["topic.prefix"]
    assert tables["table.include.list"].split(",") == [r"public\\.orders", r"other\\.Things"]


def test_passwords_stand_in_files_of_their_owner_and_where_the_worker_does_not_tell_them(tmp_path):
    files = start.settings(ENVIRON, tmp_path / "data")
    told = "".join(files["outbox.properties"].values())
    assert "p@ss" not in told
    assert "kafka-secret" not in told
    assert files["secrets.properties"] == {"database.password": "p@ss"}
    for _ in range(2):  # the second start replaces what the first one wrote
        start.write(tmp_path / "data", files)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    for name in files:
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600


def test_a_broker_without_users_is_spoken_to_without_a_login():
    broker = {"BROKER_URL": "kafkas://k.example"}
    worker = start.settings({**ENVIRON, **broker}, Path("/data"))["worker.properties"]
    assert worker["producer.bootstrap.servers"] == "k.example:9093"
    assert worker["producer.security.protocol"] == "SSL"
    assert "sasl.jaas.config" not in worker


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(START), *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL: is not set", 2),
        ({"BROKER_URL": "nats://127.0.0.1:4222"}, "Debezium publishes to Kafka (nats is bound)", 2),
        ({"DEBEZIUM_HOME": "/nowhere"}, "no Debezium (/nowhere); run .ci/debezium", 3),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_written(tmp_path, change, said, code):
    data = tmp_path / "data"
    ended = run(**{**ENVIRON, "DEBEZIUM_DATA": str(data), **change})
    assert (ended.returncode, said in ended.stderr) == (code, True)
    assert not data.exists()


def test_a_worker_that_does_not_answer_is_not_ready():
    ended = run("ready", PORT="9")
    assert ended.returncode == 1
    assert "the worker does not answer" in ended.stderr
