"""Installs a package that Python's code asks for and no list of its program has.

Only packages whose names are known: what has the name of a module may be another one's package.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from tarmac.adopt.packages.python_unlisted import packages
from tarmac.adopt.survey.found import Service
from tarmac.adopt.tries.case import Case, Correction, Lesson

#: How a task or a service calls the Python of an environment.
_ENVIRONMENT = re.compile(r"(?<![\w/.])((?:\.\./)*\.?venv/bin/)")
_BY_UV = re.compile(r"\buv run(?= )")
#: Tools that run what is in an environment of theirs.
_BY_TOOL = re.compile(r"\b(poetry|pipenv) run\b")
_INSTALL = "install"
#: How a program is started whose packages nothing lists, and what makes an environment for them.
_PLAIN = "python3 "
_OWN = ".venv/bin/python "
_MADE = "test -e .venv/bin/python || (python3 -m venv .venv && echo \\* > .venv/.gitignore)"


def _module(case: Case, match: re.Match[str]) -> Lesson | None:
    """Install the package that has a module."""
    package = packages().get(match[1]) or packages().get(match[1].partition(".")[0])
    changed = _with_package(case.service, match[1], shlex.quote(package)) if package else None
    if changed is None or changed == case.service:
        return None
    note = f"its code needs {package}, which no list of its packages has"
    return case.corrected(changed, note)


def _with_package(service: Service, module: str, package: str) -> Service | None:
    said = "\n".join((service.run, *service.tasks.values()))
    if _BY_UV.search(service.run):
        by_uv = f"uv run --with {package}"
        tasks = {name: _BY_UV.sub(by_uv, line) for name, line in service.tasks.items()}
        return replace(service, run=_BY_UV.sub(by_uv, service.run), tasks=tasks)
    install = service.tasks.get(_INSTALL)
    tool, environment = _BY_TOOL.search(said), _ENVIRONMENT.search(said)
    if install is None and not tool and service.run.startswith(_PLAIN):
        service, install = _with_environment(service), _MADE
        environment = _ENVIRONMENT.search(service.run)
    if install is None or f"install -q {package};" in install:
        return None
    if tool:
        begin = f"{tool[1]} run "
    elif environment:
        begin = environment[1]
    else:
        return None
    there = f"{begin}python -c 'import {module}' 2>/dev/null"
    line = f"{install} && {{ {there} || {begin}pip install -q {package}; }}"
    return replace(service, tasks={**service.tasks, _INSTALL: line})


def _with_environment(service: Service) -> Service:
    """Run all that is Python's by the environment that a task makes first."""
    tasks = {n: re.sub(rf"\b{_PLAIN}", _OWN, line) for n, line in service.tasks.items()}
    return replace(
        service, run=service.run.replace(_PLAIN, _OWN, 1), tasks={_INSTALL: _MADE, **tasks}
    )


CORRECTIONS: tuple[tuple[str, Correction], ...] = ((r"^module ([\w.]+) is not installed", _module),)
