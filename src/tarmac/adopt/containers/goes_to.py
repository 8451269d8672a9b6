"""Which folder a container's command or script goes to first, as the one that it works in.

`compose_containers` asks; nothing is run.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from tarmac.adopt.containers.compose_parts import commands_of
from tarmac.adopt.survey.found import Folder

#: A line of a script that goes to a folder of the image, or tries to until it is there.
_GOES = re.compile(
    r"(?m)^[ \t]*(?:until[ \t]+)?cd[ \t]+(/[\w./-]*\w)/?[ \t]*;?[ \t]*(?:do)?[ \t]*$"
)


def where_it_goes(
    spec: Mapping[str, Any], values: Mapping[str, str], root: Folder
) -> Mapping[str, Any]:
    """Say the folder as the working folder that a command or its script goes to first.

    `cd /app && celery -A shop worker` of a command; a line of its own in a script.
    """
    command = commands_of(spec, values)
    if re.fullmatch(r"cd /\S+ &&", " ".join(command[:3])) and command[3:]:
        rest = {key: value for key, value in spec.items() if key != "entrypoint"}
        return {**rest, "working_dir": command[1], "command": [*command[3:]]}
    entry = spec.get("entrypoint")
    words = [*(entry if isinstance(entry, list) else [str(entry or "")]), *command]
    script = next((word for word in words if word.endswith(".sh")), "")
    match = _GOES.search(_text_of(script, root)) if script else None
    if match is None or spec.get("working_dir"):
        return spec
    return {**spec, "working_dir": match[1]}


def _text_of(script: str, root: Folder) -> str:
    """Read the file of the repository whose path ends as that of a script in an image."""
    steps = script.strip("./").split("/")
    ends = ("/".join(steps[begin:]) for begin in range(len(steps)))
    found = (f for end in ends for f in root.files if f == end or f.endswith(f"/{end}"))
    return root.read(posixpath.normpath(next(found, "")))
