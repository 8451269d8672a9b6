"""The script that generates each secret of a system under Compose, once."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.launch import Secret, StoreSecret
from tarmac.plan.cluster import ClusterPlan, secrets_of
from tarmac.render.compose.parts import values
from tarmac.render.compose.parts.entry_routes import CERTIFICATE, KEY
from tarmac.render.compose.parts.order import ALL


def generated(plan: ClusterPlan) -> dict[str, Secret]:
    """List the variables that can be generated, with the secret of each."""
    managed = {store.name for store in plan.managed}
    found = {
        values.variable(secret): secret
        for workload in plan.workloads
        for secret in secrets_of(workload)
        if not (isinstance(secret.owner, StoreSecret) and secret.owner.store in managed)
    }
    return dict(sorted(found.items()))


def given(plan: ClusterPlan) -> tuple[str, ...]:
    """List the variables that cannot be generated: where stores outside are."""
    known = generated(plan)
    return tuple(
        sorted({values.variable(s) for w in plan.workloads for s in secrets_of(w)} - known.keys())
    )


def _files(plan: ClusterPlan) -> Iterator[str]:
    """Write the secrets that are files: only you enter the folder, containers read its files."""
    files = {
        values.config(workload.name, file): file.content
        for workload in plan.workloads
        for file in values.sealed(workload)
    }
    if files:
        yield f"mkdir -p {values.SECRETS}"
        yield """kept() { sed -n "s/^$1='\\(.*\\)'$/\\1/p" .env; }"""
    for name, content in sorted(files.items()):
        parts = " ".join(
            shlex.quote(part) if isinstance(part, str) else f'"$(kept {values.variable(part)})"'
            for part in content
        )
        yield f"rm -f {values.SECRETS}/{name}"
        yield f"printf '%s' {parts} >{values.SECRETS}/{name}"
        yield f"chmod 444 {values.SECRETS}/{name}"


def _certificate(plan: ClusterPlan) -> Iterator[str]:
    """Read the entry's certificate again, each line's end as JSON writes it."""
    entry = plan.settings.entry
    if entry is None or entry.certificate is None or entry.key is None:
        return
    yield "line_of() {"
    yield '    value=$(awk \'{ printf "%s\\\\n", $0 }\' "$2")'
    yield '    { grep -v "^$1=" .env || :; } >.env.new'
    yield """    printf "%s='%s'\\n" "$1" "$value" >>.env.new"""
    yield "    mv .env.new .env"
    yield "}"
    beside = posixpath.dirname(plan.model)
    for name, path in ((CERTIFICATE, entry.certificate), (KEY, entry.key)):
        whole = posixpath.normpath(posixpath.join(beside, path))
        root = "" if whole.startswith("/") else '"${1:-$(git rev-parse --show-toplevel)}"/'
        yield f"line_of {name} {root}{shlex.quote(whole)}"


#: A function of the script, where a secret has that form.
BASE64 = "random_base64() { head -c \"$1\" /dev/urandom | base64 | tr -d '\\n' | tr '+/' '-_'; }"


def _random(secret: Secret) -> str:
    """Name the function of the script that makes a value of the secret's form."""
    return "random_base64" if secret.form == "base64" else "random"


def script(plan: ClusterPlan) -> Artifact:
    """Make the script that generates each secret once."""
    lines = [
        "#!/bin/sh",
        "# Writes .env beside this script: a value for each secret, generated once and kept since.",
        "# Its argument: the folder of the sources; without, the repository's root.",
        "set -eu",
        'cd "$(dirname "$0")"',
        "umask 077",
        "touch .env",
        "chmod 600 .env",
        'has() { grep -q "^$1=" .env; }',
        'add() { has "$1" || printf "%s=\'%s\'\\n" "$1" "$2" >>.env; }',
        "random() { od -An -v -tx1 -N \"$1\" /dev/urandom | tr -d ' \\n'; }",
        *([BASE64] if any(s.form == "base64" for s in generated(plan).values()) else []),
        f'add {values.SOURCE} "${{1:-$(git rev-parse --show-toplevel)}}"',
        f'add {values.TREE} "$(cd .. && pwd)"',
        f"add COMPOSE_PROFILES {ALL}",
        *(
            f'add {name} "$({_random(secret)} {secret.size_bytes})"'
            for name, secret in generated(plan).items()
        ),
    ]
    for name in given(plan):
        asked = f"secrets.sh: what is outside is not known here; give {name} in the environment"
        lines.append(f'has {name} || add {name} "${{{name}:?{asked}}}"')
    lines += _certificate(plan)
    lines += _files(plan)
    text = "\n".join(lines) + "\n"
    return Artifact(f"{values.FOLDER}/{values.SCRIPT}", text, place=plan.model, executable=True)
