"""What NODE_ENV is for a program that is worked on here, where its container is for production."""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.packages.node_packages import front_end_of, scripts_of
from tarmac.adopt.survey.found import Folder, Service

_NAME, _ELSEWHERE, _HERE = "NODE_ENV", "production", "development"
#: A front end's server for what was built before.
_SERVES_BUILT = re.compile(r"\b(?:next|nuxt)\s+start\b|\b(?:vite|astro)\s+preview\b")
#: Installs packages: with the one mode, those are left out that builds need.
_INSTALLS = re.compile(r"(?<![\w-])((?:npm (?:ci|install)|(?:pnpm|yarn|bun) install)\b)")


def for_work(service: Service, folder: Folder) -> Service:
    """Install what its build needs, and serve pages in the mode for work.

    Other programs keep the mode that their file gives: in another one they may want packages that
    no file lists.
    """
    if service.env.get(_NAME) != _ELSEWHERE:
        return service
    lines = (service.run, *scripts_of(folder, service.run))
    has_pages = front_end_of(folder, service.run)[1] and not any(map(_SERVES_BUILT.search, lines))
    if has_pages:
        return replace(service, env={**service.env, _NAME: _HERE})
    told = rf"{_NAME}={_HERE} \1"
    tasks = {name: _INSTALLS.sub(told, line) for name, line in service.tasks.items()}
    return replace(service, tasks=tasks)
