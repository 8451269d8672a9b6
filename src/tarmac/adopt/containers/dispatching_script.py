"""What a start script runs for the word that its container gives it: `entry.sh worker`.

`compose_containers` asks. A script that asks for the word by conditions is read as such by
`container`, with the word.
"""

from __future__ import annotations

import re

from tarmac.adopt.containers.container import unwatched, words
from tarmac.adopt.containers.start_script import without_shell
from tarmac.adopt.survey.found import Folder


def dispatched(argv: tuple[str, ...], folder: Folder) -> tuple[str, ...]:
    """Read what a start script runs for a word: the arm of its `case "$1"`.

    One that asks for the word by conditions stays as it is, to be read with it; () without either.
    """
    argv = without_shell(argv)
    name = argv[0].rsplit("/", 1)[-1] if len(argv) > 1 else ""
    place = next((f for f in folder.files if name and f.rsplit("/", 1)[-1] == name), "")
    text = re.sub(r"\\\s*\n", " ", folder.read(place)) if place else ""
    _, found, arms = text.partition('case "$1" in')
    arm = (
        re.search(
            rf"(?ms)^[ \t]*(?:[\w-]+\s*\|\s*)*{re.escape(argv[1])}(?:\s*\|[^)\n]*)?\)(.*?);;", arms
        )
        if found
        else None
    )
    if arm is None:
        chooses = re.search(r"\$\{?1\b", text) and not re.search(r"\$\{?@", text)
        return argv if chooses else ()
    functions = dict(re.findall(r"(?ms)^(?:function\s+)?([\w-]+)\s*\(\)\s*\{\n(.*?)^\}", text))
    body = arm[1]
    for _ in functions:
        called = _last_line(body).split()[:1]
        if not called or called[0] not in functions:
            break
        body = functions[called[0]]
    said = unwatched(words(_last_line(body).removeprefix("exec ")), folder)
    return tuple(word for word in said if not re.fullmatch(r"\$[@*\w]+", word))


def _last_line(body: str) -> str:
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if not line.startswith(("#", "shift"))), "")
