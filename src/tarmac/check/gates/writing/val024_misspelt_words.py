"""Words that a program chooses by are among those that it knows: conditions, events."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.errors import misspelt
from tarmac.base.foreign.reading import at_steps
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import instructions
from tarmac.check.gates.views.known_forms import known_files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.schemas.fixes import reworded

_INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
    *("MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
#: What is filled in, and what has more to it than a word: `on-failure:3`.
_OTHER = re.compile(r"[{}<>$%:]")


def check(files: Files) -> Iterator[Finding]:
    """Yield words by which a build ends, or a file is refused."""
    for one in known_files(files):
        for steps, known in one.form.words:
            for path, word in at_steps(one.data, steps):
                if isinstance(word, str) and word not in known and not _OTHER.search(word):
                    where = ".".join(map(str, path))
                    what = f"{where} is {word!r}, which {one.form.title} does not know, so it"
                    near = misspelt(word, known)
                    advice = f"did you mean {near!r}?" if near else f"write one of {_some(known)}"
                    said = f"{what} {one.form.effect}; {advice}"
                    fix = reworded(word, known)
                    yield Finding(one.artifact.at(*path), said, warning=not near, fix=fix)
    for artifact in dockerfiles(files):
        for own in instructions(str(artifact.content)):
            # A word alone is one that a script replaces: each instruction has more to it.
            if own.rest and (near := misspelt(own.word, _INSTRUCTIONS)):
                what = f"{own.word} is not an instruction of a Dockerfile: the build ends there"
                yield Finding(f"{artifact.path}:{own.line}", f"{what}; did you mean {near!r}?")


def _some(known: frozenset[str]) -> str:
    return ", ".join(sorted(known)[:8])


def _judged(files: Files) -> Iterator[object]:
    yield from known_files(files)
    yield from dockerfiles(files)


GATE = Gate(
    id="VAL024",
    title="Words are among those that their program knows",
    phase="containers",
    source="assets/known_keys.yaml names the source of each form; "
    "https://docs.docker.com/reference/dockerfile",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files whose words are known", _judged),
    targets=("repository",),
    reads="values that are one of a few, in Compose files, workflows, pipelines of GitLab and more "
    "(conditions, events, permissions, policies), and the first word of each instruction of a "
    "Dockerfile. One that is like none is a warning: another release may take it.",
)
