"""Adapters of brokers, one file each; `make_bus` picks by the URL's scheme."""

from __future__ import annotations

import importlib.util
from urllib.parse import urlsplit

from tarmac_kit.messages import Bus
from tarmac_kit.settings import SettingsError

#: Schemes of BROKER_URL -> the name that OpenTelemetry has for the broker.
SYSTEMS = {
    "nats": "nats",
    "tls": "nats",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "kafka": "kafka",
    "kafkas": "kafka",
}


def system_of(url: str | None) -> str:
    """Name the broker at `url`, for spans."""
    return SYSTEMS.get(urlsplit(url or "").scheme, "unknown")


def make_bus(url: str, *, service: str) -> Bus:
    """Return the adapter for `url`; it is not open yet.

    Raises SettingsError for a scheme without an adapter.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("nats", "tls"):
        from tarmac_kit.bus.nats import NatsBus  # noqa: PLC0415 - the client is imported when used

        return NatsBus(url, name=service)
    if scheme in ("amqp", "amqps"):
        from tarmac_kit.bus.rabbitmq import RabbitBus  # noqa: PLC0415 - as above

        return RabbitBus(url, name=service)
    if scheme in ("kafka", "kafkas"):
        if importlib.util.find_spec("aiokafka") is None:
            what = f"{service}: BROKER_URL is {scheme}://, and aiokafka is not installed"
            raise SettingsError([f"{what}; install tarmac-kit[kafka]"])
        from tarmac_kit.bus.kafka import KafkaBus  # noqa: PLC0415 - as above

        return KafkaBus(url, name=service)
    what = f"{service}: BROKER_URL is wrong: no adapter for {scheme!r}"
    raise SettingsError([f"{what}; use nats://, amqp:// or kafka://"])
