"""A key is not empty beside what belongs below it: lines that are indented too little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: What is below a key, and never beside it: with two of these there, or the one that is named
#: first, the key is empty by its indentation.
_BELOW = {
    "base": ("apiVersion", "kind", "spec"),
    "build": ("dockerfile", "context", "target"),
    "deploy": ("resources", "replicas", "update_config"),
    "healthcheck": ("test", "interval", "retries"),
    "httpGet": ("path", "scheme"),
    "limits": ("cpu", "memory"),
    "requests": ("cpu", "memory"),
    "livenessProbe": ("httpGet", "tcpSocket", "periodSeconds", "initialDelaySeconds"),
    "readinessProbe": ("httpGet", "tcpSocket", "periodSeconds", "initialDelaySeconds"),
    "resources": ("limits", "requests"),
    "securityContext": ("runAsUser", "runAsNonRoot", "runAsGroup", "readOnlyRootFilesystem"),
    "selector": ("matchLabels", "matchExpressions"),
    "rollingUpdate": ("maxSurge", "maxUnavailable"),
    "with": ("fetch-depth", "python-version", "node-version", "go-version", "push", "tags"),
}
#: Deeper than that nothing is looked for.
_DEEPEST = 24


def check(files: Files) -> Iterator[Finding]:
    """Yield empty keys beside what belongs below them."""
    for artifact, path, beside in _empty(files):
        if beside:
            what = f"{path[-1]} is empty, and {beside} beside it belongs below it: its line is"
            yield Finding(artifact.at(*path), f"{what} indented too little; indent it further")


@once
def _empty(files: Files) -> Iterator[tuple[Artifact, Path, str]]:
    """Yield keys without a value, with what is beside them and belongs below."""
    for artifact in files.artifacts:
        if isinstance(artifact.data, Mapping):
            for path, beside in _keys(artifact.data, ()):
                yield artifact, path, beside


def _keys(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if len(path) > _DEEPEST:
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from _keys(item, (*path, number))
    elif isinstance(value, Mapping):
        for key, below in value.items():
            if below is None and key in _BELOW:
                beside = (one for one in _BELOW[key] if value.get(one) is not None)
                yield (*path, key), next(beside, "")
            elif isinstance(below, dict | list):
                yield from _keys(below, (*path, key))


GATE = Gate(
    id="OBJ041",
    title="What belongs below a key is not beside it",
    phase="kubernetes",
    source="https://yaml.org/spec/1.2.2/#61-indentation-spaces: a key without a value is null, and "
    "lines of the same indentation are keys beside it",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("keys without a value", _empty),
    targets=(),
    reads="keys without a value in all files of YAML, values of charts among them, beside keys "
    "that are known to be below them. Judges files without a plan only.",
)
