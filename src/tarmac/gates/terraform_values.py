"""What an environment's tfvars say is read: no module has a number of its own beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates._gate import Files, Gate
from tarmac.gates._hcl import Setting, settings, sources
from tarmac.report import Finding

_USE = re.compile(r"\bvar\.([A-Za-z_]\w*)")


def check(files: Files) -> Iterator[Finding]:
    """Yield values of tfvars that nothing reads, with the setting that has another value."""
    texts = [each for each in sources(files) if each.path.endswith(".tf")]
    if not texts:
        return  # the modules are elsewhere
    used = {name for each in texts for name in _USE.findall(str(each.content))}
    found = list(settings(files))
    own = [each for each in found if each.file.endswith(".tf") and each.value is not None]
    for each in found:
        if not each.file.endswith(".tfvars") or len(each.path) != 1 or each.name in used:
            continue
        beside = _beside(each, own)
        if beside and all(one.value != each.value for one in beside):
            said = " and ".join(f"{one.name} = {one.value} ({one.where})" for one in beside)
            yield Finding(
                each.where,
                f"{each.name} = {each.value} is read by nothing: {said} is what is made; write "
                f"{beside[0].name} = var.{each.name} there",
            )
        else:
            what = f"{each.name} is read by no var.{each.name} of any file; use it, or remove it"
            yield Finding(each.where, what, warning=True)


def _beside(value: Setting, own: list[Setting]) -> list[Setting]:
    """Find the settings that a name is meant for: `eks_node_min_size` for `min_size` of eks.

    Of several groups only the first counts: the others may be meant to be as they are.
    """
    words = value.name.split("_")
    likely = [
        each
        for each in own
        if value.name.endswith(f"_{each.name}")
        and each.path[0] in ("module", "resource")
        and any(word in part.split("_") for word in words[:1] for part in each.path[1:-1])
    ]
    longest = max((len(each.name) for each in likely), default=0)
    return [each for each in likely if len(each.name) == longest][:1]


GATE = Gate(
    id="INF002",
    title="Every value of a tfvars file is read, and no module says another number",
    phase="infrastructure",
    source="`terraform plan -var-file` only warns of a value that nothing declares, and makes the "
    "module's own",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="*.tfvars beside `var.` in all *.tf of the folder; a literal is taken for the same "
    "thing where the value's name ends with its name and begins with a word of its block.",
)
