"""Which language a program belongs to: how a service is started and tested tells what it is in.

A leaf: the pipeline that is rendered and the gates that look at pipelines both ask here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

#: Program -> language. What is not here (`make`, `docker`, `sh`) is of none.
PROGRAMS = {
    **dict.fromkeys(("python", "python3", "pip", "uv", "uvx", "uvicorn", "gunicorn"), "python"),
    **dict.fromkeys(("flask", "pytest", "ruff", "mypy", "poetry", "tox", "flake8"), "python"),
    **dict.fromkeys(("node", "npm", "npx", "yarn", "pnpm", "jest", "eslint"), "node"),
    **dict.fromkeys(("go", "gofmt", "golangci-lint"), "go"),
    **dict.fromkeys(("java", "mvn", "mvnw", "gradle", "gradlew"), "java"),
}
#: A service of none of them.
OTHER = "other"


def spoken(parts: Sequence[str], command: str) -> str:
    """Tell a service's language: those of the kit are in Python, others as they are started.

    Args:
        parts: distributions of the kit that are mounted in its process.
        command: what starts it, e.g. `npm start`.
    """
    if parts:
        return "python"
    return PROGRAMS.get(posixpath.basename(command.partition(" ")[0]), OTHER)
