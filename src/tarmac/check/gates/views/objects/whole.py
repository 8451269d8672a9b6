"""Objects that are written in full, and the schemas that they are to satisfy."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import cache

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.asserted import is_asserted
from tarmac.check.gates.views.overlays.bundled import current
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files, patch_files
from tarmac.check.gates.views.programs import objects_of
from tarmac.check.gates.views.written_files import written_files
from tarmac.check.schemas import lock
from tarmac.check.schemas.check import Schemas, load


@once
def whole_objects(files: Files) -> list[Artifact]:
    """List what an API server reads: neither patches of a Kustomization nor parts for a test."""
    patches = {path for own in kustomization_files(files) for path in patch_files(own)}
    # So is what a script makes one of, by filling it in.
    patches |= {
        posixpath.normpath(posixpath.join(one.folder, source))
        for one in written_files(files)
        for patch in patches
        if one.may_be(patch)
        for source in one.sources
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
