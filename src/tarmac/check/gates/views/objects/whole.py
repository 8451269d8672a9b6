"""Objects that are written in full, and the schemas that they are to satisfy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.asserted import is_asserted
from tarmac.check.gates.views.objects.bundled import current
from tarmac.check.gates.views.objects.kustomizations import patch_files
from tarmac.check.gates.views.objects.metadata import kind_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.programs import objects_of
from tarmac.check.schemas import lock
from tarmac.check.schemas.check import Schemas, load


@once
def whole_objects(files: Files) -> list[Artifact]:
    """List what an API server reads: neither patches of a Kustomization nor parts for a test."""
    patches = {
        path for artifact in files.objects("Kustomization") for path in patch_files(artifact)
    }
    return [
        artifact
        for artifact in objects_of(files)
        if artifact.path not in patches and not is_asserted(files, artifact)
    ]


@cache
def _shipped() -> Schemas:
    return load(lock.read())


def is_removed(artifact: Artifact) -> bool:
    """Tell whether an object is of a version of the API that is gone: its parts had other names."""
    return _shipped().is_removed(str(artifact.data.get("apiVersion")), kind_of(artifact))


def schemas_of(files: Files) -> Schemas:
    """Open the schemas that ship with Tarmac, with those that files define themselves."""
    return _schemas(files)[0]


@once
def _schemas(files: Files) -> Iterator[Schemas]:
    schemas = load(lock.read())
    for definition in files.objects("CustomResourceDefinition", "ConstraintTemplate"):
        schemas.add(current(files, definition))
    yield schemas
