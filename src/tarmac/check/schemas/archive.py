"""The archive of schemas that ships with Tarmac: one for each kind and version of Kubernetes.

Written by .ci/lock-schemas from the packages that the lock names, read by `check`. It is a text in
xz: the first line is an index in JSON, each other line is a schema. Descriptions are left out, and
a schema that several versions share is there once. Kinds that Tarmac does not render come in a
second stream, which is unpacked once an object of theirs is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from tarmac.base.report import Skip
from tarmac.check.schemas.convert import Kind, kind_of

ARCHIVE = files("tarmac") / "assets" / "schemas.xz"

#: Schemas and where they come from, by kind, by version of Kubernetes.
Prepared = Mapping[str, Mapping[Kind, tuple[dict[str, Any], str]]]


@dataclass(frozen=True)
class Archive:
    """All schemas, still as text."""

    #: That of the lock whose packages it is made from.
    digest: str
    #: By version of Kubernetes: `apiVersion kind` to the source's label and the schema's line.
    versions: Mapping[str, Mapping[str, tuple[str, int]]]
    first: tuple[bytes, ...]
    #: The second stream, still packed.
    rest: bytes = b""

    def origins(self, version: str) -> dict[str, str]:
        """Return where each kind's schema comes from, by `apiVersion kind`."""
        return {name: origin for name, (origin, _) in self.versions[version].items()}

    def text(self, version: str, kind: Kind) -> bytes | None:
        """Return a kind's schema as JSON, or None."""
        found = self.versions[version].get(f"{kind.api} {kind.kind}")
        return None if found is None else self.line(found[1])

    def line(self, number: int) -> bytes:
        """Return a schema by the number that the index gives it."""
        first = len(self.first)
        return self.first[number] if number < first else self._later[number - first]

    @cached_property
    def _later(self) -> tuple[bytes, ...]:
        import lzma  # noqa: PLC0415 - as in `read`

        return tuple(lzma.decompress(self.rest).split(b"\n"))


def packed(prepared: Prepared, digest: str, later: frozenset[str] = frozenset()) -> bytes:
    """Write an archive; the same input gives the same bytes.

    Args:
        later: sources whose kinds come in the second stream.
    """
    import lzma  # noqa: PLC0415 - as in `read`

    lines: dict[str, int] = {}
    versions: dict[str, dict[str, tuple[str, int]]] = {version: {} for version in prepared}
    first = 0
    for is_later in (False, True):
        for version, kinds in prepared.items():
            for kind, (schema, origin) in sorted(kinds.items()):
                if (origin in later) == is_later:
                    number = lines.setdefault(_line(schema), len(lines))
                    versions[version][f"{kind.api} {kind.kind}"] = origin, number
        first = first or len(lines)
    index = _line({"digest": digest, "versions": versions})
    texts = [*lines]
    streams = ["\n".join((index, *texts[:first]))]
    streams += ["\n".join(texts[first:])] if texts[first:] else []
    preset = 9 | lzma.PRESET_EXTREME
    return b"".join(lzma.compress(one.encode(), preset=preset) for one in streams)


@cache
def read() -> Archive:
    """Read the archive that this version of Tarmac came with, once per process.

    Raises:
        Skip: this Python was built without lzma.
    """
    try:
        import lzma  # noqa: PLC0415 - a Python that was built without it still does all else
    except ImportError:
        raise Skip(
            "this Python was built without lzma, and the schemas are in xz; install liblzma "
            "and build Python again, or use another Python"
        ) from None
    unpacking = lzma.LZMADecompressor()
    index, *lines = unpacking.decompress(ARCHIVE.read_bytes()).split(b"\n")
    data = json.loads(index)
    return Archive(data["digest"], data["versions"], tuple(lines), unpacking.unused_data)


def listed(archive: Archive, version: str) -> Iterator[tuple[Kind, bytes]]:
    """Yield every kind of a version with its schema as JSON."""
    for name, (_, line) in archive.versions[version].items():
        yield kind_of(*name.split()), archive.line(line)


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
