"""Leads the entry to chosen containers of a service, while that is replaced.

Otherwise the entry finds a service by its name, which is right however containers start. While two
versions are there, the name leads to both: to one that listens and cannot answer yet, and to
one that is about to end. So the service that writes the entry's routes writes other ones for the
moment; the entry takes them without a restart.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence

from tarmac.model.edge import ENTRY
from tarmac.render.compose.parts.entry import PINNED, ROUTES, WRITTEN
from tarmac.run.compose.containers import Container
from tarmac.run.compose.project import Project

#: The entry has read new routes by then: it is told of a changed file, and waits 0.1 s for more.
SETTLED_S = 2.0
_SHORT_ID = 12


def leads_to(project: Project, there: Sequence[Container], name: str) -> bool:
    """Whether the entry serves and can reach the containers of a service.

    Args:
        there: the containers of the project.
    """
    network = f"{project.release.project}_{ENTRY}_{name}"
    serves = any(one.service == ENTRY and one.serves for one in there)
    return serves and all(network in one.networks for one in there if one.service == name)


def lead(project: Project, name: str, to: Sequence[Container] = ()) -> None:
    """Lead the entry to these containers of a service alone; without any, to its name.

    It returns once the entry does. Raises Refusal.
    """
    text = project.release.services[ROUTES]["environment"][WRITTEN]
    found = re.search(rf'{{"url": "http://{re.escape(name)}:(\d+)"}}', text)
    if found is None:
        return
    servers = [json.dumps({"url": f"http://{one.id[:_SHORT_ID]}:{found[1]}"}) for one in to]
    edit = f"s#{found[0]}#{', '.join(servers)}#g" if to else ""
    once = ("run", "--rm", "--no-deps", "--no-TTY", "--quiet-pull", "--env", f"{PINNED}={edit}")
    project.docker.run(*project.argv(*once, ROUTES))
    time.sleep(SETTLED_S)
