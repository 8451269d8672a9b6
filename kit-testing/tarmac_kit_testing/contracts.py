"""Whether what a publisher writes can be read: JSON Schemas of events, compared.

Re-exported by `testing`, for tests only. It looks at what must be there and of which type it is;
bounds and patterns are a reader's own business, and are not compared. It validates no event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def unreadable(written: Schema, read: Schema) -> list[str]:
    """Return what may be written by the first schema and cannot be read by the second.

    Members that the reader does not know are fine, unless it forbids them.
    """
    return [*_unreadable(_Side(written, written), _Side(read, read), "event")]


def broken(now: Schema, before: Schema) -> list[str]:
    """Return what in a publisher's schema would break readers of the previous one.

    That is what is removed, renamed, no longer always there, or may be of another type or value.
    A member more is fine.
    """
    open_before = _Side(before, before, lenient=True)
    found = [
        *_removed(_Side(now, now), open_before, "event"),
        *_unreadable(_Side(now, now), open_before, "event"),
    ]
    return [*dict.fromkeys(found)]


class _Side:
    """A schema within its document, which has the definitions."""

    def __init__(self, schema: Schema, document: Schema, *, lenient: bool = False) -> None:
        while "$ref" in schema:
            step: Any = document
            for name in schema["$ref"].removeprefix("#/").split("/"):
                step = step[name]
            schema = step
        self.schema = schema
        self._document = document
        self.lenient = lenient

    def within(self, schema: Schema) -> _Side:
        return _Side(schema, self._document, lenient=self.lenient)

    def alternatives(self) -> list[_Side]:
        """Return one side for each type that a value may have."""
        for word in ("anyOf", "oneOf"):
            if word in self.schema:
                return [
                    side
                    for alternative in self.schema[word]
                    for side in self.within(alternative).alternatives()
                ]
        types = self.schema.get("type")
        if isinstance(types, list):
            return [self.within({**self.schema, "type": name}) for name in types]
        return [self]

    @property
    def members(self) -> Mapping[str, Schema]:
        found: Mapping[str, Schema] = self.schema.get("properties", {})
        return found

    @property
    def values(self) -> list[Any] | None:
        if "const" in self.schema:
            return [self.schema["const"]]
        return self.schema.get("enum")

    @property
    def type(self) -> str | None:
        found: str | None = self.schema.get("type")
        return found


def _unreadable(written: _Side, read: _Side, where: str) -> Iterator[str]:
    readers = read.alternatives()
    for alternative in written.alternatives():
        complaints = [[*_one(alternative, reader, where)] for reader in readers]
        if all(complaints):
            # The reader that comes nearest says what is wrong.
            yield from min(complaints, key=len)


def _one(written: _Side, read: _Side, where: str) -> Iterator[str]:
    if read.type is None and read.values is None:
        return
    if written.type != read.type and (written.type, read.type) != ("integer", "number"):
        yield f"{where}: may be {written.type or 'anything'}, and {read.type} is read"
        return
    if read.values is not None:
        more = [value for value in written.values or ["others"] if value not in read.values]
        if more:
            yield f"{where}: may be {', '.join(map(str, more))}, and only {read.values} is read"
    if read.schema.get("format") not in (None, written.schema.get("format")):
        form = written.schema.get("format") or "any text"
        yield f"{where}: may be {form}, and {read.schema['format']} is read"
    if read.type == "array" and "items" in read.schema:
        items = written.within(written.schema.get("items", {}))
        yield from _unreadable(items, read.within(read.schema["items"]), f"{where}[]")
    if read.type == "object":
        yield from _object(written, read, where)


def _object(written: _Side, read: _Side, where: str) -> Iterator[str]:
    always = written.schema.get("required", ())
    for name in read.schema.get("required", ()):
        if name not in written.members:
            yield f"{where}.{name}: is not written, and it is needed"
        elif name not in always:
            yield f"{where}.{name}: may be missing, and it is needed"
    for name, member in written.members.items():
        if name in read.members:
            inner = read.within(read.members[name])
            yield from _unreadable(written.within(member), inner, f"{where}.{name}")
        elif read.schema.get("additionalProperties") is False and not read.lenient:
            yield f"{where}.{name}: is written, and the reader forbids what it does not know"


def _removed(now: _Side, before: _Side, where: str) -> Iterator[str]:
    """Find members that were there, were they always or not."""
    for one in before.alternatives():
        same = [alternative for alternative in now.alternatives() if alternative.type == one.type]
        for other in same:
            if one.type == "array" and "items" in one.schema:
                items = other.within(other.schema.get("items", {}))
                yield from _removed(items, one.within(one.schema["items"]), f"{where}[]")
            for name, member in one.members.items():
                if name not in other.members:
                    yield f"{where}.{name}: is no longer written"
                else:
                    inner = other.within(other.members[name])
                    yield from _removed(inner, one.within(member), f"{where}.{name}")
