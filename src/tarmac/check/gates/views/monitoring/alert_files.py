"""Files of Alertmanager's configuration, of any origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files


def configurations(files: Files) -> Iterator[Artifact]:
    """Yield the configurations of Alertmanager: files with receivers and a route."""
    for artifact in files.artifacts:
        data = artifact.data
        if not artifact.is_object and ("receivers" in data or "inhibit_rules" in data):
            is_ours = isinstance(data.get("route"), Mapping) or "inhibit_rules" in data
            if is_ours and "service" not in data:  # the OpenTelemetry collector has receivers, too
                yield artifact
