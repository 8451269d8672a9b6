"""An image's user: the number in its comment and in its pods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.distroless import distroless
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_NUMBER = re.compile(r"\b\d{4,5}\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield users whose number differs from a comment or a pod."""
    known: dict[str, tuple[str, int, str]] = {}
    for dockerfile in dockerfiles(files):
        text = str(dockerfile.content)
        if not (found := stages(text)):
            continue
        users = [e for e in found[-1].instructions if e.word == "USER"]
        if not users or not (base := distroless(found[-1].image)):
            continue
        user, where = users[-1], f"{dockerfile.path}:{users[-1].line}"
        name, _, comment = user.rest.partition("#")
        if comment:
            what = f"USER reads the whole line, `#{comment[:20]}...` included; move it above"
            yield Finding(where, what)
        name = name.strip().partition(":")[0]
        uid = _uid(name)
        if uid is None:
            continue
        said = comment or _above(text, user)
        for number in map(int, _NUMBER.findall(said)):
            if number in _users().values() and number != uid:
                yield Finding(where, f"its comment says {number}; {_is(name, uid, base)}")
        folder = dockerfile.path.rpartition("/")[0].rpartition("/")[2]
        if folder:
            known[folder] = (where, uid, _is(name, uid, base))
    yield from _pods(files, known)


def _users() -> Mapping[str, int]:
    users: Mapping[str, int] = published("distroless")["users"]
    return users


def _uid(name: str) -> int | None:
    return int(name) if name.isdecimal() and len(name) < 11 else _users().get(name)


def _is(name: str, uid: int, base: str) -> str:
    own = next((known for known, number in _users().items() if number == uid), name)
    others = ", ".join(f"{n} is {u}" for n, u in _users().items() if n not in (own, "root"))
    return f"{own} is {uid} in distroless {base} ({others}); say {uid} everywhere"


def _above(text: str, user: Instruction) -> str:
    line = text.splitlines()[user.line - 2] if user.line > 1 else ""
    return line if line.lstrip().startswith("#") else ""


def _pods(files: Files, known: Mapping[str, tuple[str, int, str]]) -> Iterator[Finding]:
    """Yield pods that run as another number than the image that is built from a Dockerfile here."""
    for own in pods(files):
        for container in own.main_containers:
            if container.image_name not in known:
                continue
            where, uid, why = known[container.image_name]
            asked, at = container.security.user, container.at
            if asked is None:
                asked, at = own.spec.security.user, own.at
            if asked is not None and asked != uid:
                what = f"runAsUser is {asked}, and the image's user differs ({where}): {why}"
                # The own users of the image are mixed up; any other number may be meant.
                is_meant = asked not in _users().values()
                yield Finding(at("securityContext", "runAsUser"), what, warning=is_meant)


def _judged(files: Files) -> Iterator[Artifact]:
    for file in dockerfiles(files):
        found = stages(str(file.content))
        words = {one.word for one in found[-1].instructions} if found else set()
        if "USER" in words and distroless(found[-1].image):
            yield file


GATE = Gate(
    id="IMG010",
    title="An image's user is the number in its comment and in its pods",
    phase="containers",
    source="in distroless 65532 is nonroot; 65534 is the user nobody, which owns none of its files",
    check=check,
    scope=counted_in_files("Dockerfiles with a USER on distroless", _judged),
    of_files=check,
    reads="USER of Dockerfiles whose last stage is of distroless, its comment, and runAsUser of "
    "pods whose image has the name of the Dockerfile's folder. Other bases have users that no "
    "list here knows.",
)
