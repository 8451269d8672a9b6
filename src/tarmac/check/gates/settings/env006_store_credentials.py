"""A store of secrets for all namespaces finds its own credential from each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.objects.stored_objects import StoredObjects, kept
from tarmac.check.gates.views.scope import kinds

_STORE = "ClusterSecretStore"
_REF: Path = ("spec", "secretStoreRef")


def check(files: Files) -> Iterator[Finding]:
    """Yield credentials that are looked for in the namespace of what asks the store."""
    stores = files.objects(_STORE)
    there = StoredObjects(kept(files) if stores else ())
    asking: dict[str, list[Artifact]] = {}
    for one in files.objects("ExternalSecret") if stores else ():
        if string(one.data, *_REF, "kind") == _STORE:
            asking.setdefault(string(one.data, *_REF, "name"), []).append(one)
    for store in stores:
        users = asking.get(name_of(store), [])
        for path, kind, name in _named(dig(store.data, "spec", "provider"), ("spec", "provider")):
            spaces = {one.namespace for one in there.named(kind, name, "")}
            lost = [one for one in users if space_of(one) and space_of(one) not in spaces]
            if kind == "Secret" and users and not spaces:
                what = f"{title(store)} names {kind} {name} without a namespace, so it is looked"
                said = f"{what} for beside each ExternalSecret, as in {space_of(users[0])}"
                advice = "write the namespace that has it"
                yield Finding(store.at(*path), f"{said}; {advice}", warning=True)
            if lost and spaces and "" not in spaces:
                where = ", ".join(sorted(spaces))
                what = (
                    f"{title(store)} names {kind} {name} without a namespace, so {title(lost[0])}"
                )
                why = f"looks for it in {space_of(lost[0])}, and it is in {where}"
                advice = f"write namespace: {min(spaces)}"
                yield Finding(store.at(*path), f"{what} {why}: nothing is fetched; {advice}")


def _named(value: object, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield references to objects without a namespace: where, the kind, and the name."""
    for key, below in value.items() if isinstance(value, Mapping) else ():
        here = (*path, str(key))
        kind = _kind(str(key), below)
        name = string(below, "name") if kind else ""
        if name and "namespace" not in below:
            yield here, kind, name
        else:
            yield from _named(below, here)


def _kind(key: str, value: object) -> str:
    if key == "caProvider":
        return string(value, "type") or "ConfigMap"
    if key.lower().endswith("serviceaccountref"):
        return "ServiceAccount"
    return "Secret" if key.lower().endswith("secretref") else ""


GATE = Gate(
    id="ENV006",
    title="A store of secrets for all namespaces finds its own credential",
    phase="kubernetes",
    source="https://external-secrets.io/latest/api/clustersecretstore: without a namespace, what a "
    "store names is looked for beside the ExternalSecret that asks it",
    check=check,
    of_files=check,
    scope=kinds("stores for all namespaces", _STORE),
    targets=("cluster",),
    reads="references to Secrets and accounts in ClusterSecretStores, beside these objects and the "
    "ExternalSecrets that name the store.",
)
