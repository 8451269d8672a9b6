"""Scripts in Compose files keep their own variables: Compose fills in what it reads as its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Path, dig, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import filled_names
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Where a service's programs stand.
_SCRIPTS = (("command",), ("entrypoint",), ("healthcheck", "test"))
_NAME = r"(?<![\w$]){}"
#: How a script itself sets a variable.
_SET = (
    r"(?:^|[\s;&|(`{{])(?:export\s+|local\s+|readonly\s+|declare\s+(?:-\w+\s+)*)?{name}\+?=(?!=)",
    r"\bfor\s+{name}\s+in\b",
    r"\bread\s+(?:-\w+\s+)*(?:\w+\s+)*{name}\b",
)
_SHELL = re.compile(r"(?:^|[\s/'\"])(?:ba|da|a|z|k)?sh(?:$|[\s'\"])")
#: A line of `.env`, from which Compose takes what the shell that runs it does not have.
_ENTRY = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)


def check(files: Files) -> Iterator[Finding]:
    """Yield variables of scripts that Compose fills in before the script runs."""
    given = _given(files)
    for service in _services(files):
        folder = service.artifact.path.rpartition("/")[0]
        for at in _SCRIPTS:
            for path, text in places(dig(service.data, *at), at):
                for name, said in _own(service, at, text):
                    if name not in given.get(folder, set()):
                        yield _finding(service, path, name, said)


def _finding(service: ComposeService, path: Path, name: str, is_set: bool) -> Finding:
    what = f"service {service.name} has ${name} in its {path[0]}, which Compose fills in"
    if is_set:
        said = f"{what} before the script sets {name}, so it is empty there; write $${name}"
    else:
        said = f"{what} from where it runs, and not by the service's `environment`; write $${name}"
    return Finding(service.at(*path), said, warning=not is_set)


def _own(service: ComposeService, at: Path, text: str) -> Iterator[tuple[str, bool]]:
    """Yield the names in a text that are of its script, or of its service's variables."""
    whole = " ".join(one for _, one in places(dig(service.data, *at)))
    is_shell = _SHELL.search(whole) is not None or at[0] == "healthcheck"
    for name in dict.fromkeys(filled_names(text)):
        value = service.environment.get(name)
        if any(re.search(how.format(name=name), text, re.MULTILINE) for how in _SET):
            # What is set from itself is taken from outside first.
            if not re.search(rf"{name}=[^;&\n]*\$\{{?{name}\b", text):
                yield name, True
        elif is_shell and value and "$" not in value and value != "None":
            yield name, False


def _given(files: Files) -> dict[str, set[str]]:
    """List the names in each folder's `.env`."""
    found: dict[str, set[str]] = {}
    for file in files.artifacts:
        folder, _, name = file.path.rpartition("/")
        if name.startswith(".env") or name.endswith(".env"):
            found.setdefault(folder, set()).update(_ENTRY.findall(str(file.content)))
    return found


@once
def _services(files: Files) -> Iterator[ComposeService]:
    for beside in compose_files(files):
        yield from beside.services


GATE = Gate(
    id="IMG025",
    title="Scripts in Compose files keep their own variables",
    phase="containers",
    source="https://docs.docker.com/reference/compose-file/interpolation: $NAME is filled in by "
    "Compose, and $$NAME reaches the container",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services", _services),
    targets=("compose",),
    reads="$NAME in command, entrypoint and healthcheck: names that the same script sets, and "
    "names of the service's `environment`. Names that a .env file of the folder has are Compose's.",
)
