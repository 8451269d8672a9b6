"""Which language a program belongs to: how a service is started and tested tells what it is in.

A leaf: the pipeline that is rendered and the gates that look at pipelines both ask here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

#: Program -> language. What is not here (`make`, `docker`, `sh`) is of none.
PROGRAMS = {
    **dict.fromkeys(
        ("python", "python3", "pip", "pip3", "uv", "uvx", "uvicorn", "gunicorn"), "python"
    ),
    **dict.fromkeys(("flask", "pytest", "ruff", "mypy", "poetry", "tox", "flake8"), "python"),
    **dict.fromkeys(("node", "npm", "npx", "yarn", "pnpm", "jest", "eslint"), "node"),
    **dict.fromkeys(("go", "gofmt", "golangci-lint"), "go"),
    **dict.fromkeys(("java", "mvn", "mvnw", "gradle", "gradlew"), "java"),
}
#: A service of none of them.
OTHER = "other"
#: Language -> the files that its tools read, by which a folder is known to be of it.
MANIFESTS = {
    "node": ("package.json",),
    "python": ("pyproject.toml", "requirements.txt", "setup.py", "Pipfile"),
    "go": ("go.mod",),
    "java": ("pom.xml", "build.gradle"),
}
#: A program at the beginning of a command; one whose name means nothing else, wherever it stands.
_FIRST = re.compile(
    r"(?:^|&&|\|\||[;|(]|\bdo\b|\bthen\b)[ \t]*(?:\./)?([A-Za-z0-9_-]+)", re.MULTILINE
)
_ANYWHERE = re.compile(
    r"(?<![\w/.-])(?:\./)?"
    r"(npm|npx|yarn|pnpm|pip3?|pytest|poetry|ruff|mvnw?|gradlew?|go(?= (?:test|build|vet)\b))"
    r"(?=\s|$)"
)


def spoken(parts: Sequence[str], command: str) -> str:
    """Tell a service's language: those of the kit are in Python, others as they are started.

    Args:
        parts: distributions of the kit that are mounted in its process.
        command: what starts it, e.g. `npm start`.
    """
    if parts:
        return "python"
    return PROGRAMS.get(posixpath.basename(command.partition(" ")[0]), OTHER)


def used(command: str) -> dict[str, str]:
    """Find the languages whose tools a command runs, each with the first of its programs there."""
    found: dict[str, str] = {}
    for program in (*_FIRST.findall(command), *_ANYWHERE.findall(command)):
        if program in PROGRAMS:
            found.setdefault(PROGRAMS[program], program)
    return found
