"""A step that loads the settings of Django has the variables that these need."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_listeners import tree_of

_LOADS = re.compile(
    r"(?:manage\.py|django-admin)\s+(collectstatic|compress|compilemessages|migrate|check"
    r"|tailwind build|compilescss|generate_swagger|spectacular)\b"
)
_MODULE = re.compile(r"DJANGO_SETTINGS_MODULE[\"']?\s*[=,)]?\s*[\"']?([A-Za-z_][\w.]+)")
#: Folders of an image's context that the modules may be below.
_BELOW = ("", "src", "app", "backend")
_MOST = 500_000
_SET = re.compile(r"(?:^|[\s;&])([A-Z][A-Z0-9_]*)=")


class LoadingStep(NamedTuple):
    """A RUN that loads settings, and what is set there."""

    dockerfile: Artifact
    instruction: Instruction
    command: str
    given: frozenset[str]
    module: str


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that end with a KeyError, as a variable is set only when the container runs."""
    for step in _loading(files):
        name = f"{step.module.replace('.', '/')}.py"
        folder = dirname(step.dockerfile.path)
        paths = (normpath(join(folder, below, name)) for below in _BELOW)
        found = [(path, text) for path in paths if (text := _text(files, path))]
        needed = _needed(found[0][1]) if len(found) == 1 else ()
        variable, line = next((one for one in needed if one[0] not in step.given), ("", 0))
        if variable:
            where = f"{step.dockerfile.path}:{step.instruction.line}"
            what = f"{step.command} loads {found[0][0]}, which needs {variable} (line {line}),"
            why = "and no ENV or ARG sets it: the build ends with KeyError; set it for this step,"
            yield Finding(where, f"{what} {why} as {variable}=unused python manage.py ...")


def _text(files: Files, path: str) -> str:
    """Read a file beside a Dockerfile; "" of one that is not there."""
    return text_on_disk(files, path, _MOST) or ""


@once
def _loading(files: Files) -> Iterator[LoadingStep]:
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            given: set[str] = set()
            module = ""
            for one in stage.whole:
                if one.word in ("ENV", "ARG"):
                    given |= set(_SET.findall(f" {one.rest}")) | {one.rest.split()[0].split("=")[0]}
                    found = _MODULE.search(one.rest)
                    module = found[1] if found else module
                loads = _LOADS.search(one.rest) if one.word == "RUN" else None
                if loads is None or "||" in one.rest or "--mount=type=secret" in one.rest:
                    continue
                here = given | set(_SET.findall(f" {one.rest}"))
                manage = _text(files, join(dirname(dockerfile.path), "manage.py"))
                said = _MODULE.search(one.rest) or (None if module else _MODULE.search(manage))
                name = said[1] if said else module
                if name and ". " not in one.rest and "source " not in one.rest:
                    yield LoadingStep(dockerfile, one, loads[1], frozenset(here), name)


def _needed(text: str) -> Iterator[tuple[str, int]]:
    """Yield the variables that a module needs at its top: `os.environ["A"]`."""
    if "load_dotenv" in text or "read_env" in text:
        return
    for statement in tree_of(text).body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            continue
        for node in ast.walk(statement):
            if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
                continue
            if ast.unparse(node.value) in ("os.environ", "environ"):
                yield str(node.slice.value), node.lineno


GATE = Gate(
    id="IMG093",
    title="A step that loads settings has the variables that these need",
    phase="containers",
    source="https://docs.djangoproject.com/en/stable/ref/settings/#secret-key: manage.py loads the "
    "settings for each command, and os.environ[...] raises KeyError without the variable",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("steps that load settings of Django", _loading),
    targets=("compose", "cluster"),
    reads="RUN of Dockerfiles with commands of manage.py that load settings, ENV and ARG before "
    "them, and os.environ[...] at the top of the module that DJANGO_SETTINGS_MODULE names.",
)
