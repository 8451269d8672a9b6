"""The systems' repositories as a portal reads them: rendered files beside the services' code."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from rendered import KINDS, RENDERERS, ROOT

from tarmac.base.artifact import Artifact, write
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

SYSTEMS = ("hello-dd", "shop", "starter", "trading", "travel")
HEADER = "Rendered for a test."


def write_tree(folder: Path, made: Iterable[Artifact]) -> None:
    """Write what a portal reads of a repository, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    for artifact in made:
        if artifact.path.startswith(("catalog", "portal/")):
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, HEADER), encoding="utf-8")
    (folder / "services").symlink_to(ROOT / "services")


def changed(name: str, edit: Callable[[dict[str, Any]], None]) -> tuple[Artifact, ...]:
    """Render a system's repository from its model after an edit of it."""
    path = f"systems/{name}/tarmac.yaml"
    model = yaml.safe_load((ROOT / path).read_bytes())
    edit(model)
    own = {path: yaml.safe_dump(model, sort_keys=False).encode()}
    system = load(path, lambda asked: own.get(asked) or (ROOT / asked).read_bytes())
    return artifacts(deploy(system, "repository", KINDS), RENDERERS)
