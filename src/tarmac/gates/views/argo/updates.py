"""The image updater's rules: how it moves the images of an Application on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.gates.views.argo.applications import App

UPDATER = "argocd-image-updater.argoproj.io/"


@dataclass(frozen=True)
class Rule:
    """How the image updater is to move one image of an Application on."""

    app: App
    #: Its name without registry and tag, and the word that its annotations begin with.
    image: str
    alias: str
    strategy: str
    #: Which tags it may take, as it is written.
    allowed: str
    #: Where it writes what it finds.
    written: str
    #: The line of its strategy, or of the list of images.
    where: str


def rules(app: App) -> Iterator[Rule]:
    """Yield the image updater's rules for an Application, what it takes without among them."""
    annotations = app.metadata.annotations
    own = [key for key in annotations if key.startswith(UPDATER)]
    said = {key.removeprefix(UPDATER): str(annotations[key] or "") for key in own}
    for entry in said.get("image-list", "").split(","):
        alias, equals, image = entry.strip().partition("=")
        name = re.split("[@:]", (image if equals else alias).rpartition("/")[2])[0]
        keys = [key for key in (f"{alias}.update-strategy", "update-strategy") if key in said]
        if name:
            yield Rule(
                app=app,
                image=name,
                alias=alias,
                strategy=said[keys[0]] if keys else "semver",
                allowed=said.get(f"{alias}.allow-tags", said.get("allow-tags", "")),
                written=said.get("write-back-method", "argocd"),
                where=app.at("metadata", "annotations", UPDATER + [*keys, "image-list"][0]),
            )
