"""Capture as a part of a process: `python -m tarmac_kit.serve tarmac_capture`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram
from pydantic import Field
from pydantic_settings import BaseSettings

from tarmac_capture.repository import CaptureRepository
from tarmac_capture.service import Capture
from tarmac_kit import Chassis, CommaSet, Part
from tarmac_kit.capture_names import OUTBOX_PUBLICATION, TABLES_PUBLICATION
from tarmac_kit.metrics import Metrics

#: From the commit until the broker has stored it: a millisecond when all is well.
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class CaptureSettings(BaseSettings):
    """What capture reads from the environment beside the kit's own names."""

    capture_slot: str = Field(default="", pattern=r"^[a-z0-9_]{0,63}$")
    capture_publications: CommaSet = frozenset({OUTBOX_PUBLICATION, TABLES_PUBLICATION})
    capture_outbox: str = "outbox"
    capture_prefix: str = Field(default="", pattern=r"^[a-z0-9_.-]*$")
    capture_snapshot: bool = True


class CaptureMeters:
    """The service's own metrics."""

    def __init__(self, metrics: Metrics) -> None:
        registry, service = metrics.registry, metrics.service
        self._published = Counter(
            "capture_published_total",
            "Messages that the broker has stored.",
            ("service", "topic"),
            registry=registry,
        )
        self._service = service
        self._behind = Gauge(
            "capture_slot_lag_bytes",
            "Bytes of the database's log that were not confirmed yet.",
            ("service",),
            registry=registry,
        ).labels(service)
        self._took = Histogram(
            "capture_latency_seconds",
            "Seconds from a transaction's commit until all of it was stored.",
            ("service",),
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        ).labels(service)
        self._began = Counter(
            "capture_slots_made_total",
            "Slots that were made, with the tables read for each.",
            ("service",),
            registry=registry,
        ).labels(service)

    def published(self, topic: str) -> None:
        """Count one message that the broker has stored."""
        self._published.labels(self._service, topic).inc()

    def behind(self, size_bytes: int) -> None:
        """Set how much of the log was not confirmed yet."""
        self._behind.set(size_bytes)

    def took(self, seconds: float) -> None:
        """Count a transaction, by the time from its commit until all of it was stored."""
        self._took.observe(seconds)

    def began(self) -> None:
        """Count a slot that was made."""
        self._began.inc()


def mount(chassis: Chassis) -> None:
    """Wire capture into the process; opens nothing yet."""
    settings = chassis.read(CaptureSettings)
    database = chassis.database()
    if chassis.bus is None:
        chassis.missing.append(
            f"{chassis.settings.service_name}: BROKER_URL is not set; "
            "the system file must list the topics under `publishes`"
        )
        return
    capture = Capture(
        CaptureRepository(database),
        chassis.bus,
        CaptureMeters(chassis.metrics),
        publishes=chassis.settings.publishes,
        publications=sorted(settings.capture_publications),
        outbox=settings.capture_outbox,
        slot=settings.capture_slot,
        prefix=settings.capture_prefix,
        snapshot=settings.capture_snapshot,
    )
    chassis.check("capture", capture.ready)
    chassis.background("capture", capture.run)


PART = Part(name="capture", mount=mount)
