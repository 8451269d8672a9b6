"""One small system, rendered in full: a change of a renderer is reviewed as a difference of files.

`UPDATE_GOLDEN=1 .venv/bin/pytest tests/golden/test_reference.py` writes the trees anew; then read
`git diff tests/golden/reference` before it is committed.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

import pytest
from objects import objects_of
from rendered import ENVIRONMENTS as EVERY
from rendered import KINDS, RENDERERS

from tarmac.artifact import write
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

FOLDER = Path(__file__).parent / "reference"
HEADER = "Rendered from reference/tarmac.yaml; tests/golden/test_reference.py says how."
ENVIRONMENTS = ("kind", "production")


@cache
def rendered(environment: str) -> dict[str, str]:
    """Render the system: text by path."""
    system = load("reference/tarmac.yaml", lambda path: (FOLDER.parent / path).read_bytes())
    made = artifacts(deploy(system, environment, KINDS), RENDERERS)
    return {artifact.path: write(artifact, HEADER) for artifact in made}


def kept(environment: str) -> dict[str, str]:
    tree = FOLDER / environment
    return {
        path.relative_to(tree).as_posix(): path.read_text()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_reference_system_is_rendered_as_reviewed(environment):
    made = rendered(environment)
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.rmtree(FOLDER / environment, ignore_errors=True)
        for path, content in made.items():
            target = FOLDER / environment / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
    reviewed = kept(environment)
    assert sorted(made) == sorted(reviewed)
    assert [path for path in made if made[path] != reviewed[path]] == []


def test_it_has_an_object_of_every_kind_that_any_system_has():
    here = {
        line.removeprefix("kind: ")
        for environment in ENVIRONMENTS
        for content in rendered(environment).values()
        for line in content.splitlines()
        if line.startswith("kind: ")
    }
    assert {manifest["kind"] for system in EVERY for manifest in objects_of(*system)} <= here
