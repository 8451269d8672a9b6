"""`scripts/secrets.sh`: makes the parts of each Secret up once; the cluster is where they are kept.

It prints none of them and gives none to a program as an argument: they go through files that only
their owner reads, and through pipes.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from tarmac.artifact import Artifact
from tarmac.launch import Secret, StoreSecret, Text
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts import pods

#: The Secret in which the parts are kept; the others are made of them at each run.
KEPT = "tarmac-generated"

_NOTES = (
    "Usage: scripts/secrets.sh [FOLDER]",
    "Makes up each secret part once and keeps it in the Secret tarmac-generated; run again, it",
    "adds only what is new. A file of FOLDER that is named like a part is taken in its place.",
    "To change one: delete its key there, run this, and restart its users.",
)
_BEGIN = r"""#!/usr/bin/env bash
# What stands in single quotes is the text of others' files, `$` included.
# shellcheck disable=SC2016
set -euo pipefail
umask 077

namespace=@NAMESPACE@
given=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/kept"
missing=0

k() {
    kubectl --namespace "$namespace" "$@"
}

# fetch: writes what the cluster keeps into files. If it cannot be asked, this ends here: it must
# never be taken for one that keeps nothing.
fetch() {
    local key value
    k get secret @KEPT@ --ignore-not-found \
        --output 'go-template={{range $key, $value := .data}}{{$key}} {{$value}}{{"\n"}}{{end}}' \
        >"$work/list"
    while read -r key value; do
        base64 -d <<<"$value" >"$work/kept/$key"
    done <"$work/list"
}

# part KEY BYTES: a part that is generated where there is none yet.
part() {
    if [[ -e $work/kept/$1 ]]; then
        return
    elif [[ -n $given && -f $given/$1 ]]; then
        printf '%s' "$(<"$given/$1")" >"$work/kept/$1" # without the newline at its end
    else
        head -c "$2" /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$work/kept/$1"
    fi
    echo "new: $1"
}

# from_elsewhere KEY: a part that a server elsewhere has, so it cannot be generated.
from_elsewhere() {
    if [[ -e $work/kept/$1 || (-n $given && -f $given/$1) ]]; then
        part "$1" 0
        return
    fi
    echo "missing: $1; write it to a file FOLDER/$1 and run: $0 FOLDER" >&2
    missing=1
}

# secret NAME OWNER FOLDER: makes the Secret be what the files of a folder hold.
secret() {
    local file
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n' "$1"
        printf '  labels:\n    app.kubernetes.io/name: %s\n' "$2"
        printf '    app.kubernetes.io/part-of: @SYSTEM@\n'
        printf '    app.kubernetes.io/managed-by: tarmac\n'
        printf 'type: Opaque\ndata:\n'
        for file in "$3"/*; do
            printf '  %s: ' "${file##*/}"
            base64 <"$file" | tr -d '\n'
            printf '\n'
        done
    } | k apply --server-side --field-manager=tarmac --filename -
}

# text and kept write to the file that is being made.
text() {
    printf '%s' "$1"
}
kept() {
    cat "$work/kept/$1"
}

fetch
"""


def key_of(secret: Secret) -> str:
    """Name a secret part where a slash may not stand; no name in a path has a dot."""
    return secret.path.replace("/", ".")


def _parts(plan: ClusterPlan, held: Mapping[str, Mapping[str, Text]]) -> Iterator[str]:
    managed = {store.name for store in plan.managed}
    parts = {
        part.path: part
        for texts in held.values()
        for value in texts.values()
        for part in value
        if isinstance(part, Secret)
    }
    for _, part in sorted(parts.items()):
        if isinstance(part.owner, StoreSecret) and part.owner.store in managed:
            yield f"from_elsewhere {key_of(part)}\n"
        else:
            yield f"part {key_of(part)} {part.size_bytes}\n"


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
    begin = _BEGIN.replace("@NAMESPACE@", plan.namespace).replace("@KEPT@", KEPT)
    lines = [begin.replace("@SYSTEM@", plan.system), *_parts(plan, held)]
    lines.append(f'((missing == 0)) || exit 1\nsecret {KEPT} {plan.system} "$work/kept"\n')
    for workload, texts in held.items():
        name = pods.secret_name(workload)
        lines.append(f'\nmkdir "$work/{name}"\n')
        lines += [_file(name, key, value) for key, value in sorted(texts.items())]
        lines.append(f'secret {name} {workload} "$work/{name}"\n')
    return Artifact("scripts/secrets.sh", "".join(lines), plan.model, _NOTES, executable=True)
