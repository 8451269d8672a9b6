"""Images start: their script's own shell is there, and their server listens where they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.bases import ALPINE
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages, words
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.images.scripts import Scripts, script_beside, scripts_of
from tarmac.check.gates.views.scope import counted_in_files

_BRINGS_BASH = re.compile(r"\b(bash|libtool)\b")  # of Alpine, whose libtool needs it
_BASH = re.compile(r"#!\s*(/usr)?(/local)?/bin/(env +)?bash\b")
#: Of Alpine's images those without a server: what a server's own script needs, its image has, and
#: that of PostgreSQL, RabbitMQ and others is for bash.
_PLAIN = re.compile(
    r"(?:.*/)?(alpine|node|python|golang|ruby|php|rust|openjdk|amazoncorretto|nginx(-unprivileged)?"
    r"|httpd|redis|memcached|haproxy|caddy|traefik|docker|busybox|static|alpine-\w+)(?:[:@].*)?"
)
_PORT = re.compile(
    r"(?<!\S)(--port|-p)[= ](\d{2,5})(?!\S)|--(?:bind|listen)[= ][\w.]+:(\d{2,5})(?!\S)"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield scripts for a shell that the image lacks, and ports that are another's."""
    scripts = scripts_of(files)
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        if not found:
            continue
        folder = dockerfile.path.rpartition("/")[0]
        for one, what in (*_shells(found, folder, scripts), *_ports(found[-1])):
            yield Finding(f"{dockerfile.path}:{one.line}", what)


def _started(stage: Stage) -> tuple[Instruction, list[str]] | None:
    """Return what a stage starts, as words."""
    own = [one for one in stage.instructions if one.word in ("ENTRYPOINT", "CMD")]
    entry = next((one for one in reversed(own) if one.word == "ENTRYPOINT"), None)
    command = next((one for one in reversed(own) if one.word == "CMD"), None)
    if (first := entry or command) is None:
        return None
    return first, [word for one in (entry, command) if one for word in words(one.rest)]


def _shells(found: list[Stage], folder: str, scripts: Scripts) -> Iterator[tuple[Instruction, str]]:
    last, started = found[-1], _started(found[-1])
    if not _PLAIN.fullmatch(last.image):
        return
    if started is None or not ALPINE.fullmatch(last.image) or not started[1]:
        return
    whole = [one for stage in found for one in stage.instructions if one.word == "RUN"]
    if any(_BRINGS_BASH.search(one.rest) for one in whole):
        return  # a step installs it
    name = basename(started[1][0])
    script = script_beside(scripts, folder, name)
    if script is not None and (said := _BASH.match(str(script.content))):
        what = f"starts {name}, which is for bash (`{said[0]}`), and {last.image} has none: it does"
        yield started[0], f"{what} not start; write #!/bin/sh, or install bash"


def _ports(last: Stage) -> Iterator[tuple[Instruction, str]]:
    exposed = {
        port
        for one in last.instructions
        if one.word == "EXPOSE"
        for port in re.findall(r"\d+", one.rest)
    }
    is_plain = not any("$" in one.rest for one in last.instructions if one.word == "EXPOSE")
    started = _started(last)
    if started is None or not exposed or not is_plain:
        return
    told = {own or other for _, own, other in _PORT.findall(" ".join(started[1]))}
    if told and not told & exposed:
        what = f"listens on {', '.join(sorted(told))}, and the image has EXPOSE"
        advice = f"{', '.join(sorted(exposed))}: what reads that asks where nothing is"
        yield started[0], f"{what} {advice}; write one number in both"


def _judged(files: Files) -> Iterator[Stage]:
    for dockerfile in dockerfiles(files):
        yield from stages(str(dockerfile.content))[-1:]


GATE = Gate(
    id="IMG023",
    title="Images start by a shell that they have, and listen where they say",
    phase="containers",
    source="the kernel reads the first line of a script: without its program the script is `not "
    "found`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("images", _judged),
    reads="the first line of the script that an image of Alpine starts, and EXPOSE beside --port "
    "and --bind of what it starts.",
)
