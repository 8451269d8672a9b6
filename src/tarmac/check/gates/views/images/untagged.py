"""The name of an image, by which what is known of it is found."""

from __future__ import annotations

import re

_TAG = re.compile(r"(:[^/:@]*)?(@.*)?$")


def untagged(image: str) -> str:
    """Leave out the tag and the digest of an image."""
    return _TAG.sub("", image, count=1)


def by_maker(image: str) -> str:
    """Name an image without its tag, and with its maker where that is not Docker: `acme/web`."""
    return untagged(image).removeprefix("docker.io/").removeprefix("library/")
