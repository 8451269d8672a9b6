"""Reads a whole OTLP request, in protobuf or in JSON, into protobuf's own messages.

In OTLP's JSON ids are hexadecimal, where protobuf's mapping of JSON has base64; everything else of
it protobuf's library reads. Spans in JSON, which services of the kit send all the time, are
decoded without it: otlp.py.
"""

from __future__ import annotations

import base64
import json
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message

from tarmac.run.telemetry.otlp import DEPTH, ILL_TYPED, UnreadableRequest

M = TypeVar("M", bound=Message)
IDS = frozenset({"traceId", "spanId", "trace_id", "span_id"})
#: Messages within messages: a request's own, and a value's lists in lists.
NESTED = 3 * DEPTH


def of_protobuf(kind: type[M], body: bytes) -> M:
    """Decode a request in protobuf. Raises UnreadableRequest."""
    try:
        read: M = kind.FromString(body)
    except DecodeError as error:
        raise UnreadableRequest(f"not OTLP's protobuf ({error})") from None
    return read


def of_json(kind: type[M], body: bytes) -> M:
    """Decode a request in OTLP's JSON. Raises UnreadableRequest."""
    try:
        read: M = ParseDict(
            _with_ids(_object(body)),
            kind(),
            ignore_unknown_fields=True,
            max_recursion_depth=NESTED,
        )
    except (ParseError, *ILL_TYPED, RecursionError) as error:
        raise UnreadableRequest(f"not OTLP's JSON ({type(error).__name__}: {error})") from None
    return read


def _object(body: bytes) -> dict[str, Any]:
    given = json.loads(body)
    if not isinstance(given, dict):
        raise TypeError("not an object")
    return given


def _with_ids(value: Any) -> Any:
    """Write ids as protobuf's JSON has them. Raises ValueError for a key that is not text."""
    if isinstance(value, list):
        return [_with_ids(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    for key in value:
        key.encode()  # protobuf fails with a SystemError on half a pair of surrogates
    return {
        key: base64.b64encode(bytes.fromhex(entry)).decode()
        if key in IDS and isinstance(entry, str)
        else _with_ids(entry)
        for key, entry in value.items()
    }
