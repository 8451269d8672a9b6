"""Dialogues that save what a server holds now and restore it: protocols without I/O.

The kinds of this folder name these functions in their `reset`; `local` carries them out: it sends
what is yielded, if anything, and gives back what the server has said since.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from tarmac.base.launch import Text, text
from tarmac.catalog.stores.kind import ProtocolScript, StoreContext, StoreReset

#: A key of Redis with what it holds, and the milliseconds that it has left; 0: for ever.
Entry = tuple[bytes, bytes, bytes]
_INBOX = "_INBOX.tarmac"


class CommandRejected(Exception):
    """The server answered something else than it should."""


def keys(port: str, admin: str) -> StoreReset:
    """Put a Redis back: every key that it held, and no other."""
    return StoreReset(
        port,
        snapshot=lambda context: _snapshot_keys(context, admin),
        restore=lambda context, kept: _restore_keys(context, admin, kept),
        what="every key, with what it has left to live",
    )


def streams(port: str, admin: str) -> StoreReset:
    """Put a JetStream server back: every stream is emptied; streams and consumers stay."""
    return StoreReset(
        port,
        no_snapshot,
        lambda context, _: _purge(context, admin),
        "streams are emptied; streams and consumers stay",
    )


def deletion(port: str, path: str) -> StoreReset:
    """Put a server back that empties itself when it is sent one DELETE."""
    return StoreReset(port, no_snapshot, lambda *_: _delete(path), "the sink is emptied")


def no_snapshot(_: StoreContext) -> ProtocolScript:
    """Take no copy: going back is being emptied."""
    return ()
    yield b""


def _snapshot_keys(context: StoreContext, admin: str) -> ProtocolScript:
    heard = bytearray()
    yield from ask(heard, text(f"AUTH {admin} ", context.admin, "\r\nKEYS *\r\n"))
    kept: list[Entry] = []
    for key in (yield from reply(heard)):
        left = yield from ask(heard, command(b"PTTL", key))
        content = yield from ask(heard, command(b"DUMP", key))
        if content is not None:  # it was over meanwhile
            kept.append((key, b"0" if left.startswith(b"-") else left, content))
    return kept


def _restore_keys(context: StoreContext, admin: str, kept: list[Entry]) -> ProtocolScript:
    heard = bytearray()
    yield from ask(heard, text(f"AUTH {admin} ", context.admin, "\r\nFLUSHALL SYNC\r\n"))
    yield from reply(heard)
    for key, left, content in kept:
        yield from ask(heard, command(b"RESTORE", key, left, content))


def _purge(context: StoreContext, admin: str) -> ProtocolScript:
    heard = bytearray()
    listed = yield from request(heard, "STREAM.NAMES", before=greeting(context, admin))
    for name in listed.get("streams") or ():
        yield from request(heard, f"STREAM.PURGE.{name}")


def _delete(path: str) -> ProtocolScript:
    heard = bytearray()
    request = f"DELETE {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    heard += yield request.encode()
    line = yield from read_line(heard)
    if line.split(b" ")[1:2] not in ([b"200"], [b"204"]):
        raise CommandRejected(line.decode("latin-1"))


def greeting(context: StoreContext, admin: str) -> Text:
    """Write how a client of NATS logs in and subscribes to the answers of its requests."""
    hello = json.dumps({"user": admin, "pass": "PASSWORD", "verbose": False, "pedantic": False})
    before, _, after = hello.partition("PASSWORD")
    return text(f"CONNECT {before}", context.admin, f"{after}\r\nSUB {_INBOX} 1\r\n")


def request(heard: bytearray, subject: str, *, before: Text = ()) -> Generator[Any, bytes, Any]:
    """Ask JetStream's interface; return its answer, which is JSON."""
    heard += yield text(*before, f"PUB $JS.API.{subject} {_INBOX} 0\r\n\r\n")
    while True:
        line = yield from read_line(heard)
        if line.startswith(b"-ERR"):
            raise CommandRejected(line.decode())
        if line.startswith(b"MSG "):
            answer = json.loads((yield from _exactly(heard, int(line.split()[-1]))))
            if "error" in answer:
                raise CommandRejected(f"{subject}: {answer['error'].get('description')}")
            return answer


def command(*parts: bytes) -> bytes:
    """Write a command of Redis whose arguments may hold anything."""
    written = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"*%d\r\n%s" % (len(parts), written)


def ask(heard: bytearray, said: Text | bytes) -> Generator[Any, bytes, Any]:
    """Send commands of Redis and read the answer of the first."""
    heard += yield said
    return (yield from reply(heard))


def reply(heard: bytearray) -> Generator[Any, bytes, Any]:
    """Read one answer of Redis: a line, bytes, None or a list."""
    line = yield from read_line(heard)
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        raise CommandRejected(rest.decode("utf-8", "replace"))
    if kind == b"*":
        found: list[Any] = []
        while len(found) < int(rest):
            found += [(yield from reply(heard))]
        return found
    if kind == b"$":
        return None if rest == b"-1" else (yield from _exactly(heard, int(rest)))
    return rest


def read_line(heard: bytearray) -> Generator[Any, bytes, bytes]:
    """Read a line of text, without its end."""
    while (end := heard.find(b"\r\n")) < 0:
        heard += yield b""
    line = bytes(heard[:end])
    del heard[: end + 2]
    return line


def _exactly(heard: bytearray, size: int) -> Generator[Any, bytes, bytes]:
    """Read so many bytes and the line's end after them."""
    while len(heard) < size + 2:
        heard += yield b""
    content = bytes(heard[:size])
    del heard[: size + 2]
    return content
