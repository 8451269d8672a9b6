"""What must be so of any Dockerfile: the kit's, and those that foreign services bring."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._gate import Files
from tarmac.gates._published import published
from tarmac.report import Finding

#: Names whose values nobody may read: what an ENV or ARG holds stays in the image's history.
_SECRET = re.compile(r"(?i)(password|passwd|secret|token|credential|api_?key|private_?key)")
_PIPED = re.compile(r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|da|z)?sh\b")
_USER = re.compile(r"(\d+)(?::(\d+))?")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined."""

    word: str
    rest: str
    line: int


def instructions(text: str) -> Iterator[Instruction]:
    """Read a Dockerfile's instructions; comments and lines of a heredoc's text are none."""
    joined, begun, ends = "", 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if ends:
            ends = "" if line.strip() == ends else ends
            continue
        if (not joined and not line.strip()) or line.lstrip().startswith("#"):
            continue
        begun = begun if joined else number
        joined += line.strip().removesuffix("\\") if line.rstrip().endswith("\\") else line.strip()
        if line.rstrip().endswith("\\"):
            joined += " "
            continue
        word, _, rest = joined.strip().partition(" ")
        if heredoc := re.search(r"<<-?\s*[\"']?(\w+)", rest):
            ends = heredoc[1]
        yield Instruction(word.upper(), rest.strip(), begun)
        joined = ""


@dataclass(frozen=True)
class Stage:
    """A FROM and what follows it."""

    name: str
    #: What it begins from: an image, its ARGs put in, through other stages of the file.
    image: str
    instructions: tuple[Instruction, ...]


def dockerfiles(files: Files) -> Iterator[Artifact]:
    """Yield the files that are Dockerfiles."""
    for each in files.artifacts:
        name = each.path.rpartition("/")[2]
        own = name.startswith(("Dockerfile", "Containerfile")) or name.endswith(".Dockerfile")
        if own and not name.endswith(".dockerignore") and isinstance(each.content, str):
            yield each


def stages(text: str) -> list[Stage]:
    """Read the stages of a Dockerfile; the last one is what runs."""
    given: dict[str, str] = {}
    found: list[tuple[str, str, list[Instruction]]] = []
    images: dict[str, str] = {}
    for each in instructions(text):
        if each.word == "ARG" and not found:
            name, _, value = each.rest.partition("=")
            given[name] = value.strip("\"'")
        elif each.word == "FROM":
            words = [word for word in each.rest.split() if not word.startswith("--")] or [""]
            image = filled(words[0], given)
            name = words[2] if len(words) == 3 else str(len(found))
            images[name] = images.get(image, image)
            found.append((name, images[name], []))
        if found:
            found[-1][2].append(each)
    return [Stage(name, image, tuple(own)) for name, image, own in found]


def filled(text: str, given: dict[str, str]) -> str:
    """Put the values of ARGs in; what has none is empty."""
    return re.sub(
        r"\$\{?(\w+)(?::-([^}]*))?\}?", lambda found: given.get(found[1]) or found[2] or "", text
    )


@dataclass(frozen=True)
class Exposed:
    """What a Dockerfile says that it listens on."""

    where: str
    ports: frozenset[int]

    def lacks(self, port: Any) -> bool:
        """Tell whether nothing listens on a number."""
        return isinstance(port, int) and port not in self.ports

    def __str__(self) -> str:
        return f"{', '.join(map(str, sorted(self.ports)))} ({self.where})"


def exposed_by(file: Artifact) -> Exposed | None:
    """Read which ports a Dockerfile exposes; None: it says none."""
    found = stages(str(file.content))
    given: dict[str, str] = {}
    ports, line = set[int](), 0
    for each in found[-1].instructions if found else ():
        if each.word in ("ARG", "ENV"):
            name, _, value = each.rest.partition("=")
            given.setdefault(name.strip(), value.strip("\"' "))
        elif each.word == "EXPOSE":
            numbers = re.findall(r"(\d+)(?:/tcp)?(?=\s|$)", filled(each.rest, given))
            ports |= {int(number) for number in numbers}
            line = line or each.line
    return Exposed(f"{file.path}:{line}", frozenset(ports)) if ports else None


def distroless(image: str) -> str:
    """Give the name of an image of Google's distroless: `nodejs20-debian12`; empty for others."""
    known = published("distroless")
    for start in known["names"]:
        if image.startswith(start):
            return image.removeprefix(start).partition("@")[0].partition(":")[0]
    return ""


def findings(path: str, text: str) -> Iterator[Finding]:
    """Yield what is wrong with a Dockerfile.

    Args:
        path: what a finding names, relative to the tree or the repository.
    """
    given: dict[str, str] = {}
    stages: set[str] = set()
    final: list[Instruction] = []
    for each in instructions(text):
        where = f"{path}:{each.line}"
        if each.word == "FROM":
            final = []
            yield from (Finding(where, what) for what in _base(each, given, stages))
        final.append(each)
        if each.word == "ARG":
            name, _, value = each.rest.partition("=")
            given.setdefault(name, value.strip("\"'"))
        yield from (Finding(where, what) for what in _instruction(each))
    if not final:
        yield Finding(path, "has no FROM, so there is no image; write one")
        return
    yield from (Finding(f"{path}:{line}", what) for line, what in _runtime(final))


def _base(each: Instruction, given: dict[str, str], stages: set[str]) -> Iterator[str]:
    words = [word for word in each.rest.split() if not word.startswith("--")]
    image = filled(words[0] if words else "", given)
    if len(words) == 3:
        stages.add(words[2])
    if not image:
        yield f"its base is not known ({each.rest}); give its ARG a default that is pinned"
    elif image == "scratch" or image in stages or "@sha256:" in image:
        return
    elif ":" not in image.rsplit("/", 1)[-1]:
        yield f"its base has no tag ({image}), so any day's is taken; pin it: {image}:VERSION"
    elif image.endswith(":latest"):
        yield f"its base is any day's ({image}); pin a version"


def _instruction(each: Instruction) -> Iterator[str]:
    if each.word in ("ENV", "ARG"):
        pairs = re.findall(r"([A-Za-z_]\w*)(?:=(\"[^\"]*\"|'[^']*'|\S+)|\s+(\S+))?", each.rest)
        for name, value, old in pairs:
            held = (value or old).strip("\"'")
            is_reference = held.startswith("$") or name.endswith(("_FILE", "_PATH"))
            if _SECRET.search(name) and (each.word == "ARG" or held) and not is_reference:
                yield (
                    f"{each.word} {name} stays in the image's history; give it when it runs, "
                    "or build with RUN --mount=type=secret"
                )
            if each.word == "ENV" and old:
                break
    if each.word == "ADD" and re.search(r"(?:https?|git|ftp)://|git@", each.rest):
        yield f"adds what a server gives that day ({each.rest}); COPY it, or check its sum in RUN"
    if each.word == "RUN" and _PIPED.search(each.rest):
        yield "runs what a server gives that day (curl | sh); fetch a version and check its sum"


def _runtime(final: list[Instruction]) -> Iterator[tuple[int, str]]:
    """Say what the last stage lacks."""
    first = final[0].line
    users = [each for each in final if each.word == "USER"]
    if not users:
        yield first, "its last stage has no USER, so it runs as root; write `USER 65534:65534`"
    else:
        found = _USER.fullmatch(users[-1].rest)
        if found is None:
            what = f"USER {users[-1].rest} is no number, which a cluster cannot check; write "
            yield users[-1].line, f"{what}`USER 65534:65534`"
        elif int(found[1]) == 0:
            yield users[-1].line, "USER 0 is root; write `USER 65534:65534`"
    checks = [each for each in final if each.word == "HEALTHCHECK"]
    if not checks or checks[-1].rest.upper() == "NONE":
        line = checks[-1].line if checks else first
        yield line, "has no HEALTHCHECK, so a wedged server counts as running; write one"
    for each in final:
        if each.word in ("CMD", "ENTRYPOINT") and not _is_list(each.rest):
            what = f"{each.word} is a line for a shell, which keeps signals from the program"
            yield each.line, f'{what} ({each.rest}); write it as a list: ["..."]'


def _is_list(rest: str) -> bool:
    try:
        return isinstance(json.loads(rest), list)
    except ValueError:
        return False
