"""Rust: a crate with a main program."""

from __future__ import annotations

import re

from tarmac.adopt._found import Folder, Recogniser, Service, folder_name


def _services(folder: Folder) -> tuple[Service, ...]:
    if "Cargo.toml" not in folder.files or "src/main.rs" not in folder.files:
        return ()
    name = re.search(r"(?m)^name\s*=\s*\"([^\"]+)\"", folder.read("Cargo.toml"))
    return (
        Service(
            name=folder_name(folder, name[1] if name else "app"),
            folder=folder.path,
            run="cargo run --quiet",
            why="Cargo.toml, src/main.rs",
        ),
    )


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    found = _services(folder)
    return " ".join((found[0].run, *(("--", *argv[1:]) if argv[1:] else ()))) if found else ""


RECOGNISER = Recogniser(id="rust", rank=50, services=_services, here=_here)
