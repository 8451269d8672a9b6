"""The image updater's strategy fits the tags that the pipeline makes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates._argo_files import applications
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig
from tarmac.gates._scripts import commands
from tarmac.report import Finding

PREFIX = "argocd-image-updater.argoproj.io/"
_SHA = re.compile(
    r"\b(?:docker|podman|buildah)\b.*?\S:[^\s:/]*?(\$\{\{\s*github\.sha\s*\}\}|\$\{?GITHUB_SHA\b\}?"
    r"|\$\{?CI_COMMIT(?:_SHORT)?_SHA\b\}?|\$\(git rev-parse[^)]*\))"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield strategies by version for images whose tags are commits."""
    tags = [(c, found[1]) for c in commands(files) if (found := _SHA.search(c.text))]
    for application in applications(files) if tags else ():
        notes = dig(application.data, "metadata", "annotations") or {}
        for entry in str(notes.get(f"{PREFIX}image-list") or "").split(","):
            alias, equals, image = entry.strip().partition("=")
            name = (image if equals else alias).rpartition("/")[2].partition(":")[0]
            key = f"{PREFIX}{alias}.update-strategy"
            strategy = str(notes.get(key, "semver"))  # which is what it takes without
            made = [(c, tag) for c, tag in tags if _is_of(c.text, name)]
            if name and strategy == "semver" and made:
                command, tag = made[0]
                place = key if key in notes else f"{PREFIX}image-list"
                yield Finding(
                    application.at("metadata", "annotations", place),
                    f"the strategy for {name} is semver, and its tags are commits ({tag}, "
                    f"{command.where}): none is ever taken for newer; write newest-build with "
                    f"{alias}.allow-tags: regexp:^[0-9a-f]{{40}}$, or tag with versions",
                )


def _is_of(command: str, name: str) -> bool:
    """Tell whether a command names an image, or any of a matrix."""
    return f"/{name}:" in command or "matrix." in command


GATE = Gate(
    id="GIT052",
    title="The image updater picks tags of the kind that the pipeline makes",
    phase="gitops",
    source="https://argocd-image-updater.readthedocs.io/en/stable/basics/update-strategies: semver "
    "leaves out every tag that is no version",
    check=check,
    of_files=check,
    targets=(),
    looks_at="annotations of Argo CD's Applications, beside the tags that scripts and workflows "
    "give images. Asked of files alone.",
)
