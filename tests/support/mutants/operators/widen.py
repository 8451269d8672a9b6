"""More is allowed or selected: every address, every pod, every verb."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mutants.mutant import Mutant, data_of, exchanged, lines_of, parts, retexted
from tarmac.base.artifact import Artifact

_CIDR = re.compile(r"\d+\.\d+\.\d+\.\d+/\d+")
_SELECTORS = ("podSelector", "selector", "matchLabels", "namespaceSelector", "labelSelector")
_LISTS = ("verbs", "resources", "apiGroups", "ports", "from", "to", "ipBlock", "sourceRepos")
_HOSTS = ("host", "hosts", "hostnames", "dnsNames")


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        key = next((k for k in reversed(path) if isinstance(k, str)), "")
        if isinstance(value, str) and _CIDR.fullmatch(value) and value != "0.0.0.0/0":
            yield exchanged("widen", artifact, path, value, "0.0.0.0/0")
        elif isinstance(value, Mapping) and value and key in _SELECTORS:
            yield exchanged("widen", artifact, path, "the selector", {})
        elif isinstance(value, list) and value and key in _LISTS:
            wide = ["*"] if isinstance(value[0], str) else []
            if value != wide:
                yield exchanged("widen", artifact, path, "the list", wide)
        elif isinstance(value, str) and key in _HOSTS and value != "*":
            yield exchanged("widen", artifact, path, value, "*")
        elif value == "read" and "permissions" in path:
            yield exchanged("widen", artifact, path, value, "write")
    for number, line in enumerate(lines_of(artifact)):
        wide = _CIDR.sub("0.0.0.0/0", line)
        if wide != line:
            yield retexted("widen", artifact, number, [wide])
