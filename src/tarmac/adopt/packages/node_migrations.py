"""Finds the script by which TypeORM makes a database's tables, where the repository has the steps.

`node` asks. A script that takes what is compiled comes behind the build; one that takes the code as
it is needs ts-node or the like in its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import Folder

_RUNS = re.compile(r"\btypeorm\b[^&|;]*\bmigration:run\b")
#: It takes what the build makes: `-d dist/data-source.js`.
_COMPILED = re.compile(r"(?:-d|--dataSource)[= ](?:\./)?(?:dist|build|lib|out)/")
#: It takes the code as it is.
_AS_IT_IS = re.compile(r"typeorm-ts-node|\b(?:ts-node|tsx)\b|-r ts-node/register")
#: Another script of the package, with what follows it.
_CALLS = re.compile(r"^(?:npm|yarn|pnpm)(?: run)? (typeorm[\w:-]*)(?: --)?(?= )")
_STEP = re.compile(r"(?:^|/)migrations?/\d{10,}-?\w+\.[jt]s$")


def steps(folder: Folder, scripts: Mapping[str, str], tool: str) -> str:
    """Write the line that makes the tables; "" where no script does.

    Args:
        tool: the package manager that runs a script.
    """
    if not any(map(_STEP.search, folder.files)):
        return ""
    found: dict[bool, str] = {}
    for name, text in scripts.items():
        line = _CALLS.sub(lambda match: scripts.get(match[1], match[0]), text)
        is_compiled = bool(_COMPILED.search(line))
        if _RUNS.search(line) and (is_compiled or _AS_IT_IS.search(line)):
            found.setdefault(is_compiled, name)
    if name := found.get(False, ""):
        return f"{tool} run {name}"
    name = found.get(True, "")
    return f"{tool} run build && {tool} run {name}" if name and "build" in scripts else ""
