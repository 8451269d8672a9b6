"""Adds the server of a program's command to the packages that it installs.

The survey asks at its end. Their images install it beside the list: `RUN pip install gunicorn`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tarmac.adopt.packages.package_day import with_included
from tarmac.adopt.survey.found import Folder, Service

#: The server that other packages do not bring with a set, as `fastapi[standard]` brings Uvicorn.
_STARTS = re.compile(r"\.venv/bin/python -m (gunicorn)\b")
#: The last list that a line of pip names, and what else it installs.
_LAST_LIST = re.compile(r"-r [^\s;)]+\.txt(?=[\s;)])(?!\s+-r)")
_LIST = re.compile(r"-r ([^\s;)]+\.txt)(?=[\s;)])")
#: A package of the repository, which may want the server.
_OWN_PACKAGE = re.compile(r"(?<!test) -e ")


def with_servers(services: tuple[Service, ...], root: Folder) -> tuple[Service, ...]:
    """Let a folder's install task bring each server that its programs start and no list has."""
    wanted: dict[str, dict[str, None]] = {}
    for service in services:
        for server in _STARTS.findall(service.run.replace("\0", " ")):
            wanted.setdefault(service.folder, {})[server] = None
    return tuple(
        _bringing(one, wanted.get(one.folder, ()), root.below(one.folder)) for one in services
    )


def _bringing(service: Service, servers: Iterable[str], folder: Folder) -> Service:
    """Add to a service's install task what its lists lack."""
    line = service.tasks.get("install", "")
    is_by_lists_alone = servers and not _OWN_PACKAGE.search(line)
    lists = _LIST.findall(line) if is_by_lists_alone else []
    text = "\n".join(folder.read(name) for name in with_included(lists, folder))
    named = re.findall(r"(?im)^[ \t]*([\w.-]+)", text)
    lacking = [name for name in servers if name not in {one.lower() for one in named}]
    lacking = [name for name in lacking if not re.search(rf"\s{name}\b", line)]
    if not lists or not lacking or "--hash=" in text:
        return service
    more = " ".join(lacking)
    install = _LAST_LIST.sub(lambda found: f"{found[0]} {more}", line)
    what = f"{more} is installed beside its list of packages, which lacks it"
    tasks = {**service.tasks, "install": install}
    return replace(service, tasks=tasks, guesses=(*service.guesses, what))
