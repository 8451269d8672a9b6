"""Configurations that ConfigMaps hold as texts, read as the files that they become in a pod."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import yaml

from tarmac.base.artifact import Artifact, read
from tarmac.base.foreign.reading import fields

#: Prometheus, its rules, Alertmanager, and Envoy.
_CONFIGURES = re.compile(
    r"^(groups|scrape_configs|inhibit_rules|route|static_resources):", re.MULTILINE
)


def held(artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """Yield the configurations in ConfigMaps, each line at its place in the file around it."""
    for artifact in artifacts:
        if artifact.is_object and artifact.data.get("kind") == "ConfigMap":
            for key, text in fields(artifact.data, "data").items():
                if isinstance(text, str) and _CONFIGURES.search(text):
                    yield from _inside(artifact, str(key), text)


def _inside(artifact: Artifact, key: str, text: str) -> Iterator[Artifact]:
    path, _, line = artifact.at("data", key).rpartition(":")
    if not line.isdecimal():
        return
    try:
        documents = list(read(path, text))
    except yaml.YAMLError:
        return
    above = int(line)
    for one in documents:
        if isinstance(one.content, Mapping) and not one.is_object:
            lines = {place: above + own for place, own in one.lines.items()}
            yield replace(one, lines=lines, held_as=key)
