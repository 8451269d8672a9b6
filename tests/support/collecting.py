"""A collector on loopback: it reads what it is sent by OTLP's own schema, and answers as told.

The schema is the official one (opentelemetry-proto); a member that it does not know, an id that is
not hexadecimal, an attribute said twice: each is an error, kept in `wrong` for the test to see.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Written

#: In OTLP's JSON ids are hexadecimal, where protobuf's own JSON has base64.
ID_DIGITS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


@dataclass(frozen=True)
class Span:
    """One span as it was sent, and the service that sent it."""

    service: str
    resource: Mapping[str, Any]
    written: Written

    @property
    def name(self) -> str:
        return self.written.name

    @property
    def kind(self) -> str:
        return Written.SpanKind.Name(self.written.kind).removeprefix("SPAN_KIND_").lower()

    @property
    def trace_id(self) -> str:
        return self.written.trace_id.hex()

    @property
    def span_id(self) -> str:
        return self.written.span_id.hex()

    @property
    def parent_id(self) -> str:
        return self.written.parent_span_id.hex()

    @property
    def failed(self) -> bool:
        return self.written.status.code == self.written.status.STATUS_CODE_ERROR

    @property
    def attributes(self) -> dict[str, Any]:
        return _plain(self.written.attributes)


@dataclass(frozen=True)
class Told:
    """An answer: `delay_s` before it, `body` in it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = "{}"
    delay_s: float = 0.0


@dataclass
class Collector:
    """What was sent, and what is answered: the next of `answers` each time, then 200."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    #: When each request came, on the monotonic clock, with its headers and how many spans it had.
    asked: list[tuple[float, dict[str, str], int]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    answers: list[Told] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def of(self, name: str) -> Span:
        """Return the one span of a name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def until(self, spans: int, timeout_s: float = 20.0) -> None:
        """Wait, in a thread, until so many were taken."""
        ends_at = time.monotonic() + timeout_s
        while len(self.spans) < spans:
            if time.monotonic() > ends_at:
                raise AssertionError(f"{len(self.spans)} of {spans} spans came: {self.spans}")
            time.sleep(0.01)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Told:
        """Read one request; what is answered with a failure counts as not taken."""
        told = self.answers.pop(0) if self.answers else Told()
        self.bodies.append(body.decode())
        if path != "/v1/traces" or headers.get("Content-Type") != "application/json":
            self.wrong.append(f"{path} with {headers.get('Content-Type')}")
        try:
            found = list(_read(body))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to see it
            self.wrong.append(repr(error))
            return Told(400)
        self.asked.append((time.monotonic(), dict(headers), len(found)))
        if told.status == 200:
            self.spans += found
        return told


@contextlib.contextmanager
def collecting(port: int = 0) -> Iterator[Collector]:
    """Run a collector on a free port, or on that one; what it was sent wrongly is an error."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told = made.take(self.path, dict(self.headers), body)
            time.sleep(told.delay_s)
            with contextlib.suppress(OSError):  # who does not wait for a slow answer is gone
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body.encode())

        def log_message(self, *_: Any) -> None:
            """Nothing: the test's output is the test's."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert made.wrong == []


def _read(body: bytes) -> Iterator[Span]:
    plain = json.loads(body)
    _ids_as_base64(plain)
    request = Parse(json.dumps(plain), ExportTraceServiceRequest(), ignore_unknown_fields=False)
    for group in request.resource_spans:
        resource = _plain(group.resource.attributes)
        for scope in group.scope_spans:
            for written in scope.spans:
                _plain(written.attributes)
                assert written.end_time_unix_nano >= written.start_time_unix_nano > 0
                yield Span(resource["service.name"], resource, written)


def _ids_as_base64(value: Any) -> None:
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if name in ID_DIGITS:
            assert re.fullmatch(rf"[0-9a-f]{{{ID_DIGITS[name]}}}", inner), inner
            assert int(inner, 16), "an id of noughts is none"
            value[name] = base64.b64encode(bytes.fromhex(inner)).decode()
        elif isinstance(inner, dict | list):
            _ids_as_base64(inner)


def _plain(attributes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute in attributes:
        assert attribute.key not in found, attribute.key
        found[attribute.key] = getattr(attribute.value, attribute.value.WhichOneof("value"))
    return found
