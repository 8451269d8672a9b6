"""A client of rabbitmq that writes a 7 and reads it."""

from __future__ import annotations

from urllib.parse import urlsplit

import aio_pika


class RabbitMq:
    async def write(self, url: str) -> None:
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            exchange = await channel.get_exchange("kept", ensure=False)
            message = aio_pika.Message(b"7", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await exchange.publish(message, "kept.it")

    async def read(self, url: str) -> int:
        """Read the message; it is given back when the connection ends."""
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(f"{urlsplit(url).username}.kept.it", ensure=False)
            message = await queue.get(timeout=10)
            return int(message.body)


CLIENT = RabbitMq()
