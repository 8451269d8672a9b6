"""Errors for a tracker that speaks Sentry's protocol: SENTRY_DSN, off without one.

Made by `create_app`, which hands it each error that is logged with its exception; a service that
receives errors of its pages sends those by `send`. An event has service, release, environment and
trace id. It never has a request's body, headers, path or user, nor the values of variables; what
looks like an address, a token or a password in a message is masked. Without a DSN sentry_sdk is
never imported.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tarmac_kit import trace
from tarmac_kit.settings import Settings, SettingsError

if TYPE_CHECKING:
    from sentry_sdk import Client

#: Seconds that the last events have to go out when the process ends.
CLOSE_S = 2.0
MOST_CHARS = 2000

_MASKS = (
    (re.compile(r"(\w+://[^:/@\s]*):[^@/\s]+@"), r"\1:***@"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), "***@***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s,;'\"]+"), r"\1 ***"),
    (
        re.compile(
            r"(?i)([\w-]*(?:password|passwd|secret|token|cookie|api[_-]?key)[\w-]*"
            r"['\"]?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s,;)}]+)"
        ),
        r"\1***",
    ),
    (re.compile(r"\b[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), "***"),
    (re.compile(r"\b[A-Za-z0-9_+/=-]{40,}"), "***"),
)


def masked(text: str) -> str:
    """Return `text`, cut, without what looks like an address, a token or a password."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text[: 2 * MOST_CHARS])
    return text[:MOST_CHARS]


class ErrorReporter:
    """Sends errors to the tracker, from a thread of its own; a tracker that is away loses them."""

    def __init__(self, settings: Settings) -> None:
        """Raise SettingsError for a DSN that is none, or when sentry-sdk is not installed."""
        service = settings.service_name
        try:
            from sentry_sdk import Client  # noqa: PLC0415 - 100 ms, and only with a DSN
            from sentry_sdk.utils import BadDsn  # noqa: PLC0415 - as above
        except ImportError:
            line = "SENTRY_DSN is set, but sentry-sdk is absent; install tarmac-kit[sentry]"
            raise SettingsError([f"{service}: {line}"]) from None
        try:
            self._client: Client = Client(
                dsn=settings.sentry_dsn,
                environment=settings.sentry_environment,
                release=settings.sentry_release,
                server_name=service,
                default_integrations=False,
                auto_enabling_integrations=False,
                auto_session_tracking=False,
                include_local_variables=False,
                max_breadcrumbs=0,
                max_request_body_size="never",
                send_client_reports=False,
                shutdown_timeout=CLOSE_S,
            )
        except BadDsn:
            line = "SENTRY_DSN is wrong: not a DSN; write https://KEY@HOST/PROJECT"
            raise SettingsError([f"{service}: {line}"]) from None
        self._service = service

    def logged(self, line: Mapping[str, Any]) -> None:
        """Send the exception of a log line, if it has one."""
        error = line.get("exc_info")
        if error is True:
            error = sys.exc_info()[1]
        elif isinstance(error, tuple):
            error = error[1]
        # What the sender itself says of a tracker that is away would be reported without end.
        own = str(line.get("component", "")).startswith(("sentry_sdk", "urllib3"))
        if isinstance(error, BaseException) and not own:
            names = ("component", "route", "method", "task", "topic", "group")
            self.exception(error, **{name: str(line[name]) for name in names if name in line})

    def exception(self, error: BaseException, **tags: str) -> None:
        """Send one exception with its stack, causes included."""
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415 - there is a DSN

        event, hint = event_from_exception(
            error,
            client_options=self._client.options,
            mechanism={"type": "tarmac_kit", "handled": False},
        )
        for value in event.get("exception", {}).get("values", ()):
            value["value"] = masked(str(value.get("value") or ""))
        self.send({**event, "tags": tags}, hint)

    def send(self, event: Mapping[str, Any], hint: Any = None) -> None:
        """Send an event in Sentry's form; service, trace, release and environment are added."""
        trace_id, span_id = trace.current_ids()
        contexts = dict(event.get("contexts", {}))
        if trace_id:
            contexts["trace"] = {"trace_id": trace_id, "span_id": span_id}
        whole: Any = {
            **event,
            "level": event.get("level", "error"),
            "contexts": contexts,
            "tags": {**event.get("tags", {}), "service": self._service},
        }
        if tags_route := whole["tags"].get("route"):
            whole["transaction"] = tags_route
        self._client.capture_event(whole, hint)

    async def close(self) -> None:
        """Give the last events CLOSE_S to go out."""
        await asyncio.to_thread(self._client.close, timeout=CLOSE_S)


def from_settings(settings: Settings) -> ErrorReporter | None:
    """Return the reporter; None without a DSN."""
    return ErrorReporter(settings) if settings.sentry_dsn else None
