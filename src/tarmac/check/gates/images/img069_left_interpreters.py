"""An environment of Python that is copied finds its interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import Stage, copies, dockerfiles, stages
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
Copied = tuple[Artifact, Stage, Instruction, Stage]


def check(files: Files) -> Iterator[Finding]:
    """Yield copied environments whose interpreter stays behind."""
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


@once
def _copied(files: Files) -> Iterator[Copied]:
    """Yield copies of an environment from another stage: that one, and the one with the copy."""
    for dockerfile in dockerfiles(files):
        for built, one, last in copies(stages(str(dockerfile.content))):
            words = [word for word in one.rest.split() if not word.startswith("--")]
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
    scope=counted_in_files("copied environments", _copied),
    targets=("compose", "cluster"),
    reads="COPY --from of .venv and venv, where the stage that makes it begins from an image of uv "
    "that has no Python.",
)
