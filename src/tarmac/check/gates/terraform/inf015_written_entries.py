"""Every entry of a managed server that an ExternalSecret reads is written, and may be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.stored_data import ExternalSecret
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.written_entries import WrittenEntries, written_entries

#: What is made with a server: where it stands, and numbered passwords. Others are of a person.
OF_SERVER = re.compile(r"/servers/[^/]+/(host|admin-\d+)$|/stores/[^/]+/[^/]+/password-\d+$")


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
    for written in written_entries(files):
        for external in map(ExternalSecret, files.objects("ExternalSecret")):
            reference = external.artifact.data
            own = string(reference, "spec", "secretStoreRef", "kind") == "SecretStore"
            account = string(reference, "spec", "secretStoreRef", "name") if own else ""
            for entry in external.entries:
                if entry.remote_key.startswith(f"{written.under}/"):
                    yield written, ReadEntry(external, account or "", entry.remote_key)


def _counted(files: Files) -> list[ReadEntry]:
    return [read for _, read in _judged(files)]


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
