"""What NODE_ENV is for a program that is worked on here, where its container is for production."""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.packages.node_packages import scripts_of
from tarmac.adopt.survey.found import Folder, Service

_NAME, _ELSEWHERE, _HERE = "NODE_ENV", "production", "development"
#: A script for work: by its name, or by what looks at its sources.
_FOR_WORK = re.compile(r"\b(?:npm|pnpm|yarn|bun)(?: run)? (?:start:)?dev\b")
_LOOKS = re.compile(r"\bnodemon\b|(?:\s|--)watch\b|\bts-node-dev\b")
#: Installs packages: with the one mode, those are left out that builds need.
_INSTALLS = re.compile(r"(?<![\w-])((?:npm (?:ci|install)|(?:pnpm|yarn|bun) install)\b)")


def for_work(service: Service, folder: Folder) -> Service:
    """Start a program from its sources in the mode for work, and install what its build needs."""
    if service.env.get(_NAME) != _ELSEWHERE:
        return service
    texts = scripts_of(folder, service.run)
    if _FOR_WORK.search(service.run) or any(map(_LOOKS.search, (*texts, service.run))):
        return replace(service, env={**service.env, _NAME: _HERE})
    told = rf"{_NAME}={_HERE} \1"
    tasks = {name: _INSTALLS.sub(told, line) for name, line in service.tasks.items()}
    return replace(service, tasks=tasks)
