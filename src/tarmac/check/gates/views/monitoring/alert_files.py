"""Files of Alertmanager's configuration, of any origin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import mappings
from tarmac.check.gates.subject import Files


def configurations(files: Files) -> Iterator[Artifact]:
    """Yield the configurations of Alertmanager: files with receivers and a route."""
    for artifact in files.artifacts:
        data = artifact.data
        if not artifact.is_object and ("receivers" in data or "inhibit_rules" in data):
            is_ours = isinstance(data.get("route"), Mapping) or "inhibit_rules" in data
            # The OpenTelemetry collector has receivers, too, and so have exporters of events.
            if is_ours and "service" not in data and not _is_of_another(artifact):
                yield artifact


def _is_of_another(artifact: Artifact) -> bool:
    """Tell whether each receiver names its target by a key of its own: `stdout`, `webhook`."""
    found = [one.keys() - {"name"} for one in mappings(artifact.data.get("receivers"))]
    own = [
        keys for keys in found if keys and not any(re.search("_configs?$", str(k)) for k in keys)
    ]
    return bool(own) and own == found
