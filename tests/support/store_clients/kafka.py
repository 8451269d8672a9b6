"""A client of kafka that writes a 7 and reads it."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

import aiokafka


class Kafka:
    async def write(self, url: str) -> None:
        producer = aiokafka.AIOKafkaProducer(**self._at(url), acks="all")
        try:
            await producer.start()
            await producer.send_and_wait("kept.it", b"7")
        finally:
            await producer.stop()

    async def read(self, url: str) -> int:
        consumer = aiokafka.AIOKafkaConsumer(
            "kept.it",
            group_id=urlsplit(url).username,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            **self._at(url),
        )
        try:
            await consumer.start()
            return int((await asyncio.wait_for(consumer.getone(), 20)).value or b"0")
        finally:
            await consumer.stop()

    def _at(self, url: str) -> dict[str, str]:
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        parts = urlsplit(url)
        return {
            "bootstrap_servers": f"{parts.hostname}:{parts.port}",
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": parts.username or "",
            "sasl_plain_password": parts.password or "",
        }


CLIENT = Kafka()
