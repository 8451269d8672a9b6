"""Single files that a Compose service sees, and from where they are mounted."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from tarmac.base.foreign.reading import dig, string
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.files import ComposeFiles
from tarmac.check.gates.views.compose.services import ComposeService

_FILE = re.compile(r"(\.{0,2}/?[^:$\s]*\.\w+):(/[^:\s]+)(:\S*)?")


def mounted_files(service: ComposeService, beside: ComposeFiles) -> Iterator[tuple[str, str]]:
    """Yield the path beside the Compose file and the path inside of each file with an ending."""
    folder = posixpath.dirname(service.artifact.path)
    for entry in listed(dig(service.data, "volumes")):
        is_bound = not isinstance(entry, Mapping) or entry.get("type") == "bind"
        found = _FILE.fullmatch(mount(entry)) if is_bound else None
        if found and "." in posixpath.basename(found[2]):
            yield posixpath.normpath(posixpath.join(folder, found[1])), found[2]
    yield from mounted_configs(service, beside)


def mounted_configs(service: ComposeService, beside: ComposeFiles) -> Iterator[tuple[str, str]]:
    """Yield the path of each config's file, "" where it is of none, and the path inside."""
    folder = posixpath.dirname(service.artifact.path)
    declared = beside.declared("configs")
    for entry in listed(dig(service.data, "configs")):
        if isinstance(entry, Mapping) and (inside := string(entry, "target")):
            _, config = declared.get(string(entry, "source"), (None, None))
            file = string(config, "file")
            yield posixpath.normpath(posixpath.join(folder, file)) if file else "", inside
