"""Clones of public repositories, and the files of one of their commits."""

from __future__ import annotations

import subprocess
from pathlib import Path


def stored(repository: str, folder: Path) -> Path | None:
    """Find the clone of `OWNER/NAME` in a folder; None without one."""
    likely = (folder / repository.replace("/", "+") / "repo", folder / _plain(repository))
    return next((place for place in likely if place.exists()), None)


def clone_of(repository: str, folder: Path) -> Path:
    """Find the clone of `OWNER/NAME` in a folder, or clone it there."""
    if (found := stored(repository, folder)) is not None:
        return found
    place = folder / _plain(repository)
    url = f"https://github.com/{repository}"
    subprocess.run(["git", "clone", "--quiet", url, str(place)], check=True)
    return place


def _plain(repository: str) -> str:
    return repository.replace("/", "-")


def write_out(clone: Path, commit: str, place: Path) -> None:
    """Write a commit's files; a clone may lack the largest of them, which nothing here reads."""
    git = ("git", "-C", str(clone))
    listed = subprocess.run([*git, "ls-tree", "-r", "-z", commit], check=True, capture_output=True)
    paths: dict[str, list[tuple[Path, str]]] = {}
    for line in listed.stdout.decode().split("\0")[:-1]:
        about, path = line.split("\t", 1)
        mode, kind, blob = about.split()
        if kind == "blob":
            paths.setdefault(blob, []).append((place / path, mode))
    wanted = "".join(f"{blob}\n" for blob in paths).encode()
    batch = [*git, "cat-file", "--batch"]
    read = subprocess.run(batch, input=wanted, capture_output=True, check=True).stdout
    at = 0
    for targets in paths.values():
        end = read.index(b"\n", at)
        about = read[at:end].split()
        at = end + 1
        if about[1] == b"missing":
            continue
        content = read[at : at + int(about[2])]
        at += int(about[2]) + 1
        for target, mode in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            if mode == "120000":
                target.symlink_to(content.decode())
                continue
            target.write_bytes(content)
            target.chmod(int(mode[-3:], 8))
