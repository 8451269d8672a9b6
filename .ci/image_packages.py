"""Packages of a container image, and which of Debian's have a security update.

audit.py beside this file uses it. An image is a file, as `docker save` or `docker buildx` writes
it; nothing of it runs. Debian's packages are compared with those of its security suite, by apt-get
and from the mirror that this machine is set up with.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from typing import IO, Any

from advisories import BadInput

RELEASE = ("etc/os-release", "usr/lib/os-release")
#: Debian's own place, and that of images without a package manager: a file for each package.
STATUS, STATUS_FOLDER = "var/lib/dpkg/status", "var/lib/dpkg/status.d"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
#: A list of packages is a few megabytes; a larger file is none.
MOST_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 30
CODENAME = re.compile(r'^VERSION_CODENAME="?([a-z]+)"?$', re.MULTILINE)


class SuiteUnavailable(Exception):
    """Debian's security suite cannot be asked here, and why."""


@dataclass(frozen=True)
class ImagePackages:
    """What an image contains: versions by name, of Debian and of Python, and Debian's release."""

    debian: Mapping[str, str]
    python: Mapping[str, str]
    codename: str


def read(path: Path) -> ImagePackages:
    """Read the packages of an image. Raises BadInput where the file is no image."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as archive:
            for layer in _layers(archive):
                with tarfile.open(fileobj=_member(archive, layer)) as opened:
                    _apply(opened, files)
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError, LookupError) as error:
        raise BadInput(f"{path}: not an image ({error}); give a file of `docker save`") from error
    debian: dict[str, str] = {}
    python: dict[str, str] = {}
    release = ""
    for name, content in files.items():
        text = content.decode("utf-8", "replace")
        if name.endswith(".dist-info/METADATA"):
            headers = HeaderParser().parsestr(text, headersonly=True)
            python[headers["Name"]] = headers["Version"]
        elif name in RELEASE:
            release = release or "".join(CODENAME.findall(text))
        else:
            debian |= dict(_installed(text))
    return ImagePackages(debian, python, release)


def _layers(archive: tarfile.TarFile) -> list[str]:
    """List the layers' members, the lowest first."""
    if "manifest.json" in archive.getnames():
        return list(json.load(_member(archive, "manifest.json"))[0]["Layers"])
    # An index may lead to an index: of platforms, and of attestations beside them.
    found = json.load(_member(archive, "index.json"))
    while "layers" not in found:
        images = [m for m in found["manifests"] if not _is_attestation(m)]
        found = json.load(_member(archive, _blob(images[0])))
    return [_blob(layer) for layer in found["layers"]]


def _is_attestation(entry: Mapping[str, Any]) -> bool:
    return "vnd.docker.reference.type" in entry.get("annotations", {})


def _blob(entry: Mapping[str, str]) -> str:
    return f"blobs/{entry['digest'].replace(':', '/')}"


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    opened = archive.extractfile(name)
    if opened is None:
        raise LookupError(f"{name} is no file")
    return opened


def _apply(layer: tarfile.TarFile, files: dict[str, bytes]) -> None:
    """Add what a layer has of the files that are read, and remove what it hides of lower ones."""
    added: dict[str, bytes] = {}
    for member in layer:
        path = PurePosixPath(member.name.removeprefix("./").lstrip("/"))
        if path.name.startswith(".wh."):
            hidden = path.parent / path.name.removeprefix(".wh.")
            gone = path.parent if path.name == ".wh..wh..opq" else hidden
            for name in [n for n in files if PurePosixPath(n).is_relative_to(gone)]:
                del files[name]
        elif member.isfile() and _is_read(path):
            if member.size > MOST_BYTES:
                raise ValueError(f"{path} has {member.size} bytes")
            added[str(path)] = _content(layer, member)
    files |= added


def _is_read(path: PurePosixPath) -> bool:
    name = str(path)
    return (
        name in (STATUS, *RELEASE)
        or (str(path.parent) == STATUS_FOLDER and path.suffix != ".md5sums")
        or (path.name == "METADATA" and path.parent.suffix == ".dist-info")
    )


def _content(layer: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = layer.extractfile(member)
    return opened.read() if opened else b""


def _installed(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and version of each paragraph of a status file; not of packages removed."""
    for paragraph in text.split("\n\n"):
        headers = HeaderParser().parsestr(paragraph.strip(), headersonly=True)
        if headers["Package"] and "deinstall" not in (headers["Status"] or ""):
            yield headers["Package"], headers["Version"]


def security_suite(codename: str) -> dict[str, str]:
    """Ask for the newest version of each package in a release's security suite.

    Raises SuiteUnavailable.
    """
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        for name in ("lists/partial", "archives/partial"):
            (state / name).mkdir(parents=True)
        (state / "status").touch()
        source = f"deb [signed-by={KEYS}] {_mirror()} {codename}-security main\n"
        (state / "sources.list").write_text(source, encoding="utf-8")
        _apt_get(
            *("-o", f"Dir::Etc::sourcelist={state}/sources.list", "-o", "Dir::Etc::sourceparts=-"),
            *("-o", f"Dir::State={state}", "-o", f"Dir::State::status={state}/status"),
            *("-o", f"Dir::Cache={state}", "-o", "APT::Update::Error-Mode=any"),
            *("-o", "APT::Sandbox::User=root", "-o", "Acquire::GzipIndexes=false"),
            *("-o", "Acquire::Retries=0", "-o", f"Acquire::http::Timeout={TIMEOUT_S}", "update"),
        )
        lists = sorted((state / "lists").glob("*_Packages"))
        texts = [path.read_text(encoding="utf-8") for path in lists]
    newest: dict[str, str] = {}
    for name, version in (entry for text in texts for entry in _installed(text)):
        if name not in newest or is_older(newest[name], version):
            newest[name] = version
    if not newest:
        raise SuiteUnavailable(f"{codename}-security has no packages")
    return newest


def is_older(version: str, other: str) -> bool:
    """Compare two versions as Debian does."""
    argv = ["dpkg", "--compare-versions", version, "lt", other]
    return subprocess.run(argv, check=False).returncode == 0


def updates(installed: Mapping[str, str], newest: Mapping[str, str]) -> dict[str, str]:
    """Return the security update of each installed package that has one."""
    both = installed.keys() & newest.keys()
    return {name: newest[name] for name in sorted(both) if is_older(installed[name], newest[name])}


def _mirror() -> str:
    asked = ("indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    found = _apt_get(*asked, "Label: Debian-Security", "Component: main").split()
    if not found:
        raise SuiteUnavailable("this machine asks no mirror of Debian's security suite")
    return found[0]


def _apt_get(*argv: str) -> str:
    try:
        done = subprocess.run(["apt-get", "-q", *argv], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise SuiteUnavailable("this machine has no apt-get") from None
    if done.returncode:
        raise SuiteUnavailable(f"apt-get: {' '.join(done.stderr.split()[:20])}")
    return done.stdout
