"""Packages that are compiled have a compiler, and what they are linked with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Packages of Python that have no wheel for Linux, and what else there is.
_SOURCES = {
    "psycopg2": ("libpq and its headers", "psycopg2-binary"),
    "mysqlclient": ("MySQL's headers", "PyMySQL"),
    "python-ldap": ("OpenLDAP's headers", "ldap3"),
    "uwsgi": ("a C compiler", "gunicorn"),
}
_PACKAGE = re.compile(
    r"^[ \t]*([A-Za-z][\w.-]*)(?:\[[^\]]*\])?[ \t]*(?:[=<>~!;#@]|$)", re.MULTILINE
)
_INSTALLS = re.compile(r"\b(?:pip3?|uv pip)\s+install\b([^&|;]*)")
_LISTED = re.compile(r"(?:-r\s*|--requirement[ =])(\S+)")
#: Bases without a compiler: Alpine's and the slim ones of the official image.
_BARE = re.compile(r"(docker\.io/)?(library/)?python:\S*(alpine|slim)\S*")
_COMPILER = re.compile(
    r"\b(gcc|build-base|build-essential|clang|alpine-sdk|g\+\+|python3-dev)\b"
    r"|postgresql\d*-dev|\b(add|install)\b[^&|;]*\$"
)
#: What may bring a wheel of another one.
_WHEELS = re.compile(r"(?i)index[-_]url|find[-_]links|only[-_]binary|\.whl\b|wheels")


def check(files: Files) -> Iterator[Finding]:
    """Yield installations that need a compiler which the image lacks."""
    texts = {one.path: str(one.content) for one in files.artifacts if one.path.endswith(".txt")}
    for dockerfile, stage in _bare(files):
        above = "\n".join(one.rest for one in stage.before if one.word == "RUN")
        if _WHEELS.search(str(dockerfile.content)):
            continue
        for one in stage.instructions:
            if one.word != "RUN":
                continue
            above = f"{above}\n{one.rest}"
            found = _INSTALLS.search(one.rest)
            if found is None or _COMPILER.search(above):
                continue
            for name in _packages(dockerfile, found[1], texts):
                needs, other = _SOURCES[name]
                what = f"installs {name}, of which there are only sources, and {stage.image} has no"
                said = f"{what} compiler and not {needs}: the build fails; install those before"
                yield Finding(f"{dockerfile.path}:{one.line}", f"{said}, or take {other}")


def _packages(dockerfile: Artifact, options: str, texts: dict[str, str]) -> Iterator[str]:
    """Yield the packages without wheels that a command installs, by its words and its lists."""
    named = [word.strip("\"'").lower() for word in options.split()]
    lists = [normpath(join(dirname(dockerfile.path), one)) for one in _LISTED.findall(options)]
    written = "\n".join(texts.get(path) or texts.get(path.rpartition("/")[2], "") for path in lists)
    listed = {name.lower() for name in _PACKAGE.findall(written)}
    for name in _SOURCES:
        if name in listed or any(re.fullmatch(rf"{name}([=<>~!\[].*)?", word) for word in named):
            yield name


@once
def _bare(files: Files) -> Iterator[tuple[Artifact, Stage]]:
    """Yield stages of Python whose base has no compiler."""
    for dockerfile in dockerfiles(files):
        for stage in stages(str(dockerfile.content)):
            if _BARE.fullmatch(stage.image):
                yield dockerfile, stage


GATE = Gate(
    id="IMG068",
    title="Packages that are compiled have a compiler",
    phase="containers",
    source="https://www.psycopg.org/docs/install.html#build-prerequisites: psycopg2 is built from "
    "its sources, by a C compiler and with libpq's headers",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("stages without a compiler", _bare),
    targets=("compose", "cluster"),
    reads="pip install in stages of python:*-alpine and python:*-slim, with requirements files "
    "beside the Dockerfile, for packages of Python that are known to have no wheel for Linux.",
)
