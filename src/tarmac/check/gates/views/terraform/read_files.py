"""Files that Terraform reads, to apply them with others, or to write them elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.terraform.folders import written_blocks

_READ = re.compile(r"\bfile\(\"\$\{path\.(?:module|root)\}/([^\"$]+)\"\)")


def is_read(files: Files, path: str) -> bool:
    """Tell whether a module reads a file below its folder: what becomes of it is not known."""
    return path in _read(files)


@once
def _read(files: Files) -> Iterator[str]:
    for block in written_blocks(files):
        for name in _READ.findall(block.text):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(block.file), name))
