"""`scripts/secrets.sh`: makes the parts of each Secret up once; the cluster is where they are kept.

It prints none of them and gives none to a program as an argument: they go through files that only
their owner reads, and through pipes.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.launch import Secret, ServerSecret, StoreSecret, Text
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset
from tarmac.render.kubernetes.parts import configs

#: The Secret in which the parts are kept; the others are made of them at each run.
KEPT = "tarmac-generated"

_NOTES = (
    "Usage: scripts/secrets.sh [FOLDER]",
    "Makes up each secret part once and keeps it in the Secret tarmac-generated; run again, it",
    "adds only what is new. A file of FOLDER that is named like a part is taken in its place.",
    "To change one: delete its key there, run this, and restart its users.",
)
#: How it begins: what it may be told to do, as functions.
_BEGIN = "kubernetes/secrets.sh"


def key_of(secret: Secret) -> str:
    """Name a secret part where a slash may not stand; no name in a path has a dot."""
    return secret.path.replace("/", ".")


def is_elsewhere(plan: ClusterPlan, secret: Secret) -> bool:
    """Tell whether a server that the cloud keeps has it, so that nothing here can make it up."""
    owner = secret.owner
    return isinstance(owner, StoreSecret) and owner.store in {one.name for one in plan.managed}


def is_written(plan: ClusterPlan, secret: Secret) -> bool:
    """Tell whether Terraform or Pulumi writes it where External Secrets reads."""
    match secret.owner:
        case ServerSecret():
            return True
        case StoreSecret(store):
            return store in {one.name for one in plan.managed if one.made}
    return False


def _parts(plan: ClusterPlan, held: Mapping[str, Mapping[str, Text]]) -> Iterator[str]:
    parts = {
        part.path: part
        for texts in held.values()
        for value in texts.values()
        for part in value
        if isinstance(part, Secret)
    }
    for _, part in sorted(parts.items()):
        if is_elsewhere(plan, part):
            yield f"from_elsewhere {key_of(part)}\n"
        else:
            form = f" {part.form}" if part.form != "hex" else ""
            yield f"part {key_of(part)} {part.size_bytes}{form}\n"


def _file(name: str, key: str, value: Text) -> str:
    said = (
        f"kept {key_of(part)}" if isinstance(part, Secret) else f"text {shlex.quote(part)}"
        for part in value
    )
    return "{\n" + "".join(f"    {line}\n" for line in said) + f'}} >"$work/{name}/{key}"\n'


def script(plan: ClusterPlan, held: Mapping[str, Mapping[str, Text]]) -> Artifact:
    """Write the script.

    Args:
        held: what each workload's Secret holds, by its keys.
    """
    begin = asset(_BEGIN).replace("@NAMESPACE@", plan.namespace).replace("@KEPT@", KEPT)
    lines = [begin.replace("@SYSTEM@", plan.system), *_parts(plan, held)]
    lines.append(f'((missing == 0)) || exit 1\nsecret {KEPT} {plan.system} "$work/kept"\n')
    for workload, texts in held.items():
        name = configs.secret_name(workload)
        lines.append(f'\nmkdir "$work/{name}"\n')
        lines += [_file(name, key, value) for key, value in sorted(texts.items())]
        lines.append(f'secret {name} {workload} "$work/{name}"\n')
    return Artifact("scripts/secrets.sh", "".join(lines), plan.model, _NOTES, executable=True)
