"""Absent folders that a kustomization names: another program brings them, or they are wrong."""

from __future__ import annotations

import pytest

from tarmac.check.verify.built import layers
from tarmac.check.verify.built.sources import Sources


@pytest.mark.parametrize(
    ("named", "is_brought"),
    [
        ("[parts/a.yaml, parts/b.yaml]", True),
        ("[parts/a.yaml]", False),
        ("[manifest/a.yaml, manifest/b.yaml]", False),
        ("[manifests/a.yaml, manifests/b.yaml]", False),
    ],
)
def test_a_folder_of_several_files_that_is_absent_is_brought_by_another(
    tmp_path, named, is_brought
):
    file = tmp_path / "web" / "kustomization.yaml"
    (tmp_path / "web" / "manifests").mkdir(parents=True)
    file.write_text(f"resources: {named}\n")
    sources = Sources(tmp_path, lambda path: path.relative_to(tmp_path).as_posix(), paths=(file,))
    (layer,) = layers.find([file], sources).values()
    assert layers.lacks_made(layer, sources) is is_brought
