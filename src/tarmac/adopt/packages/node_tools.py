"""Brings the tools that a script of package.json starts and its lists of packages lack.

The survey asks at its end. Their authors have them on PATH: `npm install -g nodemon`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from tarmac.adopt.packages.node_packages import scripts_of
from tarmac.adopt.survey.found import Folder, Service
from tarmac.base.foreign.data import from_json

#: Programs that scripts start, each of a package of its name.
_TOOLS = frozenset({"nodemon", "cross-env", "env-cmd", "pm2"})
#: A program at the beginning of a script, of a part of it, or behind another one that starts it.
_STARTS = re.compile(r"(?:^|&&|\|\||;|--exec|-x|cross-env|=\S+)\s*[\"']?([\w-]+)(?=\s|$)")


def with_tools(service: Service, folder: Folder) -> Service:
    """Let npm bring the tools of a program's script that no list of its packages has."""
    lines = [line for line in scripts_of(folder, service.run) if line]
    named = dict.fromkeys(name for line in lines for name in _STARTS.findall(line))
    wanted = [name for name in named if name in _TOOLS]
    listed = _listed(folder) if wanted else frozenset()
    lacking = [name for name in wanted if name not in listed]
    if not lacking:
        return service
    brings = " ".join(f"-p {name}" for name in lacking)
    what = f"its script starts {', '.join(lacking)}, which its list of packages lacks"
    line = service.run.replace("\0", " ")
    run = f"npx --yes {brings} -c {shlex.quote(line)}"
    return replace(service, run=run, guesses=(*service.guesses, what))


def _listed(folder: Folder) -> frozenset[str]:
    """List the packages of a program, and of the workspaces above it."""
    depth = len(folder.path.split("/")) if folder.path else 0
    files = ["../" * up + "package.json" for up in range(depth + 1)]
    packages = [folder.mapping(file, from_json) or {} for file in files if folder.exists(file)]
    lists = [one.get(key) for one in packages for key in ("dependencies", "devDependencies")]
    return frozenset(name for one in lists if isinstance(one, dict) for name in one)
