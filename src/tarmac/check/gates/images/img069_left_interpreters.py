"""An environment of Python that is copied finds its interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname, join, normpath

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import (
    Stage,
    copies,
    dockerfiles,
    filled,
    stages,
    words,
)
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Images of uv without a Python of their own: uv brings one, and links the environment to it.
_BARE = re.compile(
    r"ghcr\.io/astral-sh/uv:(?!python)(?!\S*-?python)\S*(debian|alpine|bookworm|trixie)\S*"
)
_MAKES = re.compile(r"\buv (sync|venv)\b")
_ENVIRONMENT = re.compile(r"(^|/)\.?venv/?$")
_PLACE = re.compile(r"UV_PYTHON_INSTALL_DIR[= ]\"?([^\s\"]+)")
#: What has it take a Python of the system, or brings one.
_SYSTEM = re.compile(
    r"UV_PYTHON_(PREFERENCE|DOWNLOADS)[= ]|--no-managed-python|--python[ =]/"
    r"|\b(apt-get|apk)\b.*\bpython3"
)
_DEFAULT = "/root/.local/share/uv/python"
#: Where an environment is made, by the programs that make one.
_MADE = re.compile(
    r"(?:\bpython[\d.]*\s+-m\s+venv|\buv\s+venv|(?<![\w.-])virtualenv)((?:\s+--[\w-]+)*)"
    r"\s+[\"']?([\w./-]+)"
)
#: What has its scripts begin with another line.
_MOVABLE = re.compile(r"--relocatable|UV_VENV_RELOCATABLE|\bsed\b|\bln\s+-\w*s|\bvenv-pack\b")
#: Programs that pip installs as a script, whose first line is the path of its interpreter.
_SCRIPTS = (
    "airflow", "alembic", "celery", "chainlit", "daphne", "dagster", "dbt", "fastapi", "flask",
    "flower", "granian", "gunicorn", "hypercorn", "jupyter", "locust", "mlflow", "poetry",
    "prefect", "rq", "sanic", "scrapy", "streamlit", "taskiq", "uvicorn", "uwsgi",
    "waitress-serve",
)  # fmt: skip
_OWN_PYTHON = re.compile(r"python[\d.]*|activate|uv|pip[\d.]*")
Copied = tuple[Artifact, Stage, Instruction, Stage]


def check(files: Files) -> Iterator[Finding]:
    """Yield copied environments whose interpreter stays behind, or that are elsewhere now."""
    yield from _moved(files)
    for dockerfile, built, copy, last in _copied(files):
        text = "\n".join(one.rest for one in built.instructions)
        if not _BARE.fullmatch(built.image) or not _MAKES.search(text) or _SYSTEM.search(text):
            continue
        found = _PLACE.search(text)
        place = found[1] if found else _DEFAULT
        copies = [one.rest for one in last.instructions if one.word == "COPY"]
        is_brought = any(
            re.search(rf"(?<=\s){re.escape(place.rstrip('/'))}/?\s", f"{one} ") for one in copies
        )
        is_above = any(
            place.startswith(f"{word.rstrip('/')}/")
            for one in copies
            for word in one.split()
            if word.startswith("/") and len(word) > 1
        )
        if not is_brought and not is_above:
            what = f"copies an environment whose python is a link to {place}, where uv put the"
            said = f"{what} interpreter in the stage {built.name}, and that is not copied: nothing"
            advice = f"starts; set UV_PYTHON_INSTALL_DIR there, and copy {place}, too, or begin"
            yield Finding(f"{dockerfile.path}:{copy.line}", f"{said} {advice} from python")


def _moved(files: Files) -> Iterator[Finding]:
    """Yield environments that are copied to another place, of which the image starts a script."""
    for dockerfile, built, copy, last in _taken(files):
        given = _given(built)
        named = copy.operands
        source, target = normpath(join("/", named[0])), _placed(last, copy, named[-1])
        told = "\n".join(one.rest for one in (*built.instructions, *last.instructions))
        if source == target or _MOVABLE.search(told) or source not in _places(built, given):
            continue
        kept = [one.rest for one in last.instructions if one.word in ("COPY", "RUN")]
        if any(re.search(rf"\s{re.escape(source)}/?$", one) for one in kept):
            continue
        if script := _started(last, target):
            what = f"copies an environment from {source} to {target}, and the first line of its"
            said = f"{what} scripts names {source}/bin/python: {script} is not found when it is"
            advice = f"started; make the environment at {target}"
            yield Finding(f"{dockerfile.path}:{copy.line}", f"{said} {advice}")


def _given(stage: Stage) -> dict[str, str]:
    """Return the variables that a stage sets as they stand."""
    found: dict[str, str] = {}
    for one in stage.instructions:
        for name, value in re.findall(r"(\w+)=[\"']?([^\s\"']+)", one.rest):
            if one.word in ("ENV", "ARG"):
                found[name] = filled(value, found)
    return found


def _places(stage: Stage, given: dict[str, str]) -> set[str]:
    """List where a stage makes environments."""
    folder, found = "/", set[str]()
    for one in stage.instructions:
        if one.word == "WORKDIR":
            folder = join(folder, filled(one.rest, given))
        elif one.word == "RUN":
            told = re.sub(r"\$\{?(\w+)\}?", lambda m: given.get(m[1], m[0]), one.rest)
            found |= {normpath(join(folder, place)) for _, place in _MADE.findall(told)}
    return found


def _placed(stage: Stage, copy: Instruction, target: str) -> str:
    folder = "/"
    for one in stage.instructions:
        if one is copy:
            break
        folder = join(folder, one.rest) if one.word == "WORKDIR" else folder
    return normpath(join(folder, target))


def _started(stage: Stage, target: str) -> str:
    """Name the script of an environment that a stage starts; "" for Python itself and others."""
    own = {one.word: one for one in stage.instructions if one.word in ("CMD", "ENTRYPOINT")}
    first = own.get("ENTRYPOINT") or own.get("CMD")
    program = next(iter(words(first.rest)), "") if first else ""
    is_found = any(f"{target}/bin" in one.rest for one in stage.instructions if one.word == "ENV")
    if dirname(program) == f"{target}/bin" and not _OWN_PYTHON.fullmatch(basename(program)):
        return program
    return program if program in _SCRIPTS and is_found else ""


@once
def _taken(files: Files) -> Iterator[Copied]:
    """Yield copies of whatever may be an environment, by the stages that make one."""
    for dockerfile in dockerfiles(files):
        for built, one, last in copies(stages(str(dockerfile.content))):
            named = one.operands
            makes = any(_MADE.search(re.sub(r"[${}]", "", s.rest)) for s in built.instructions)
            if makes and len(named) == 2 and "$" not in one.rest:
                yield dockerfile, built, one, last


def _judged(files: Files) -> Iterator[Copied]:
    yield from _copied(files)
    yield from _taken(files)


@once
def _copied(files: Files) -> Iterator[Copied]:
    """Yield copies of an environment from another stage: that one, and the one with the copy."""
    for dockerfile in dockerfiles(files):
        for built, one, last in copies(stages(str(dockerfile.content))):
            words = one.operands
            if words and _ENVIRONMENT.search(words[0]):
                yield dockerfile, built, one, last


GATE = Gate(
    id="IMG069",
    title="An environment of Python that is copied finds its interpreter",
    phase="containers",
    source="https://docs.astral.sh/uv/concepts/python-versions/#managed-and-system-python-"
    "versions: uv downloads an interpreter where there is none, and .venv/bin/python links to it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("copied environments", _judged),
    targets=("compose", "cluster"),
    reads="COPY --from of .venv and venv, where the stage that makes it begins from an image of uv "
    "that has no Python; and of what a stage makes by venv, to another place, where the last one "
    "starts a script in it.",
)
