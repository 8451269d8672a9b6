"""What surrounds every handled message: span, log line, metric, and where it goes when it fails.

Put around handlers by the chassis when the process starts.
"""

from __future__ import annotations

import structlog
from opentelemetry.trace import SpanKind

from tarmac_kit import trace
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Handler, Message, PoisonMessage
from tarmac_kit.metrics import Metrics
from tarmac_kit.parking import Parking, limited


def guarded(
    handler: Handler,
    topic: str,
    group: str,
    *,
    metrics: Metrics,
    parking: Parking | None,
    attempts: int,
    system: str = "unknown",
) -> Handler:
    """Return `handler`, observed; what it cannot take is set aside, or the broker's after so many.

    Args:
        parking: where messages are set aside; None where there is no inbox.
        system: the broker, as spans name it.
    """
    if parking is None:
        return observed(limited(handler, attempts), group, metrics, system)
    return parking.around(topic, group, observed(handler, group, metrics, system))


def observed(handler: Handler, group: str, metrics: Metrics, system: str = "unknown") -> Handler:
    """Return `handler` with a consumer span that continues the publisher's trace.

    It changes no outcome: what the handler raises is raised.
    """

    async def handle(message: Message) -> None:
        structlog.contextvars.clear_contextvars()
        log = get_logger("consumer").bind(
            topic=message.topic, group=group, message_id=message.id, attempt=message.attempt
        )
        with trace.span(
            f"process {message.topic}",
            kind=SpanKind.CONSUMER,
            carrier=message.headers,
            attributes={
                "messaging.system": system,
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": message.topic,
                "messaging.consumer.group.name": group,
                "messaging.message.id": message.id,
            },
        ):
            try:
                await handler(message)
            except PoisonMessage as error:
                metrics.consumed(message.topic, group, "parked")
                log.error("message parked", reason=str(error))  # noqa: TRY400 - the reason is enough
                raise
            except Exception as error:
                metrics.consumed(message.topic, group, "retry")
                log.warning("message failed; it comes again", error=str(error), exc_info=error)
                raise
            metrics.consumed(message.topic, group, "ok")
            log.info("message handled")

    return handle
