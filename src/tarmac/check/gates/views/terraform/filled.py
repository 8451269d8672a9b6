"""Files of Terraform with the values of locals and variables put in, where these are known."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.terraform.known_values import defined, filled, given, known_values
from tarmac.check.gates.views.terraform.module_arguments import arguments, calls

ENDINGS = (".tf", ".tfvars")
#: Modules of modules are given what is known so often.
_DEPTH = 3


class TerraformSource(NamedTuple):
    """A file: what is written, and the same with known values put in."""

    path: str
    text: str
    filled: str


@once
def sources(files: Files) -> Iterator[Artifact]:
    """Yield the files of Terraform and OpenTofu."""
    for artifact in files.artifacts:
        if artifact.path.endswith(ENDINGS) and isinstance(artifact.content, str):
            yield artifact


@once
def filled_sources(files: Files) -> Iterator[TerraformSource]:
    """Yield these files; each line stays where it is."""
    folders: dict[str, list[Artifact]] = {}
    for source in sources(files):
        folders.setdefault(posixpath.dirname(source.path), []).append(source)
    set_elsewhere, every = set(given(sources(files))), tuple(calls(sources(files)))
    values = {folder: known_values(own, set_elsewhere, {}) for folder, own in folders.items()}
    for _ in range(_DEPTH if every else 0):
        told = arguments(every, values)
        for folder in told.keys() & folders.keys():
            values[folder] = known_values(folders[folder], set_elsewhere, told[folder])
    for folder, own in folders.items():
        known = values[folder]
        for source in own:
            text = str(source.content)
            is_said = known and ("var." in text or "local." in text)
            yield TerraformSource(source.path, text, filled(text, known) if is_said else text)


@once
def open_ended(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the locals and variables whose text ends with anything, by folder: `logs-*`."""
    for source in sources(files):
        text = str(source.content)
        for name, value in (defined(text) if '*"' in text else {}).items():
            if value.endswith('*"'):
                yield posixpath.dirname(source.path), name
