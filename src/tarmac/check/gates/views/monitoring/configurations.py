"""Configurations of Prometheus, Promtail and Loki, as files and in ConfigMaps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import first
from tarmac.base.foreign.reading import Fields, fields
from tarmac.check.gates.subject import Files

_OF_LOKI = re.compile(r"^schema_config:", re.MULTILINE)
#: Parts by which a mapping is a configuration of Loki.
LOKI = ("schema_config", "limits_config")
_PARTS = {"scrape_configs", *LOKI}


def configurations(files: Files) -> Iterator[tuple[Artifact, tuple[str, ...], Fields]]:
    """Yield files and keys of ConfigMaps that may be one: in what, where there, and its data."""
    for artifact in files.artifacts:
        if not artifact.is_object and _PARTS & artifact.data.keys():
            yield artifact, (), artifact.data
    for artifact in files.objects("ConfigMap"):
        for key, text in fields(artifact.data, "data").items():
            # Of Prometheus they are read as files.
            is_one = isinstance(text, str) and _OF_LOKI.search(text)
            if is_one and isinstance(data := first(text), dict) and "scrape_configs" not in data:
                yield artifact, ("data", str(key)), data
