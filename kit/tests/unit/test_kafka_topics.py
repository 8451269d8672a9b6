"""What the Kafka adapter does for its consumers when a broker comes back."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tarmac_kit.bus.kafka import KafkaBus


@dataclass
class Consumer:
    """A group's consumer, as far as the bus restarts it."""

    topics: tuple[str, ...] = ("order.placed",)
    interrupted: bool = False

    def interrupt(self) -> None:
        self.interrupted = True


@pytest.mark.parametrize(
    ("found", "restarts"),
    [(True, True), (False, False), (ConnectionError("not yet"), True)],
    ids=["topics were missing", "topics were there", "no answer"],
)
async def test_a_consumer_starts_again_unless_its_topics_are_known_to_be_there(
    monkeypatch, found, restarts
):
    """With an empty disk it would wait for records of topics that are others now."""

    async def make(_topics: tuple[str, ...]) -> bool:
        if isinstance(found, Exception):
            raise found
        return found

    bus, consumer = KafkaBus("kafka://127.0.0.1:1", name="service"), Consumer()
    monkeypatch.setattr(bus, "_make", make)
    await bus._prepare(consumer)
    assert consumer.interrupted is restarts
