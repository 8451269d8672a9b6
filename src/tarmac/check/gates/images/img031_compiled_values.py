"""Values that a page is compiled with are there when it is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, variable
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import instructions
from tarmac.check.gates.views.scope import counted_in_files

#: What bundlers write into the page, by the beginning of its name.
_COMPILED = re.compile(r"(NEXT_PUBLIC|VITE|REACT_APP|VUE_APP|GATSBY|EXPO_PUBLIC)_\w+")
_BUILDS = re.compile(
    r"\b(npm|pnpm|yarn|bun)( run)? build\b|\b(next|vite|vue-cli-service|react-scripts) build\b"
)
#: What writes values into a page that is built already.
_LATER = re.compile(r"envsubst|\bsed\b|runtime-env|import-meta-env|env\.sh|\.sh\b|build\b|\bdev\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield variables of a service that its page was to be compiled with."""
    by_path = {file.path: list(instructions(str(file.content))) for file in dockerfiles(files)}
    for service in compose_services(files):
        own = by_path.get(normpath(service.dockerfile or "-"))
        if own is None or not any(one.word == "RUN" and _BUILDS.search(one.rest) for one in own):
            continue
        started = [one.rest for one in own if one.word in ("CMD", "ENTRYPOINT")]
        told = str([dig(service.data, key) for key in ("command", "entrypoint")])
        if _LATER.search(" ".join((*started, told))):
            continue
        known = " ".join(one.rest for one in own if one.word in ("ARG", "ENV"))
        given = {variable(one)[0] for one in listed(dig(service.data, "build", "args"))}
        for name in service.environment:
            if _COMPILED.fullmatch(name) and not re.search(rf"\b{name}\b", known):
                hint = (
                    "is handed to the build, whose Dockerfile has no ARG for it"
                    if (name in given)
                    else "is set when it runs"
                )
                what = f"service {service.name} has {name}, which is written into the page when it"
                where = service.at("environment", name)
                advice = f"is built, and {hint}: the page has none; write ARG {name} before the"
                yield Finding(where, f"{what} {advice} build, and build.args", warning=True)


def _judged(files: Files) -> Iterator[ComposeService]:
    yield from (one for one in compose_services(files) if one.dockerfile)


GATE = Gate(
    id="IMG031",
    title="Values that a page is compiled with are there when it is compiled",
    phase="containers",
    source="https://nextjs.org/docs/pages/guides/environment-variables, https://vite.dev/guide/"
    "env-and-mode: such variables are replaced when the page is built",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services that are built", _judged),
    reads="variables of Compose services whose Dockerfile builds a page, by the beginnings of "
    "their names. What a script writes at the start is not known, and then nothing is said.",
)
