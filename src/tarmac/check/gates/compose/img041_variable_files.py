"""Files of variables are of the form that Compose reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import entries, text_of
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.scope import counted_in_files

#: What another program fills in before Compose reads the file.
_TEMPLATE = ("{{", "{%", "<%")

#: What only a few may know, and a variable in it that is not escaped.
_SECRET = re.compile(
    r"[ \t]*(?:export[ \t]+)?([A-Z0-9_]*(?:PASS|PASSWORD|PWD|SECRET|TOKEN|KEY|SALT)[A-Z0-9_]*)"
    r"[ \t]*=[ \t]*(.+)"
)
_ASKED = re.compile(r"(?<![$\\])\$([A-Za-z_]\w*)")


def check(files: Files) -> Iterator[Finding]:
    """Yield the first line of each file for which Compose refuses it, and passwords cut short."""
    for path in _judged(files):
        text = text_of(files, path) or ""
        if any(sign in text for sign in _TEMPLATE):
            continue
        yield from _cut(path, text)
        for one in entries(text):
            if one.fault:
                first = one.name.split()[0] if one.name.split() else "it"
                what = f"a line that begins with {first} {one.fault}, so Compose refuses the file"
                yield Finding(f"{path}:{one.line}", f"{what}; write NAME=value")


def _cut(path: str, text: str) -> Iterator[Finding]:
    """Yield passwords of which Compose takes a part for a variable that there is not."""
    names = {one.name for one in entries(text)}
    for number, line in enumerate(text.splitlines(), 1):
        found = _SECRET.fullmatch(line)
        asked = _ASKED.search(found[2]) if found and not found[2].startswith("'") else None
        if found and asked and asked[1] not in names and not asked[1].isupper():
            what = f"{found[1]} has `{asked[0]}` in its value, which Compose takes for a variable:"
            said = f"{what} that part is empty; put the value into single quotes"
            yield Finding(f"{path}:{number}", said)


def _judged(files: Files) -> dict[str, None]:
    """List the files of variables on disk that Compose reads."""
    found: dict[str, None] = {}
    for beside in compose_files(files):
        for artifact in beside.artifacts if beside.services else ():
            found[normpath(join(dirname(artifact.path), ".env"))] = None
        for service in beside.services:
            folder = dirname(service.artifact.path)
            named = [name for name, is_raw in service.settings.named_files if not is_raw]
            found |= {normpath(join(folder, name)): None for name in named}
    return {path: None for path in found if text_of(files, path) is not None}


GATE = Gate(
    id="IMG041",
    title="Files of variables are of the form that Compose reads",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/"
    "#env-file-syntax: a line is NAME=value, and `export` may stand before it; of any other "
    "word Compose says that a key cannot contain a space, and starts nothing",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files of variables", _judged),
    targets=("compose",),
    reads="files on disk that `env_file` names, without those of `format: raw`, and `.env` beside "
    "Compose files: the form of each line, and $ in passwords.",
)
