"""What `images` of an environment may name: services by tag or digest, stores by digest alone."""

from __future__ import annotations

from tarmac.base.errors import did_you_mean
from tarmac.model.system import SystemFile

#: What an image is by its content begins so.
DIGEST = "sha256:"
#: The name of the broker among the stores.
BROKER = "broker"


def stores_of(file: SystemFile) -> tuple[str, ...]:
    """List what may have a server there: the stores, and the broker."""
    return (*file.stores, *([BROKER] if file.broker is not None else ()))


def complaint(file: SystemFile, name: str, image: str) -> str:
    """Say why `images: {NAME: IMAGE}` cannot be; empty: it can."""
    if name in file.services:
        return ""
    stores = stores_of(file)
    if name not in stores:
        return f"no such service or store; {did_you_mean(name, [*file.services, *stores])}"
    if not image.startswith(DIGEST):
        return (
            f"'{name}' is a store, whose tag is its `version`; write the digest of that image: "
            "sha256: and 64 hex digits"
        )
    return ""
