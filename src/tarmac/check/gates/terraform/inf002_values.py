"""Values of an environment's tfvars are read: no module has a literal instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.settings import Setting, written_settings

_USE = re.compile(r"\bvar\.([A-Za-z_]\w*)")

#: What `terraform init -backend-config` reads.
_BACKEND = re.compile(r"backend[\w.-]*\.tfvars$")


def check(files: Files) -> Iterator[Finding]:
    """Yield values of tfvars that nothing reads, with the setting that has another value."""
    texts = [source for source in sources(files) if source.path.endswith(".tf")]
    if not texts:
        return  # the modules are elsewhere
    used = {name for text in texts for name in _USE.findall(str(text.content))}
    found = list(written_settings(files))
    own = [
        setting for setting in found if setting.file.endswith(".tf") and setting.value is not None
    ]
    for setting in found:
        if _BACKEND.search(setting.file):
            continue
        if not setting.file.endswith(".tfvars") or len(setting.path) != 1 or setting.name in used:
            continue
        beside = _beside(setting, own)
        if beside and all(one.value != setting.value for one in beside):
            said = " and ".join(f"{one.name} = {one.value} ({one.where})" for one in beside)
            yield Finding(
                setting.where,
                f"{setting.name} = {setting.value} is not read: {said} is used; write "
                f"{beside[0].name} = var.{setting.name} there",
            )
        else:
            what = (
                f"{setting.name} is not read: no file uses var.{setting.name} of any file; "
                "use it, or remove it"
            )
            yield Finding(setting.where, what, warning=True)


def _beside(value: Setting, own: list[Setting]) -> list[Setting]:
    """Find the settings that a name is meant for: `eks_node_min_size` for `min_size` of eks.

    Of several groups only the first counts: the others may be meant to be as they are.
    """
    likely = [
        candidate
        for candidate in own
        if value.name.endswith(f"_{candidate.name}")
        and candidate.path[0] in ("module", "resource")
        and _is_of(value.name.removesuffix(f"_{candidate.name}"), candidate)
    ]
    longest = max((len(candidate.name) for candidate in likely), default=0)
    return [candidate for candidate in likely if len(candidate.name) == longest][:1]


def _is_of(named: str, candidate: Setting) -> bool:
    """Tell whether each word before a name is of what the setting is in; a type says nothing."""
    begin = 2 if candidate.path[0] == "resource" else 1
    there = {word for part in candidate.path[begin:-1] for word in part.split("_")}
    return all(word in there for word in named.split("_"))


def _values(files: Files) -> list[Setting]:
    """List the values of tfvars files, where the files that may read them are here."""
    if not any(file.path.endswith(".tf") for file in sources(files)):
        return []
    return [e for e in written_settings(files) if e.file.endswith(".tfvars") and len(e.path) == 1]


GATE = Gate(
    id="INF002",
    title="Every value of a tfvars file is read, and no module overrides it",
    phase="infrastructure",
    source="`terraform plan -var-file` only warns of a value that nothing declares, and makes the "
    "module's own",
    check=check,
    of_objects=False,
    scope=counted_in_files("values of tfvars files", _values),
    of_files=check,
    targets=("cluster",),
    reads="*.tfvars beside `var.` in all *.tf of the folder; a literal is taken for the same "
    "thing where the value's name ends with its name and begins with a word of its block.",
)
