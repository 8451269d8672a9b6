"""What is said to a server to keep what it holds now, and to put it back: protocols without I/O.

The kinds of this folder name these functions in their `reset`; `local` carries them out: it sends
what is yielded, if anything, and gives back what the server has said since.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from tarmac.launch import Text, text
from tarmac.stores._kind import Conversation, Dialogue, View

#: A key of Redis with what it holds, and the milliseconds that it has left; 0: for ever.
Entry = tuple[bytes, bytes, bytes]
_INBOX = "_INBOX.tarmac"


class Refused(Exception):
    """The server answered something else than it should."""


def keys(port: str, admin: str) -> Conversation:
    """Put a Redis back: every key that it held, and no other."""
    return Conversation(
        port,
        keep=lambda view: _keep_keys(view, admin),
        put_back=lambda view, kept: _put_keys_back(view, admin, kept),
    )


def streams(port: str, admin: str) -> Conversation:
    """Put a JetStream server back: every stream is emptied; streams and consumers stay."""
    return Conversation(port, _nothing_to_keep, lambda view, _: _purge(view, admin))


def deletion(port: str, path: str) -> Conversation:
    """Put a server back that empties itself when it is sent one DELETE."""
    return Conversation(port, _nothing_to_keep, lambda *_: _delete(path))


def _nothing_to_keep(_: View) -> Dialogue:
    return ()
    yield b""


def _keep_keys(view: View, admin: str) -> Dialogue:
    heard = bytearray()
    yield from _ask(heard, text(f"AUTH {admin} ", view.admin, "\r\nKEYS *\r\n"))
    kept: list[Entry] = []
    for key in (yield from _reply(heard)):
        left = yield from _ask(heard, _command(b"PTTL", key))
        content = yield from _ask(heard, _command(b"DUMP", key))
        if content is not None:  # it was over meanwhile
            kept.append((key, b"0" if left.startswith(b"-") else left, content))
    return kept


def _put_keys_back(view: View, admin: str, kept: list[Entry]) -> Dialogue:
    heard = bytearray()
    yield from _ask(heard, text(f"AUTH {admin} ", view.admin, "\r\nFLUSHALL SYNC\r\n"))
    yield from _reply(heard)
    for key, left, content in kept:
        yield from _ask(heard, _command(b"RESTORE", key, left, content))


def _purge(view: View, admin: str) -> Dialogue:
    heard = bytearray()
    hello = json.dumps({"user": admin, "pass": "PASSWORD", "verbose": False, "pedantic": False})
    before, _, after = hello.partition("PASSWORD")
    greeting = text(f"CONNECT {before}", view.admin, f"{after}\r\nSUB {_INBOX} 1\r\n")
    listed = yield from _request(heard, "STREAM.NAMES", greeting)
    for name in listed.get("streams") or ():
        yield from _request(heard, f"STREAM.PURGE.{name}")


def _delete(path: str) -> Dialogue:
    heard = bytearray()
    request = f"DELETE {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    heard += yield request.encode()
    line = yield from _line(heard)
    if line.split(b" ")[1:2] not in ([b"200"], [b"204"]):
        raise Refused(line.decode("latin-1"))


def _request(heard: bytearray, subject: str, before: Text = ()) -> Generator[Any, bytes, Any]:
    heard += yield text(*before, f"PUB $JS.API.{subject} {_INBOX} 0\r\n\r\n")
    while True:
        line = yield from _line(heard)
        if line.startswith(b"-ERR"):
            raise Refused(line.decode())
        if line.startswith(b"MSG "):
            answer = json.loads((yield from _exactly(heard, int(line.split()[-1]))))
            if "error" in answer:
                raise Refused(f"{subject}: {answer['error'].get('description')}")
            return answer


def _command(*parts: bytes) -> bytes:
    """Write a command of Redis whose arguments may hold anything."""
    written = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"*%d\r\n%s" % (len(parts), written)


def _ask(heard: bytearray, said: Text | bytes) -> Generator[Any, bytes, Any]:
    heard += yield said
    return (yield from _reply(heard))


def _reply(heard: bytearray) -> Generator[Any, bytes, Any]:
    """Read one answer of Redis: a line, bytes, None or a list."""
    line = yield from _line(heard)
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        raise Refused(rest.decode("utf-8", "replace"))
    if kind == b"*":
        found: list[Any] = []
        while len(found) < int(rest):
            found += [(yield from _reply(heard))]
        return found
    if kind == b"$":
        return None if rest == b"-1" else (yield from _exactly(heard, int(rest)))
    return rest


def _line(heard: bytearray) -> Generator[Any, bytes, bytes]:
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
