"""The systems' repositories as a portal reads them: rendered files beside the services' code."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
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


def write_tree(
    folder: Path, made: Iterable[Artifact], new: Mapping[str, Path] | None = None
) -> None:
    """Write what a portal reads of a repository, in place of what was there.

    Args:
        new: services that this repository has not, by name, and where their code is.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for artifact in made:
        if artifact.path.startswith(("catalog", "portal/")):
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, HEADER), encoding="utf-8")
    (folder / "services").mkdir(parents=True)
    for name, code in {
        **{one.name: one for one in (ROOT / "services").iterdir()},
        **(new or {}),
    }.items():
        (folder / "services" / name).symlink_to(code)


FORM = "catalog/template/new-service.yaml"
#: The form whose last step pushes to a repository; of no system, so that none has one more entity.
PUSHING = "template:pushed/pushed-service"
#: The actions of the tests in the place of those for GitHub, of the same input.
AT_FORGE = {
    "publish:github:pull-request": "tests:forge:propose",
    "publish:github": "tests:forge:publish",
}


def pushed(entity: Mapping[str, Any], remote: str = "") -> dict[str, Any]:
    """Return a form that pushes a branch to a bare repository, where it asks a forge to be told."""
    name = "${{ parameters.name }}"
    step = {
        "id": "publish",
        "name": "Push it",
        "action": "tests:git:push",
        "input": {
            "remoteUrl": remote or "${{ parameters.remote }}",
            "branch": f"new-service/{name}",
            "title": f"feat: add {name}",
        },
    }
    steps = [one for one in entity["spec"]["steps"] if not one["action"].startswith("publish:")]
    first, *others = entity["spec"]["parameters"]
    first = {**first, "properties": {**first["properties"], "remote": {"type": "string"}}}
    spec = {**entity["spec"], "steps": [*steps, step], "parameters": [first, *others]}
    namespace, _, name = PUSHING.partition(":")[2].partition("/")
    metadata = {**entity["metadata"], "name": name, "namespace": namespace}
    return {**entity, "metadata": metadata, "spec": {**spec, "owner": "group:pushed/testers"}}


def write_pushing(folder: Path, made: Iterable[Artifact]) -> Path:
    """Write a repository's form and its skeletons, with that step; return the form's file."""
    made = list(made)
    write_tree(folder / "tree", made)
    file = folder / "tree" / FORM
    [form] = [artifact.data for artifact in made if artifact.path == FORM]
    file.write_text(yaml.safe_dump(pushed(form), sort_keys=False), encoding="utf-8")
    return file


def write_proposing(folder: Path, made: Iterable[Artifact]) -> Path:
    """Write a form whose last steps are taken by a forge here, and nothing else of it changed."""
    file = write_pushing(folder, made)
    [form] = [artifact.data for artifact in made if artifact.path == FORM]
    steps = [
        {**step, "action": AT_FORGE.get(step["action"], step["action"])}
        for step in form["spec"]["steps"]
    ]
    spec = {**form["spec"], "steps": steps, "owner": "group:pushed/testers"}
    metadata = pushed(form)["metadata"]
    text = yaml.safe_dump({**form, "metadata": metadata, "spec": spec}, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return file


def changed(
    name: str, edit: Callable[[dict[str, Any]], None], environment: str = "repository"
) -> tuple[Artifact, ...]:
    """Render a system's repository, or an environment, from its model after an edit of it."""
    path = f"systems/{name}/tarmac.yaml"
    model = yaml.safe_load((ROOT / path).read_bytes())
    edit(model)
    own = {path: yaml.safe_dump(model, sort_keys=False).encode()}
    system = load(path, lambda asked: own.get(asked) or (ROOT / asked).read_bytes())
    return artifacts(deploy(system, environment, KINDS), RENDERERS)
