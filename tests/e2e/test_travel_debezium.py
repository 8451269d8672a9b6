"""TravelSources with Debezium's connectors in the place of capture: they run, and resume."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import built
import pytest
from aiokafka import AIOKafkaConsumer
from journeys import journeys_of
from system_copies import copy_of
from waiting import until

from tarmac.testing import running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

READERS = {"orders-cdc": "orders-db", "payments-cdc": "payments-db"}
#: As services/debezium/README.md has it.
DEBEZIUM = """    source: ../../services/debezium
    port: {port}
    probe: {{command: [python3, start.py, ready]}}
    volumes: {{place: place}}
    env: {{DEBEZIUM_DATA: "${{volumes.place.path}}"}}
    stores: {{db: {store}}}
"""
CAPTURE = "    source: ../../services/capture\n    stores: {{db: {store}}}\n"
LONG_S = 120.0
TOPIC = "order.placed"

Traveller = journeys_of("travel").Traveller


@pytest.fixture(scope="module")
def travel(tmp_path_factory):
    """Bring travel up with two workers of Kafka Connect, each for one database's log."""
    for program, script in (("kafka-*/libs", "kafka"), ("debezium-*/libs", "debezium")):
        if built.newest(program) is None:
            pytest.skip(f"nothing of .ci/{script} here: run it")
    file = copy_of("travel", tmp_path_factory.mktemp("travel"))
    text = file.read_text()
    for port, store in enumerate(READERS.values(), 8083):
        assert text.count(CAPTURE.format(store=store)) == 1
        text = text.replace(CAPTURE.format(store=store), DEBEZIUM.format(port=port, store=store))
    file.write_text(text)
    with running(file, name="travel-debezium") as system:
        yield system


async def states(travel, session: aiohttp.ClientSession, reader: str) -> list[str]:
    """Ask a worker for the states of its connectors and of their tasks."""
    (port,) = travel.node(reader).ports.values()
    async with session.get(f"http://127.0.0.1:{port}/connectors?expand=status") as answer:
        found = (await answer.json()).values()
    parts = [(one["status"]["connector"], *one["status"]["tasks"]) for one in found]
    return [part["state"] for listed in parts for part in listed]


async def booked(travel, session: aiohttp.ClientSession) -> None:
    """Book a trip; it is paid for by events alone."""
    traveller = Traveller(session, travel.url("entry", "api"))
    assert (await traveller.sign_up()).status == 201
    trip = await traveller.find("interrail")
    await traveller.put(trip["id"], 1)
    placed = await traveller.check_out()
    assert placed.status == 201, placed.data
    assert (await traveller.ended(placed.data["id"]))["status"] == "confirmed"


async def test_both_connectors_run_and_a_booking_is_paid_for_by_what_they_publish(travel, session):
    for reader in READERS:
        assert await states(travel, session, reader) == ["RUNNING", "RUNNING"]
    await booked(travel, session)


async def test_a_killed_worker_goes_on_from_its_offset(travel, session):
    await until(lambda: all(knows_its_place(travel, reader) for reader in READERS), LONG_S)
    before = await placed(travel)
    assert before
    for reader in READERS:
        os.kill(travel.node(reader).pid, signal.SIGKILL)
    await asyncio.to_thread(travel.wait)
    await booked(travel, session)
    for reader in READERS:
        assert await states(travel, session, reader) == ["RUNNING", "RUNNING"]
    # One that begins anew sends every row that is still in the outbox once more.
    assert await placed(travel) == before + 1
    end = time.monotonic() + LONG_S
    while broken := [one for one in await asyncio.to_thread(travel.invariants) if not one.holds]:
        assert time.monotonic() < end, broken
        await asyncio.sleep(0.3)


def knows_its_place(travel, reader: str) -> bool:
    """Tell whether a worker has written down where it is, after its snapshot."""
    offsets = Path(travel.env(reader)["DEBEZIUM_DATA"]) / "offsets"
    written = offsets.read_bytes() if offsets.exists() else b""
    return b"lsn" in written and b"snapshot" not in written


async def placed(travel) -> int:
    """Count the records of bookings on Kafka."""
    url = urlsplit(travel.store_url("broker"))
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=f"{url.hostname}:{url.port}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=url.username,
        sasl_plain_password=url.password,
    )
    await consumer.start()
    try:
        parts = consumer.assignment()
        assert parts
        first, last = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        return sum(last[part] - first[part] for part in parts)
    finally:
        await consumer.stop()
