"""What surrounds every handled message: span, log line, metric, and where it goes when it fails.

Put around handlers by the chassis when the process starts.
"""

from __future__ import annotations

import structlog
from opentelemetry.trace import SpanKind

from tarmac_kit import trace
from tarmac_kit.dead_letters import DeadLetters, limited
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Handler, Message, PoisonMessage
from tarmac_kit.metrics import Metrics


def guarded(
    handler: Handler,
    topic: str,
    group: str,
    *,
    metrics: Metrics,
    dead_letters: DeadLetters | None,
    attempts: int,
    system: str = "unknown",
) -> Handler:
    """Return `handler`, observed; failed messages are retried, or left to the broker after so many.

    Args:
        dead_letters: stores failed messages; None where there is no inbox.
        system: the broker, as spans name it.
    """
    if dead_letters is None:
        return observed(limited(handler, attempts), group, metrics, system)
    return dead_letters.around(topic, group, observed(handler, group, metrics, system))


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
                log.error("message dead-lettered", reason=str(error))  # noqa: TRY400 - the reason is enough
                raise
            except Exception as error:
                metrics.consumed(message.topic, group, "retry")
                log.warning(
                    "message failed; it will be redelivered", error=str(error), exc_info=error
                )
                raise
            metrics.consumed(message.topic, group, "ok")
            log.info("message handled")

    return handle
