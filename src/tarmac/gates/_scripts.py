"""Commands as gates read them: lines of scripts, of make's recipes and of a pipeline's steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.artifact import Artifact
from tarmac.gates._gate import Files
from tarmac.gates._objects import dig

_SCRIPT = re.compile(r"(?:\.(?:sh|bash|mk)|(?:^|/)Makefile)$")
#: Commands of a README or runbook: somebody will type them.
_FENCE = re.compile(r"^```(?:bash|sh|shell|console)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s)#.*$")


@dataclass(frozen=True)
class Command:
    """One line of a shell, what goes on in the next one joined."""

    where: str
    text: str


def commands(files: Files) -> Iterator[Command]:
    """Yield every line that a shell would run, those that a page gives to type among them."""
    for each in files.artifacts:
        if isinstance(each.content, str):
            if _SCRIPT.search(each.path):
                yield from lines(each.path, each.content, 1)
            elif each.path.endswith(".md"):
                for fence in _FENCE.finditer(each.content):
                    first = each.content.count("\n", 0, fence.start(1)) + 1
                    yield from lines(each.path, fence[1], first)
        elif is_workflow(each):
            yield from _steps(each)


def is_workflow(artifact: Artifact) -> bool:
    """Tell whether a file is a workflow of GitHub Actions."""
    return ".github/workflows/" in artifact.path and isinstance(artifact.data.get("jobs"), dict)


def _steps(artifact: Artifact) -> Iterator[Command]:
    for name, job in artifact.data["jobs"].items():
        for number, step in enumerate(dig(job, "steps") or ()):
            if isinstance(run := dig(step, "run"), str):
                place = artifact.at("jobs", name, "steps", number, "run")
                file, _, line = place.rpartition(":")
                # A block's text begins below its key.
                first = (int(line) + ("\n" in run)) if file else 1
                yield from lines(file or place, run, first)


def lines(path: str, text: str, first: int) -> Iterator[Command]:
    """Yield the commands of a text whose first line has this number in its file."""
    joined, begun = "", first
    for number, line in enumerate(text.splitlines(), start=first):
        begun = begun if joined else number
        rest = _COMMENT.sub("", line).strip()
        joined += rest.removesuffix("\\") + " "
        if not rest.endswith("\\"):
            if joined.strip():
                yield Command(f"{path}:{begun}", joined.strip())
            joined = ""
