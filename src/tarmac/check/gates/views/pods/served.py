"""Which containers of pods run a server that does not end by itself."""

from __future__ import annotations

import re

from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.published import published


def is_server(container: Container) -> bool:
    """Tell whether a container runs what its image serves, and not a command of its own."""
    for about in published("servers")["images"]:
        if not re.fullmatch(about["image"], container.image):
            continue
        words = container.words
        first = words[0].rpartition("/")[2] if words else ""
        is_own = not container.data.get("command")
        plain = is_own and (not words or first.startswith("-") or about.get("takes_words", False))
        return bool(plain or first in about["programs"])
    return False
