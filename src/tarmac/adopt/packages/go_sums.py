"""Completes the list of sums that Go checks a module's packages by, where git does not keep it.

`go` asks. Without the sum of a package Go builds nothing that has it. What `go mod tidy` writes is
a copy below .tarmac/, so that go.mod and go.sum stay as they are.
"""

from __future__ import annotations

import re

from tarmac.adopt.survey.found import Folder

#: What a module needs itself: `require shop.example/list v1.2.0`, alone or in a block.
_NEEDS = re.compile(
    r"(?m)^(?:require)?[ \t]+([\w.-]+\.[\w-]+/\S+|[\w.-]+\.[\w-]+)[ \t]+(v\S+)[ \t]*$"
)
#: What is taken from elsewhere: `replace shop.example/shared => ../shared`.
REPLACED = re.compile(r"(?m)^(?:replace)?[ \t]*(\S+)(?:[ \t]+v\S+)?[ \t]+=>[ \t]+(\S+)")


#: Go reads and writes the copy, and go.sum beside it.
ENVIRONMENT = {"GOFLAGS": "-modfile=.tarmac/go.mod"}
#: The copy is of now; what is in it already is not asked for again.
_TASK = (
    "mkdir -p .tarmac && echo \\* > .tarmac/.gitignore && cat go.mod > .tarmac/go.mod "
    "&& (go list -deps ./... > /dev/null 2>&1 || go mod tidy -e)"
)


def completed(folder: Folder) -> dict[str, str]:
    """Write the task that has Go list the sums of a module's packages which its file lacks."""
    text = folder.read("go.mod")
    sums = folder.read("go.sum")
    elsewhere = {name for name, _ in REPLACED.findall(text)}
    lacks = any(
        f"{name} {version} " not in sums
        for name, version in _NEEDS.findall(text)
        if name not in elsewhere
    )
    is_kept = folder.exists("vendor/modules.txt")
    if not lacks or is_kept or folder.upwards("go.work"):
        return {}
    return {"sums": _TASK}
