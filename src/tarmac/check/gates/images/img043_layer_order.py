"""What an image installs stays in the cache of layers when its source changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.images.instructions import Instruction, instructions
from tarmac.check.gates.views.pipelines.workflows import jobs
from tarmac.check.gates.views.scope import counted_in_files

#: What installs the packages that a file names, and that file. Its words are options alone.
_INSTALLS = {
    r"npm (ci|install|i)|pnpm (install|i)|yarn( install)?|bun install": "package.json and its lock",
    r"(\S*python[\d.]* -m )?pip3? install(?=.* (-r|--requirement)\b)": "the file of requirements",
    r"poetry install|uv sync|pdm install": "pyproject.toml and its lock",
    r"pipenv (install|sync)": "Pipfile and its lock",
    r"bundle install": "Gemfile and its lock",
    r"composer install": "composer.json and its lock",
    r"go mod download": "go.mod and go.sum",
    r"mix deps\.get": "mix.exs and its lock",
    r"dotnet restore(?! *\S*\.\w+proj)": "the project files",
}
_OPTIONS = r"((\s+-\S+(\s+(?!-)\S+)?)*\s*$)"
_OF_SYSTEM = re.compile(
    r"(apt-get|apt|dnf|microdnf|yum) (-\S+ )*install\b|apk (-\S+ )*add\b|go mod download\b"
)
#: An argument that is another in each build, by its name, where it has no fixed value.
_CHANGES = re.compile(
    r"(APP_|BUILD_|CI_|NEXT_PUBLIC_|SENTRY_|VITE_)?(GIT_?(SHA1?|COMMIT|HASH|REVISION)(_SHA)?"
    r"|COMMIT(_(SHORT_)?(SHA|HASH|ID))?|VCS_REF|SOURCE_COMMIT|GITHUB_SHA|REVISION"
    r"|BUILD_(DATE|TIME|TIMESTAMP|ID|NUMBER|SHA))"
)
_UNFIXED = re.compile(
    r"|unknown|none|null|dev\w*|local|head|n/?a|undefined|main|master|latest|0", re.IGNORECASE
)
#: How a pipeline gives such a value.
_GIVEN = re.compile(
    r"(?:^|\s|--build-arg[= ][\"']?)(\w+)=[\"']?"
    r"(?:\$\{\{\s*github\.(?:sha|run_id|run_number)\s*\}\}"
    r"|\$\(git (?:rev-parse|describe|log)\b|\$\{?GITHUB_SHA\b|\$\(date\b)"
)


@dataclass(frozen=True)
class Stage:
    """What the steps of a stage so far have brought into it."""

    #: The first step that copies the whole source.
    whole: Instruction | None = None
    has_installed: bool = False
    arguments: dict[str, Instruction] = field(default_factory=dict)


def check(files: Files) -> Iterator[Finding]:
    """Yield steps for which what comes after them is installed in each build."""
    given: set[str] | None = None
    for dockerfile in dockerfiles(files):
        text = str(dockerfile.content)
        if given is None:
            given = {
                name for job in jobs(files) for one in job.texts for name in _GIVEN.findall(one)
            }
        # Several stages may begin from one that copies the source.
        for line, what in dict(reversed([*_faults(text, given)])).items():
            yield Finding(f"{dockerfile.path}:{line}", what, warning=True)


def _faults(text: str, given: set[str]) -> Iterator[tuple[int, str]]:
    by_name, stage, name = dict[str, Stage](), Stage(), ""
    for one in instructions(text):
        if one.word == "FROM":
            words = one.operands or [""]
            name = words[-1]
            stage = replace(by_name.get(words[0], Stage()), arguments={})
        elif one.word == "ARG" and name:
            stage.arguments.update(dict.fromkeys(_changing(one, given), one))
        elif one.word in ("COPY", "ADD") and re.fullmatch(r"(--(?!from)\S+ )*\./? \S+", one.rest):
            stage = replace(stage, whole=stage.whole or one)
        elif one.word == "RUN" and "type=cache" not in one.rest:
            yield from _installed(one, stage)
            if _manifest(one) is not None:
                stage = replace(stage, has_installed=True, arguments={})
        by_name[name] = stage


def _installed(one: Instruction, stage: Stage) -> Iterator[tuple[int, str]]:
    manifest = _manifest(one)
    if manifest is None or stage.has_installed:
        return
    step = re.sub(r"\s+", " ", one.rest)[:40]
    if stage.whole is None:
        unread = [arg for arg in stage.arguments if not re.search(rf"\$\{{?{arg}\b", one.rest)]
        for arg in unread[:1]:
            what = (
                f"ARG {arg} is another one in each build, so `RUN {step}` below it is never taken"
            )
            yield stage.arguments[arg].line, f"{what} from the cache; declare it below that"
    elif manifest:
        what = f"{stage.whole.word} {stage.whole.rest} brings the whole source before `RUN {step}`,"
        said = f"{what} so each change of it installs all packages again"
        yield stage.whole.line, f"{said}; copy {manifest} first, and the rest below that"


def _manifest(one: Instruction) -> str | None:
    """Return the file that names what a step installs; "" for packages of the system."""
    for part in re.split(r"&&|\|\||;|\s\\?\n", one.rest):
        told = re.sub(r"\A\s*((--mount=\S+|[A-Z_]+=\S*)\s+)*", "", part).strip()
        if re.search(r"\s(-g|--global|-e)\b", told):
            continue
        for how, manifest in _INSTALLS.items():
            if (found := re.match(how, told)) and re.match(_OPTIONS, told[found.end() :]):
                return manifest
        if _OF_SYSTEM.match(told):
            return ""
    return None


def _changing(one: Instruction, given: set[str]) -> list[str]:
    name, _, value = one.rest.partition("=")
    is_fixed = _UNFIXED.fullmatch(value.strip("\"' ")) is None
    return [name] if name in given or (_CHANGES.fullmatch(name) and not is_fixed) else []


GATE = Gate(
    id="IMG043",
    title="What an image installs stays in the cache when its source changes",
    phase="containers",
    source="https://docs.docker.com/build/cache/optimize: a step is done again when one before it "
    "changed; https://docs.docker.com/reference/dockerfile/#impact-on-build-caching: each RUN "
    "below an ARG has its value",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("Dockerfiles", dockerfiles),
    reads="COPY of the whole source and ARG with a commit or a date, by its name or by workflows, "
    "before RUN that installs packages; not where that has a mounted cache.",
)
