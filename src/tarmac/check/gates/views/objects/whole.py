"""Objects that are written in full: a patch is a part of one."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.kustomizations import patch_files
from tarmac.check.gates.views.programs import objects_of


def whole_objects(files: Files) -> list[Artifact]:
    """List the objects that an API server reads and that no Kustomization has as a patch."""
    patches = {
        path for artifact in files.objects("Kustomization") for path in patch_files(artifact)
    }
    return [artifact for artifact in objects_of(files) if artifact.path not in patches]
