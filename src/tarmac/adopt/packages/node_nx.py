"""Programs of a workspace of Nx: its projects that have a server, each started by Nx itself.

`node` asks. What Nx is told of a project stands in its project.json, or in its package.json.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.adopt.survey.found import Folder
from tarmac.base.foreign.data import from_json

_SETTINGS = "nx.json"
_SERVE = "serve"
#: Tests of a project, which are one beside it.
_OF_TESTS = re.compile(r"[-_]e2e$")
#: What serves pages of a front end, and takes its port of the command; and its usual number.
_PAGES = (
    (re.compile(r"vite"), 4200),
    (re.compile(r"next"), 3000),
    (re.compile(r"angular|web(?:pack)?:dev-server|rspack:dev-server|nuxt|react"), 4200),
)
#: Files by which a plugin of Nx finds that a project has a server.
_SERVED = re.compile(r"(?:vite|webpack|rspack)\.config\.[cm]?[jt]s")


class Project(NamedTuple):
    """A project of the workspace that has a server."""

    name: str
    #: Its folder, from the workspace.
    place: str
    #: The port of its pages; 0: another program than a front end reads one itself.
    port: int


def projects(folder: Folder) -> tuple[Project, ...]:
    """List the projects of a workspace that Nx serves, by their folders."""
    if _SETTINGS not in folder.files:
        return ()
    found = {project.place: project for project in _projects(folder)}
    return tuple(found[place] for place in sorted(found))


#: The first version that asks people to bring their settings up to date before it serves.
_ASKS_SINCE = 20


def environment(folder: Folder) -> dict[str, str]:
    """Return what keeps Nx to itself: no server beside it, none of its company's, no question.

    A new one asks people to bring settings up to date, unless it runs in a pipeline.
    """
    is_of_cloud = re.search(r"\"nxCloud(?:Id|AccessToken)\"", folder.read(_SETTINGS))
    package = folder.mapping("package.json", from_json) or {}
    lists = (package.get(key) for key in ("dependencies", "devDependencies"))
    said = next((str(one["nx"]) for one in lists if isinstance(one, dict) and "nx" in one), "")
    match = re.match(r"\D{0,2}(\d+)", said)
    asks = match is not None and int(match[1]) >= _ASKS_SINCE
    return {
        "NX_DAEMON": "false",
        **({"NX_NO_CLOUD": "true"} if is_of_cloud else {}),
        **({"CI": "true"} if asks else {}),
    }


def _projects(folder: Folder) -> Iterator[Project]:
    infers = f'"serveTargetName": "{_SERVE}"' in folder.read(_SETTINGS)
    for file in sorted(folder.files):
        place, name = posixpath.split(file)
        if not place or name not in ("project.json", "package.json") or _OF_TESTS.search(place):
            continue
        content = folder.mapping(file, from_json) or {}
        told = content if name == "project.json" else content.get("nx")
        if not isinstance(told, dict):
            continue
        targets = told.get("targets")
        serve = targets.get(_SERVE) if isinstance(targets, dict) else None
        beside = [f.rpartition("/")[2] for f in folder.files if posixpath.dirname(f) == place]
        is_inferred = infers and any(map(_SERVED.fullmatch, beside))
        if not isinstance(serve, dict) and not is_inferred:
            continue
        called = str(told.get("name") or content.get("name") or posixpath.basename(place))
        yield Project(called, place, _port(serve if isinstance(serve, dict) else {}, beside))


def _port(serve: Mapping[str, Any], beside: list[str]) -> int:
    """Return the port of a front end's server for work; 0 for another program."""
    executor = str(serve.get("executor") or " ".join(beside))
    options = serve.get("options")
    told = options.get("port") if isinstance(options, dict) else None
    number = next((port for shows, port in _PAGES if shows.search(executor)), 0)
    return told if number and isinstance(told, int) else number
