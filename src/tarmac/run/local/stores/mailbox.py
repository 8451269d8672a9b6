"""A folder of emails with an index: what each says, to which addresses, in the order of arrival.

Used by the mail store's program. One thread calls what reads the index; `write` is for any thread.
The files are the truth: the index is made from them where it lacks some.
"""

from __future__ import annotations

import email
import json
import os
import re
import sqlite3
import time
import uuid
from collections.abc import Iterable
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from pathlib import Path
from typing import Any

#: How many emails a page has, and a list of them where nothing else is asked for.
PAGE_SIZE = 50
MOST_LISTED = 200
_NAME = re.compile(r"[0-9]+-[0-9a-z]+")
_TABLES = """
create table if not exists email (id text primary key, summary text not null);
create table if not exists recipient (
    address text not null, id text not null, primary key (address, id)
) without rowid;
create index if not exists recipient_of on recipient (id);
"""

Summary = dict[str, Any]


class Mailbox:
    """A folder with one file for each email, named by arrival, and their index."""

    def __init__(self, folder: Path) -> None:
        """Open the folder; `missing` says what of it the index does not have yet."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._index = _opened(folder / ".index.sqlite")

    def write(self, raw: bytes) -> str:
        """Store an email and return its id; it is on disk then, and not yet in the index."""
        name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
        partial = self._folder / f".{name}"
        with partial.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / f"{name}.eml")
        return name

    def add(self, names: Iterable[str]) -> None:
        """Add stored emails to the index."""
        with self._index:
            for name in names:
                raw = self.raw(name)
                if raw is None:
                    continue  # deleted meanwhile
                found, addresses = _read(name, raw)
                self._index.execute(
                    "insert or replace into email values (?, ?)", (name, json.dumps(found))
                )
                self._index.executemany(
                    "insert or replace into recipient values (?, ?)",
                    [(address, name) for address in addresses],
                )

    def missing(self) -> list[str]:
        """List what the index lacks, newest first; remove from it what is not a file any more."""
        stored = {path.stem for path in self._folder.glob("*.eml")}
        known = {name for (name,) in self._index.execute("select id from email")}
        with self._index:
            for table in ("email", "recipient"):
                self._index.executemany(
                    f"delete from {table} where id = ?",  # noqa: S608 - two names of ours
                    [(name,) for name in known - stored],
                )
        return sorted(stored - known, reverse=True)

    def count(self) -> int:
        """Count the emails."""
        return int(self._index.execute("select count(*) from email").fetchone()[0])

    def listed(
        self, *, before: str = "", after: str = "", to: str = "", limit: int = PAGE_SIZE
    ) -> list[Summary]:
        """List emails, newest first.

        Args:
            before: only those that came before this id, the newest of them.
            after: only those that came after this id, the oldest of them.
            to: only those to this address.
            limit: at most so many.
        """
        source = "recipient join email using (id)" if to else "email"
        conditions = {"id < ?": before, "id > ?": after, "address = ?": to.lower()}
        where = " and ".join(name for name, value in conditions.items() if value) or "true"
        order = "asc" if after else "desc"
        rows = self._index.execute(
            f"select summary from {source} where {where} order by id {order} limit ?",  # noqa: S608
            (*filter(None, conditions.values()), max(1, min(limit, MOST_LISTED))),
        )
        found = [json.loads(summary) for (summary,) in rows]
        return found[::-1] if after else found

    def summary(self, name: str) -> Summary | None:
        """Describe one email; None if there is none of that id."""
        row = self._index.execute("select summary from email where id = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def raw(self, name: str) -> bytes | None:
        """Read an email as it came; None if there is none of that id."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return (self._folder / f"{name}.eml").read_bytes()
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Remove every email."""
        for path in self._folder.glob("*.eml"):
            path.unlink(missing_ok=True)
        with self._index:
            self._index.execute("delete from email")
            self._index.execute("delete from recipient")

    def close(self) -> None:
        """Close the index."""
        self._index.close()


def _opened(path: Path) -> sqlite3.Connection:
    """Open an index; one that is damaged is made again."""
    try:
        return _connected(path)
    except sqlite3.DatabaseError:
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path, check_same_thread=False)
    try:
        # What is lost of it with the machine is made again from the files.
        index.executescript(f"pragma journal_mode=wal; pragma synchronous=off; {_TABLES}")
        index.execute("select id from email limit 1").fetchone()
    except sqlite3.DatabaseError:
        index.close()
        raise
    return index


def _read(name: str, raw: bytes) -> tuple[Summary, set[str]]:
    """Describe an email, and list the addresses that it is to, in lower case."""
    found: Summary = {
        "id": name,
        "from": "",
        "to": [],
        "subject": "",
        "message_id": "",
        "received_at": int(name.split("-", maxsplit=1)[0]) / 1e9,
        "text": "",
        "html": "",
    }
    addresses: set[str] = set()
    try:
        # Its newer policies parse each header by its grammar, in five times as long.
        message = email.message_from_bytes(raw)
        to = getaddresses([str(value) for value in message.get_all("To", ())])
        named = [(_decoded(name), address) for name, address in to if address]
        found["to"] = [f"{name} <{address}>" if name else address for name, address in named]
        addresses = {address.lower() for _, address in named}
        headers = (("from", "From"), ("subject", "Subject"), ("message_id", "Message-ID"))
        found |= {field: _decoded(message.get(header, "")) for field, header in headers}
        found["text"], found["html"] = _body(message, "plain"), _body(message, "html")
    except Exception as error:  # noqa: BLE001 - the parser raises anything; the source stays
        found["text"] = f"(this email cannot be read: {error!r}; see its source)"
    return found, addresses


def _decoded(header: str) -> str:
    """Decode the words of a header that are encoded, and join its lines."""
    return str(make_header(decode_header(header))).replace("\r", "").replace("\n", "")


def _body(message: Message, kind: str) -> str:
    for part in message.walk():
        is_attached = part.get_content_disposition() == "attachment"
        if part.get_content_type() == f"text/{kind}" and not is_attached:
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)  # noqa: S101 - only a multipart has another
            return content.decode(part.get_content_charset("utf-8"), "replace")
    return ""
