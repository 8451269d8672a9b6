"""Every entry of a managed server that an ExternalSecret reads is written, and may be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.stored_data import ExternalSecret
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.tree import children, tree

#: What is made with a server: where it stands, and numbered passwords. Others are of a person.
OF_SERVER = re.compile(r"/servers/[^/]+/(host|admin-\d+)$|/stores/[^/]+/[^/]+/password-\d+$")

#: Of Pulumi's stack: where its values are.
STACK_VALUES = "environment:values"


@dataclass(frozen=True)
class WrittenEntries:
    """The entries that Terraform or Pulumi writes for an environment."""

    #: The file that says so.
    file: str
    #: How their names begin.
    under: str
    names: frozenset[str]
    #: By service account: the entries that its role reads.
    readers: Mapping[str, frozenset[str]]


class ReadEntry(NamedTuple):
    """An entry that an ExternalSecret reads."""

    external: ExternalSecret
    #: The account as which it is read; empty: the operator's.
    account: str
    key: str


def check(files: Files) -> Iterator[Finding]:
    """Yield entries that nothing writes, and such as the account's role does not read."""
    for written, read in _judged(files):
        place, what = read.external.artifact.path, title(read.external.artifact)
        if OF_SERVER.search(read.key) and read.key not in written.names:
            yield Finding(
                place,
                f"{what} reads {read.key}, which {written.file} does not have written, so its "
                f"Secret stays as it is; {did_you_mean(read.key, written.names)}",
            )
        elif read.account in written.readers and read.key not in written.readers[read.account]:
            yield Finding(
                place,
                f"{what} reads {read.key} as {read.account}, whose role may not; add it to the "
                f"entries of its service_roles in {written.file}",
            )


def _judged(files: Files) -> Iterator[tuple[WrittenEntries, ReadEntry]]:
    for written in _written(files):
        for external in map(ExternalSecret, files.objects("ExternalSecret")):
            reference = external.artifact.data
            own = string(reference, "spec", "secretStoreRef", "kind") == "SecretStore"
            account = string(reference, "spec", "secretStoreRef", "name") if own else ""
            for entry in external.entries:
                if entry.remote_key.startswith(f"{written.under}/"):
                    yield written, ReadEntry(external, account or "", entry.remote_key)


def _counted(files: Files) -> list[ReadEntry]:
    return [read for _, read in _judged(files)]


def _written(files: Files) -> Iterator[WrittenEntries]:
    """Yield what each environment's values ask for; one that asks for none is left out."""
    for artifact in files.artifacts:
        values = _values(artifact)
        if under := string(values, "entries", "under"):
            servers = (*fields(values, "postgres"), *fields(values, "redis"))
            number = fields(values, "entries").get("number", 1)
            names = {f"{under}/servers/{server}/host" for server in servers}
            names |= {
                f"{under}/servers/{server}/admin-{number}" for server in fields(values, "postgres")
            }
            roles = fields(values, "service_roles")
            yield WrittenEntries(
                artifact.path,
                under,
                frozenset({*names, *map(str, _listed(values, "entries", "generated"))}),
                {name: frozenset(map(str, _listed(roles, name, "entries"))) for name in roles},
            )


def _listed(data: Fields, *path: str) -> tuple[Any, ...]:
    """List the texts at a path."""
    found = fields(data, *path[:-1]).get(path[-1])
    return tuple(found) if isinstance(found, list) else ()


def _values(artifact: Artifact) -> Fields:
    if artifact.path.endswith(".tfvars") and isinstance(artifact.content, str):
        return _parsed(artifact.path, artifact.content) if "entries" in artifact.content else {}
    return fields(artifact.data, "config", STACK_VALUES)


@lru_cache(maxsize=64)
def _parsed(path: str, text: str) -> Fields:
    found = tree(path, text)
    return {} if isinstance(found, Finding) else _arguments(found.children[0], "attribute")


def _arguments(node: Any, kind: str) -> Fields:
    """Read arguments or elements by their names."""
    own = [child for child in children(node) if child.data == kind]
    return {_written_text(child.children[0]): _value(child.children[-1]) for child in own}


def _value(node: Any) -> Any:
    """Read a value as far as it is written: mapping, list, or its text."""
    below = [child for child in children(node) if child.data != "new_line_or_comment"]
    if node.data == "expr_term" and len(below) == 1:
        return _value(below[0])
    if node.data == "object":
        return _arguments(node, "object_elem")
    return [_value(one) for one in below] if node.data == "tuple" else _written_text(node)


def _written_text(node: Any) -> str:
    return "".join(map(str, node.scan_values(lambda _: True))).strip('"')


GATE = Gate(
    id="INF015",
    title="Every entry of a managed server that an ExternalSecret reads is written",
    phase="infrastructure",
    source="a Secret whose entry is missing keeps its last value, or is never made: its pods wait, "
    "or log in with a password that has ended",
    check=check,
    scope=counted_in_files("entries that ExternalSecrets read", _counted),
    of_files=check,
    targets=("cluster",),
    reads="ExternalSecrets beside `entries`, `postgres`, `redis` and `service_roles` of *.tfvars, "
    "or of the values of a Pulumi stack; an entry that a person writes is asked only of the role.",
)
