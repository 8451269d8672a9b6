"""Renders a model in memory: for every verb that needs an environment's files."""

from __future__ import annotations

import os.path
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac import render
from tarmac.base import registry
from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.base.places import SYSTEM_FILE
from tarmac.catalog import stores
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy, no_environment
from tarmac.project.reading import load
from tarmac.render import collect
from tarmac.render.renderer import Renderer
from tarmac.render.tree import folder
from tarmac.render.tree.folder import RenderSource


@dataclass(frozen=True)
class RenderedTree:
    """A model's files in memory."""

    source: RenderSource
    plan: ClusterPlan
    renderers: Mapping[str, Renderer]
    #: By the renderer's id.
    artifacts: Mapping[str, tuple[Artifact, ...]]


def make(file: Path, environment: str | None, only: tuple[str, ...]) -> RenderedTree:
    """Render an environment of a model.

    The model is read by its path in the repository (`systems/shop/tarmac.yaml`), so that
    what is rendered is the same from every folder; its errors name it as it was typed.

    Args:
        environment: its name; None: the only one that there is.
        only: ids or phases of renderers; all without.

    Raises:
        BadInput: whatever is wrong with the model, or with the arguments.
    """
    plan = planned(file, environment)
    renderers = registry.load(render, "RENDERER")
    made = collect.collect(plan, renderers, only)
    return RenderedTree(source_of(file, plan), plan, renderers, made)


def planned(file: Path, environment: str | None) -> ClusterPlan:
    """Plan an environment of a model, and render nothing; see `make`."""
    root, label = _known_as(file)
    typed: dict[str, str] = {}

    def read(name: str) -> bytes:
        typed[name] = _as_typed(name, label, file)
        return files.content(root / name)

    try:
        return _plan(load(label, read, root=root), environment)
    except BadInput as error:
        raise BadInput(_renamed(problem, typed) for problem in error.problems) from None


def _as_typed(name: str, label: str, file: Path) -> str:
    """Name a file of a model by the model's file as it was typed."""
    if name == label:
        return str(file)
    beside = posixpath.relpath(name, posixpath.dirname(label) or ".")
    return posixpath.normpath(posixpath.join(str(file.parent), beside))


def _renamed(problem: Problem, names: Mapping[str, str]) -> Problem:
    """Give files their other names: where a problem is, and in places that its text mentions."""
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    place = re.compile(rf"(?<![\w./-])(?:{known})(?=:\d)")

    def renamed(text: str) -> str:
        return place.sub(lambda found: names[found[0]], text)

    return Problem(names.get(problem.where) or renamed(problem.where), renamed(problem.what))


def _known_as(file: Path) -> tuple[Path, str]:
    """Return the repository of a model, and the model's path in it."""
    path = Path(os.path.abspath(file))  # noqa: PTH100 - a link may be the known path
    root = path.parents[2] if path.parent.parent.name == "systems" else path.parent
    return root, path.relative_to(root).as_posix()


def repository_of(file: Path) -> Path:
    """Return the folder that paths in a model's files and its rendered ones are relative to."""
    return _known_as(file)[0]


def source_of(file: Path, plan: ClusterPlan) -> RenderSource:
    """Return what an environment's files are rendered from, and by which command."""
    root, label = _known_as(file)
    path = root / label
    name = path.parent.name if path.parent != root else plan.system
    if path.name != SYSTEM_FILE:
        name = shlex.quote(label)
    command = f"tarmac render {name} --env {plan.environment}"
    among = plan.settings.target == "repository"
    command += " --out ." if among else ""
    return RenderSource(label, path.parent, plan.system, plan.environment, command, among)


def _plan(system: System, environment: str | None) -> ClusterPlan:
    known = sorted(system.file.environments)
    if environment is None and not known:
        raise no_environment(system)
    if environment is None and len(known) > 1:
        where = str(system.locate(("environments",), key=True))
        names = f"there are {', '.join(known)}; choose one: --env {known[0]}"
        raise BadInput([Problem(where, names)])
    return deploy(
        system, known[0] if environment is None else environment, registry.load(stores, "STORE")
    )


def texts(made: RenderedTree) -> Mapping[str, str]:
    """Return what each file holds in its folder: patched, and the user's own where it is ejected.

    The folder is `deploy/ENV` beside the model; it need not be there.

    Raises:
        BadInput: a file was edited, and nothing says what becomes of that.
    """
    out = made.source.folder / "deploy" / made.source.environment
    outcome = folder.check(out, made.source, made.artifacts)
    if refused := outcome.decision.refused:
        what = f"was edited; decide whether that is kept: {made.source.command}"
        raise BadInput([Problem(str(out / path), what) for path in refused])
    found = {path: file.content.decode() for path, file in outcome.wanted.items()}
    for path in outcome.decision.ejected:
        if path in found:
            found[path] = files.text(outcome.folder / path)
    return found
