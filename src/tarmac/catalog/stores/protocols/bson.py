"""MongoDB's wire protocol without I/O: messages of BSON, as far as making users needs them.

`_accounts.py` says things with it. It knows the types that servers answer with, and no others.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.catalog.stores.kind import ProtocolScript
from tarmac.catalog.stores.protocols import dialogue

_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")
#: Lists whose documents are passed on and never looked into.
_UNREAD = frozenset({"firstBatch", "nextBatch"})
#: Types that are only skipped, with their sizes.
_FIXED = {0x07: 12, 0x09: 8, 0x11: 8}


@dataclass(frozen=True)
class RawDocument:
    """A document as bytes, whatever is in it."""

    content: bytes


@dataclass(frozen=True)
class Int64:
    """A number that is sent with 64 bits."""

    value: int


class CommandRejected(dialogue.CommandRejected):
    """The server refused a command."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(str(answer.get("errmsg", "it does not say why")))
        self.code = answer.get("code")


def message(command: Mapping[str, Any]) -> bytes:
    """Write a command as one message."""
    body = struct.pack("<iB", 0, 0) + document(command)
    return _HEADER.pack(_HEADER.size + len(body), 1, 0, _OP_MSG) + body


def answer(heard: bytearray) -> ProtocolScript:
    """Read the next message; return its document. Raises CommandRejected where that says so."""
    while len(heard) < 4 or len(heard) < struct.unpack_from("<i", heard)[0]:
        heard += yield b""
    size = struct.unpack_from("<i", heard)[0]
    # A header, flags, and the kind of the section, which for an answer is always a document.
    found, _ = _document(bytes(heard[:size]), _HEADER.size + 5)
    del heard[:size]
    if not found.get("ok"):
        raise CommandRejected(found)
    if wrong := found.get("writeErrors"):
        raise CommandRejected(wrong[0])
    return found


def document(value: Mapping[str, Any]) -> bytes:
    """Write a document."""
    inside = b"".join(_element(key, item) for key, item in value.items()) + b"\0"
    return struct.pack("<i", len(inside) + 4) + inside


def read(value: RawDocument) -> dict[str, Any]:
    """Read a document."""
    found, _ = _document(value.content, 0)
    return found


def _element(key: str, value: Any) -> bytes:
    name = key.encode() + b"\0"
    match value:
        case bool():
            return b"\x08" + name + bytes([value])
        case int():
            return b"\x10" + name + struct.pack("<i", value)
        case str():
            text = value.encode() + b"\0"
            return b"\x02" + name + struct.pack("<i", len(text)) + text
        case bytes():
            return b"\x05" + name + struct.pack("<iB", len(value), 0) + value
        case Int64():
            return b"\x12" + name + struct.pack("<q", value.value)
        case RawDocument():
            return b"\x03" + name + value.content
        case list():
            numbered = {str(number): item for number, item in enumerate(value)}
            return b"\x04" + name + document(numbered)
        case Mapping():
            return b"\x03" + name + document(value)
    raise TypeError(f"{key}: {type(value).__name__} is not written here")


def _document(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
    """Read a document; return it and where it ends."""
    ends_at = at + struct.unpack_from("<i", raw, at)[0]
    at += 4
    found: dict[str, Any] = {}
    while raw[at]:
        kind, name_ends_at = raw[at], raw.index(b"\0", at + 1)
        name = raw[at + 1 : name_ends_at].decode()
        read = _raw_documents if name in _UNREAD else _value
        found[name], at = read(kind, raw, name_ends_at + 1)
    return found, ends_at


def _raw_documents(kind: int, raw: bytes, at: int) -> tuple[list[RawDocument], int]:
    """Cut a list of documents up."""
    if kind != 0x04:
        raise CommandRejected({"errmsg": "it answers with something else than a list of documents"})
    ends_at, at = at + struct.unpack_from("<i", raw, at)[0], at + 4
    found = []
    while raw[at]:
        at = raw.index(b"\0", at + 1) + 1  # the type and the number of the place
        size = struct.unpack_from("<i", raw, at)[0]
        found.append(RawDocument(raw[at : at + size]))
        at += size
    return found, ends_at


def _value(kind: int, raw: bytes, at: int) -> tuple[Any, int]:
    if kind in (0x03, 0x04):
        inside, ends_at = _document(raw, at)
        return (list(inside.values()) if kind == 0x04 else inside), ends_at
    if kind in (0x02, 0x05):
        size = struct.unpack_from("<i", raw, at)[0]
        if kind == 0x02:
            return raw[at + 4 : at + 3 + size].decode("utf-8", "replace"), at + 4 + size
        return raw[at + 5 : at + 5 + size], at + 5 + size
    if kind in _FIXED:
        return None, at + _FIXED[kind]
    numbers = {0x01: "<d", 0x08: "<?", 0x10: "<i", 0x12: "<q"}
    if kind in numbers:
        size = struct.calcsize(numbers[kind])
        return struct.unpack_from(numbers[kind], raw, at)[0], at + size
    if kind == 0x0A:
        return None, at
    raise CommandRejected(
        {"errmsg": f"it answers with a value of type {kind:#x}, which is not read here"}
    )
