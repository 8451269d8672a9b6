"""Images of Google's distroless, which have no shell and known users."""

from __future__ import annotations

from tarmac.check.gates.views.published import published


def distroless(image: str) -> str:
    """Give the name of an image of Google's distroless: `nodejs20-debian12`; empty for others."""
    known = published("distroless")
    for start in known["names"]:
        if image.startswith(start):
            return image.removeprefix(start).partition("@")[0].partition(":")[0]
    return ""


def may_have_shell(image: str) -> bool:
    """Tell whether an image has a shell, or may have: a digest alone may be of a `debug` tag."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag.startswith("debug") or bool(digest and not tag)
