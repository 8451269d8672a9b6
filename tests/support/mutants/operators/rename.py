"""A reference is misspelt, so that it names something that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mutants.mutant import Mutant, Path, data_of, exchanged, parts
from tarmac.base.artifact import Artifact

#: Keys whose text names something else.
_KEYS = re.compile(
    r"(name|\w+Name|\w+Ref|host|hosts|hostnames|needs|uses|path|mountPath|resources|project|key|"
    r"receiver|uid|service|services|secret|claim|topologyKey|expr|record|alert|volumes|depends_on|"
    r"subset|gateways|parentRefs|from|kind|type|url|repoURL|schedule|cron|severity|runs-on|"
    r"connector|role|subjects|verbs|apiGroups|app|value|stage|stages)$"
)


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        if isinstance(value, str) and 0 < len(value) < 200 and _names(path):
            yield exchanged("rename", artifact, path, value, misspelt(value))


def _names(path: Path) -> bool:
    texts = [key for key in path if isinstance(key, str)]
    return bool(texts) and bool(_KEYS.match(texts[-1])) and texts[-2:] != ["metadata", "kind"]


def misspelt(text: str) -> str:
    """Exchange the last two letters that differ; add one where there are none."""
    for end in range(len(text) - 1, 0, -1):
        one, other = text[end - 1], text[end]
        if one.isalnum() and other.isalnum() and one != other:
            return text[: end - 1] + other + one + text[end + 1 :]
    return f"{text}x"
