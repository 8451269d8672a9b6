"""Which folders of a build a script makes, and which it sends away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

#: Folders that programs write their results to.
_RESULTS = (
    "dist", "build", "out", "public", "target", "_site", "site", "output", ".output", "wheelhouse",
)  # fmt: skip
#: What sends files to where they are served or kept.
_SENDS = re.compile(
    r"\b(?:aws s3 (?:sync|cp)|gsutil(?: -m)? (?:rsync|cp)|gcloud storage (?:rsync|cp)|rsync|scp"
    r"|az storage blob (?:upload-batch|sync)|netlify deploy|wrangler pages (?:deploy|publish)"
    r"|gh-pages|surge|twine upload)\b([^|;&\n]*)"
)
_MAKES = re.compile(
    r"\b(?:npm|pnpm|yarn|bun)(?:\s+--?\S+)*\s+(?:run\s+)?(?:build|generate|export)\b"
    r"|\b(?:vite|ng|next|nuxt|nuxi|astro|gatsby|vue-cli-service|react-scripts)"
    r"\s+(?:build|generate)\b"
    r"|^[ \t]*hugo\b|\bjekyll build\b|\bmkdocs build\b|\bgradlew?\b.*\b(?:build|assemble)\b"
    r"|\bmvnw?\b.*\b(?:package|install|verify)\b|\bpython3? -m build\b"
    r"|\b(?:poetry|uv|hatch) build\b|\bpip3? wheel\b|\bcargo build\b"
)
#: Commands that bring no file into the folder.
_INERT = re.compile(
    r"(?:cd|ls|echo|printf|export|set|apk|apt|apt-get|mkdir|chmod|eval|ssh-\w+|ssh|aws|gcloud|gsutil"
    r"|az|rsync|scp|which|command|test|\[|\[\[|if|then|else|fi|for|do|done|true|sleep|cat|env|date"
    r"|pip3?\s+install|python3? -m pip install|npm (?:i|install) -g|npx|netlify|wrangler|surge"
    r"|twine|find|du|pwd|whoami|exit|\w+=\S*)(?:\s|$)"
)


def is_made(lines: Iterable[str]) -> bool:
    """Tell whether some lines of a script build something."""
    return any(_MAKES.search(line) for line in lines)


def sent(lines: Iterable[str]) -> tuple[int, str] | None:
    """Find the folder of a build that a script sends away and does not bring: its line, and it.

    Each command before has to be one that brings none.
    """
    for number, line in enumerate(lines):
        for part in re.split(r"&&|;|\n|\|\|?", line):
            command = part.strip()
            if found := _SENDS.search(command):
                words = [word.strip("\"'") for word in found[1].split()]
                folders = [word.removeprefix("./").partition("/")[0] for word in words]
                own = next((one for one in folders if one in _RESULTS), "")
                if own and not any(one.startswith("-") and own in one for one in words):
                    return number, own
            if command and not command.startswith("#") and not _INERT.match(command):
                return None
    return None


def is_covered(paths: Iterable[str], folder: str) -> bool:
    """Tell whether some paths of artifacts or caches may have a folder."""
    firsts = (path.removeprefix("./").partition("/")[0] for path in paths)
    return any(one in ("", ".", folder) or "*" in one or "$" in one for one in firsts)


def is_kept(root: Path | None, folder: str) -> bool:
    """Tell whether a repository has a folder of this name near its root, or is not here."""
    if root is None or not root.is_dir():
        return True
    found = (one for depth in ("", "*/", "*/*/", "*/*/*/") for one in root.glob(f"{depth}{folder}"))
    return any("node_modules" not in one.parts for one in found)
