"""External providers and modules are pinned, and the state is locked and encrypted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, written_settings

#: `terraform-aws-modules/vpc/aws`, with the registry's host or without, and a submodule of it.
REGISTRY = re.compile(r"^([\w.-]+\.[a-z]+/)?[\w-]+/[\w-]+/[\w-]+(//.*)?$")
GIT = re.compile(r"^(git::|git@|github\.com/|bitbucket\.org/)")
BACKEND = ("terraform", "backend", "s3")


def check(files: Files) -> Iterator[Finding]:
    """Yield what is not pinned, and states without lock or encryption."""
    for path, found in _blocks(files).items():
        yield from _pins(path, found)
        if path[1:] == BACKEND:
            yield from _state(found)


def _pins(path: tuple[str, ...], found: Mapping[str, Setting]) -> Iterator[Finding]:
    source = found.get("source")
    if source is None or source.value is None:
        return
    if path[1] == "module":
        unnamed = REGISTRY.match(source.value) and "version" not in found
        if unnamed or (GIT.match(source.value) and "ref=" not in source.value):
            advice = "write `version`" if unnamed else "add ?ref= with a tag or a commit"
            what = f"module {path[2]} has no version constraint; {advice}"
            yield Finding(source.where, what, warning=True)
    elif "required_providers" in path and "version" not in found:
        what = f"provider {path[-1]} has no version constraint; write `version`"
        yield Finding(source.where, what, warning=True)


def _state(found: Mapping[str, Setting]) -> Iterator[Finding]:
    """Judge a backend that says where it is; another gets its values at `terraform init`."""
    bucket = found.get("bucket")
    if bucket is None:
        return
    if not {"use_lockfile", "dynamodb_table"} & found.keys():
        what = "the state has no lock, and two runs write it; write `use_lockfile = true`"
        yield Finding(bucket.where, what, warning=True)
    if "encrypt" not in found and "kms_key_id" not in found:
        what = "the state holds secrets and is not encrypted; write `encrypt = true`"
        yield Finding(bucket.where, what, warning=True)


def _blocks(files: Files) -> dict[tuple[str, ...], dict[str, Setting]]:
    """Group the settings of modules, of required providers and of backends, by file and block."""
    found: dict[tuple[str, ...], dict[str, Setting]] = {}
    for setting in written_settings(files):
        path = setting.path
        is_module = path[0] == "module" and len(path) == 3
        is_provider = path[:2] == ("terraform", "required_providers") and len(path) == 4
        if is_module or is_provider or path[:3] == BACKEND:
            found.setdefault((setting.file, *path[:-1]), {})[setting.name] = setting
    return found


GATE = Gate(
    id="INF006",
    title="External providers and modules are pinned, and the state is locked",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/backend/s3 and "
    "/language/modules/syntax#version: without a version, `init` on another day is other code",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("modules, providers and backends", _blocks),
    targets=("cluster",),
    reads='`module`, `required_providers` and `backend "s3"` in *.tf. A backend without a bucket '
    "gets its values at `terraform init`, and is not judged.",
)
