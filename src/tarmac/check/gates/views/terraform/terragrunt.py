"""What Terragrunt writes into folders of Terraform before it calls that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.files import text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once

_NAMES = ("terragrunt.hcl", "root.hcl", "common.hcl")
_WRITES = re.compile(r'^generate\s+"[^"]*"\s*\{[^}]*variable', re.MULTILINE | re.IGNORECASE)


def declares_variables(files: Files) -> bool:
    """Tell whether variables may be declared by a file that Terragrunt writes."""
    return any(_written(files))


@once
def _written(files: Files) -> Iterator[bool]:
    if (folder := files.folder) is None:
        return
    for name in _NAMES:
        for path in folder.rglob(name):
            if path.is_file() and _WRITES.search(text(path, root=folder)):
                yield True
                return
