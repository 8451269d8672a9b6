"""Names of images, as their makers give them: mirrors and digests left out."""

from __future__ import annotations

import re

#: What is behind a tag, which says the version already.
_DIGEST = re.compile(r"(?<=\w)(:[\w.-]+)@sha256:[0-9a-f]{64}$")
#: Other places of what Docker's own registry has, and proxies that bring it from there.
_MIRROR = re.compile(
    r"((index|registry-1)\.docker\.io/(library/)?"
    r"|(public\.ecr\.aws/docker|mirror\.gcr\.io|[^/]*[.:$}][^/]*(/[\w.-]+)*)/library/"
    r"|mirror\.gcr\.io/"
    r"|\d+\.dkr\.ecr\.[\w.-]+/docker-hub/"
    r"|\$\{?CI_DEPENDENCY_PROXY(_DIRECT)?_GROUP_IMAGE_PREFIX\}?/)"
)
_OWN = re.compile(r"docker\.io/")


def plain(image: str) -> str:
    """Write an image by its maker's name: `postgres:17.2`, whatever registry mirrors it."""
    name = _DIGEST.sub(r"\1", image)
    return name if _OWN.match(name) else _MIRROR.sub("", name, count=1)
