"""One small system, rendered in full: a change of a renderer is reviewed as a difference.

`UPDATE_GOLDEN=1 .venv/bin/pytest tests/golden/test_reference.py` writes the trees anew; then read
`git diff tests/golden/reference` before it is committed.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from objects import objects_of
from rendered import ENVIRONMENTS as EVERY
from rendered import KINDS, RENDERERS

from tarmac.base.artifact import write
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
    files = {artifact.path: write(artifact, HEADER) for artifact in made}
    return {path: text for path, text in files.items() if not is_copied(path)}


def is_copied(path: str) -> bool:
    """Tell whether a file is one of assets/terraform, which has no value of a system."""
    return path.startswith("infrastructure/") and not path.endswith((".tfvars", "/backend.hcl"))


def by_folder(files: dict[str, str]) -> dict[str, str]:
    """Join the files of each folder, below their names: a reviewer reads a folder at a time."""
    joined: dict[str, str] = {}
    for path in sorted(files):
        folder = PurePosixPath(path).parent.as_posix().replace("/", "-").strip(".") or "top"
        joined[folder] = joined.get(folder, "") + f"======== {path}\n{files[path]}"
    return joined


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_reference_system_is_rendered_as_reviewed(environment):
    made = by_folder(rendered(environment))
    if os.environ.get("UPDATE_GOLDEN"):
        shutil.rmtree(FOLDER / environment, ignore_errors=True)
        (FOLDER / environment).mkdir(parents=True)
        for folder, content in made.items():
            (FOLDER / environment / f"{folder}.txt").write_text(content)
    reviewed = {path.stem: path.read_text() for path in (FOLDER / environment).glob("*.txt")}
    assert sorted(made) == sorted(reviewed)
    assert [folder for folder in made if made[folder] != reviewed[folder]] == []


def test_it_has_an_object_of_every_kind_that_any_system_has():
    here = {
        line.removeprefix("kind: ")
        for environment in ENVIRONMENTS
        for content in rendered(environment).values()
        for line in content.splitlines()
        if line.startswith("kind: ")
    }
    assert {manifest["kind"] for system in EVERY for manifest in objects_of(*system)} <= here
