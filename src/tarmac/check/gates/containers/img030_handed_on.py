"""What starts gets its values and signals: variables in lists, and servers behind a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages, words
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.images.scripts import Scripts, script_beside, scripts_of
from tarmac.check.gates.views.scope import counted_in_files

_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\b[^}]*\}?")
_SHELLS = re.compile(r"(/(usr/)?bin/)?(ba|da|a|z|k)?sh|/bin/busybox|cmd(\.exe)?|p(ower)?sh(ell)?")
#: What fills in variables itself, or reads a script as one of its words.
_READERS = re.compile(r"env|envsubst|dockerize|eval|awk|perl|python[\d.]*|node|ruby|confd|gomplate")
#: Servers that end at SIGTERM if it reaches them.
_SERVERS = re.compile(
    r"(gunicorn|uvicorn|hypercorn|daphne|waitress-serve|celery|puma|unicorn|sidekiq|node|java"
    r"|dotnet|nginx|php-fpm[\d.]*|caddy|granian|fastapi|flask)\b(?! *(-v|--version|check\b|-t\b))"
    r"|\"\$@\"|python[\d.]* (\S*manage\.py (runserver|run)|-m (uvicorn|gunicorn|celery)\b"
    r"|\S*(app|main|server)\.py)"
)
#: Shells that stay the parent of a command, and where in a text the last one begins.
_PARENTS = re.compile(r"(/(usr/)?bin/)?(da|a)?sh")
_LAST = re.compile(r"(?:^|&&|;|\n)\s*(?:[A-Za-z_]\w*=\S*\s+)*(?P<path>\S*/)?(?=[^&;\n]*$)")
#: What hands signals on for all that it started.
_FOR_ALL = re.compile(r"dumb-init|\btini\b.*\s-g\b|s6-|supervisord|catatonit|pid1")


def check(files: Files) -> Iterator[Finding]:
    """Yield texts in place of values, and servers that no signal reaches."""
    scripts = scripts_of(files)
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        if found:
            for one, what in _unfilled(found[-1]):
                yield Finding(f"{dockerfile.path}:{one.line}", what)
            yield from _unheard(dockerfile.path, found[-1], scripts)
            yield from _by_shell(dockerfile.path, found[-1])


def _listed(stage: Stage) -> list[Instruction]:
    """List what starts, where it is written as a list of words."""
    last = {one.word: one for one in stage.instructions if one.word in ("ENTRYPOINT", "CMD")}
    return [one for one in last.values() if one.rest.startswith("[")]


def _unfilled(stage: Stage) -> Iterator[tuple[Instruction, str]]:
    own = {
        name
        for one in stage.instructions
        if one.word in ("ENV", "ARG")
        for name in re.findall(r"(?:^|\s)(\w+)(?==|\s|$)", one.rest)
    }
    listed = _listed(stage)
    entry = next((words(one.rest) for one in listed if one.word == "ENTRYPOINT"), [])
    for one in listed:
        told = words(one.rest) or [""]
        first = [*entry[:4], *told[:3]]  # what an entry point starts may be a shell
        if any(_SHELLS.fullmatch(w) or _READERS.fullmatch(basename(w)) for w in first):
            continue
        if any(word.endswith(".sh") or "entrypoint" in word for word in first):
            continue  # a script may evaluate its words
        for word in told:
            found = _VARIABLE.search(word)
            if found and (found[1] in own or found[1] == "PORT"):
                what = (
                    f"{one.word} is a list, in which no shell fills in {found[0]}: {told[0]} gets"
                )
                yield one, f'{what} "{word}" as it stands; write `CMD exec ...`, or sh -c'


def _unheard(path: str, stage: Stage, scripts: Scripts) -> Iterator[Finding]:
    folder = path.rpartition("/")[0]
    for one in _listed(stage):
        told = words(one.rest)
        if any(_FOR_ALL.search(word) for word in (*told, " ".join(told))):
            return
        name = next((basename(word) for word in told[:3] if word.endswith(".sh")), "")
        if (script := script_beside(scripts, folder, name)) is None:
            continue
        if (last := _last(str(script.content))) is not None and _SERVERS.match(last[1]):
            what = (
                f"starts {last[1].split()[0]} as a child of the script that {path} starts: a stop"
            )
            advice = "reaches the shell alone, so requests are cut off; write `exec` before it"
            yield Finding(f"{script.path}:{last[0]}", f"{what} {advice}", warning=True)
            return


def _by_shell(path: str, stage: Stage) -> Iterator[Finding]:
    """Yield servers that are the last command of `sh -c`."""
    listed = sorted(_listed(stage), key=lambda one: one.word != "ENTRYPOINT")
    told = [word for one in listed for word in words(one.rest)]
    if not listed or _FOR_ALL.search(" ".join(told)):
        return
    for shell, option, text in zip(told, told[1:], told[2:], strict=False):
        is_read = _PARENTS.fullmatch(shell) and re.fullmatch(r"-\w*c", option)
        last = (
            _LAST.search(text) if is_read and not re.search(r"\b(trap|wait)\b|\|", text) else None
        )
        if last and (server := _SERVERS.match(text, last.end())):
            what = f"{listed[-1].word} starts {server[0]} by {shell} {option} without `exec`: where"
            said = (
                f"{what} the shell stays its parent, as dash does, a stop reaches the shell alone,"
            )
            advice = f"so requests are cut off; write `exec {server[0]}`"
            yield Finding(f"{path}:{listed[-1].line}", f"{said} {advice}", warning=True)
            return


def _last(text: str) -> tuple[int, str] | None:
    """Return the last command of a script that is at its top; None where that is not known."""
    if re.search(r"^[ \t]*(trap|wait)\b", text, re.MULTILINE):
        return None
    joined, begun, found = "", 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        if not joined and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begun = begun if joined else number
        joined += line.rstrip().removesuffix("\\")
        if not line.rstrip().endswith("\\"):
            found, joined = (begun, joined), ""
    if found is None or found[1][:1].isspace() or found[1].rstrip().endswith("&"):
        return None
    return found


def _judged(files: Files) -> Iterator[Stage]:
    for dockerfile in dockerfiles(files):
        yield from stages(str(dockerfile.content))[-1:]


GATE = Gate(
    id="IMG030",
    title="What an image starts gets its values and its signals",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile/#shell-and-exec-form: a list is run "
    "without a shell; the first process alone gets the signal of a stop",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("images", _judged),
    reads="ENTRYPOINT and CMD as lists, and the last command of the script or of the `sh -c` that "
    "they start.",
)
