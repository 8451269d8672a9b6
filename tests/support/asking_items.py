"""Saves and finds items of a service that `tarmac new` made, by HTTP or by gRPC.

The messages of gRPC are written by hand, so that no generated code is needed: `GetRequest` and
`Item` of `items.proto` have short texts only, and no text is longer than one byte of length tells.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

import grpc

SECONDS = 10


@dataclass(frozen=True)
class HttpItems:
    """A service that is asked by HTTP; its metrics are on the same port."""

    port: int

    @property
    def metrics_url(self) -> str:
        """Where its metrics are."""
        return f"http://127.0.0.1:{self.port}/metrics"

    def save(self, item_id: str, name: str, traceparent: str) -> None:
        """Save an item, as a part of a trace."""
        ask(self._url(item_id), {"name": name}, {"traceparent": traceparent})

    def find(self, item_id: str) -> dict[str, str] | None:
        """Find an item; None where it is not there."""
        try:
            found: dict[str, str] = json.loads(ask(self._url(item_id)))
        except urllib.error.HTTPError:
            return None
        return found

    def _url(self, item_id: str) -> str:
        return f"http://127.0.0.1:{self.port}/items/{item_id}"


@dataclass(frozen=True)
class GrpcItems:
    """A service that is asked by gRPC; its metrics are on the next port."""

    port: int

    @property
    def metrics_url(self) -> str:
        """Where its metrics are."""
        return f"http://127.0.0.1:{self.port + 1}/metrics"

    def save(self, item_id: str, name: str, traceparent: str) -> None:
        """Save an item, as a part of a trace."""
        self._call("Put", packed(item_id, name), (("traceparent", traceparent),))

    def find(self, item_id: str) -> dict[str, str] | None:
        """Find an item; None where it is not there."""
        try:
            found = unpacked(self._call("Get", packed(item_id)))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise
        return dict(zip(("id", "name"), found, strict=True))

    def _call(
        self, method: str, message: bytes, metadata: tuple[tuple[str, str], ...] = ()
    ) -> bytes:
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            call = channel.unary_unary(f"/items.v1.Items/{method}")
            answer: bytes = call(message, timeout=SECONDS, metadata=metadata, wait_for_ready=True)
            return answer


def ask(url: str, body: object = None, headers: dict[str, str] | None = None) -> str:
    """Ask by GET, or PUT a body; return the answer's text."""
    data = None if body is None else json.dumps(body).encode()
    named = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, named, method="GET" if data is None else "PUT")
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        text: str = answer.read().decode()
        return text


def packed(*texts: str) -> bytes:
    """Write a message of texts, the first of which is field 1."""
    fields = ((number << 3 | 2, text.encode()) for number, text in enumerate(texts, 1))
    return b"".join(bytes([tag, len(text)]) + text for tag, text in fields)


def unpacked(message: bytes) -> list[str]:
    """Read a message of texts."""
    texts = []
    while message:
        end = 2 + message[1]
        texts.append(message[2:end].decode())
        message = message[end:]
    return texts
