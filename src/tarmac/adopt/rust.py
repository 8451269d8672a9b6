"""Rust: a crate with a main program.

The macros of sqlx ask a database for its tables while the crate is compiled, unless their answers
are kept in a file: there, the tables are made before it is built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import Folder, Recogniser, Service, folder_name, installed, joined

_SQLX = re.compile(r"(?m)^sqlx\s*=\s*(?:\{[^}\n]*?version\s*=\s*)?\"[^\d\"]*(\d+(?:\.\d+)?)")
_ASKS = re.compile(r"\b(?:sqlx::)?query(?:_as|_scalar)?!\s*\(")
#: Built in the crate's own folder of results, which git ignores; one of the crate's own version.
_CLI = "target/tools/bin/sqlx"
_KINDS = ("postgres", "mysql", "sqlite")
#: Programs of a workspace that help at work.
_TOOLS = re.compile(r"(?:^|[-_])(?:cli|ctl|xtask|tools?|migrat\w*|seed\w*|gen\w*|bench\w*|tests?)$")


def _tasks(folder: Folder) -> Mapping[str, str]:
    """Make the tables first where the compiler asks for them."""
    manifest = folder.read("Cargo.toml")
    version = _SQLX.search(manifest)
    migrations = any(re.fullmatch(r"migrations/[^/]+\.sql", file) for file in folder.files)
    is_kept = folder.exists(".sqlx") or folder.exists("sqlx-data.json")
    if version is None or not migrations or is_kept:
        return {}
    if not any(_ASKS.search(folder.read(file)) for file in folder.sources(".rs")):
        return {}
    kinds = ",".join(kind for kind in _KINDS if f'"{kind}"' in manifest) or _KINDS[0]
    made = (
        f"cargo install --quiet --root target/tools sqlx-cli@^{version[1]} "
        f"--no-default-features --features native-tls,{kinds}"
    )
    return {
        "install": installed(_CLI, made),
        "build": f"{_CLI} migrate run && cargo build --quiet",
    }


def _services(folder: Folder) -> tuple[Service, ...]:
    if "Cargo.toml" not in folder.files:
        return ()
    if "src/main.rs" not in folder.files:
        return _of_workspace(folder)
    name = re.search(r"(?m)^name\s*=\s*\"([^\"]+)\"", folder.read("Cargo.toml"))
    return (
        Service(
            name=folder_name(folder, name[1] if name else "app"),
            folder=folder.path,
            run="cargo run --quiet",
            why="Cargo.toml, src/main.rs",
            tasks=_tasks(folder),
        ),
    )


def _of_workspace(folder: Folder) -> tuple[Service, ...]:
    """Find the one program of a workspace, in a crate below."""
    if "[workspace]" not in folder.read("Cargo.toml"):
        return ()
    crates = [f.removesuffix("Cargo.toml") for f in folder.files if f.endswith("/Cargo.toml")]
    found = []
    for crate in crates:
        if f"{crate}src/main.rs" in folder.files:
            own = re.search(r"(?m)^name\s*=\s*\"([^\"]+)\"", folder.read(f"{crate}Cargo.toml"))
            found.append((own[1] if own else "", f"{crate}src/main.rs"))
        bins = re.compile(rf"{re.escape(crate)}src/bin/([\w-]+)(?:\.rs|/main\.rs)")
        found += [(match[1], match[0]) for match in map(bins.fullmatch, folder.files) if match]
    served = [one for one in found if one[0] and not _TOOLS.search(one[0])]
    if len(served) != 1:
        return ()
    ((name, file),) = served
    only = "" if len(found) == 1 else f" --bin {name}"
    run = f"cargo run --quiet{only}"
    return (
        Service(
            folder_name(folder, name),
            folder.path,
            run=run,
            why=f"Cargo.toml, {file}",
            tasks=_tasks(folder),
        ),
    )


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    if argv[:2] == ("cargo", "run") and "Cargo.toml" in folder.files:
        return joined(_alone(folder, argv))
    found = _services(folder)
    return " ".join((found[0].run, *(("--", *argv[1:]) if argv[1:] else ()))) if found else ""


def _alone(folder: Folder, argv: tuple[str, ...]) -> tuple[str, ...]:
    """Leave the program's name out where the crate has no other one."""
    is_crate = "src/main.rs" in folder.files and "[workspace]" not in folder.read("Cargo.toml")
    is_only = is_crate and not any(file.startswith("src/bin/") for file in folder.files)
    at = argv.index("--bin") if is_only and "--bin" in argv else -1
    return argv if at < 0 else (*argv[:at], *argv[at + 2 :])


RECOGNISER = Recogniser(id="rust", rank=50, services=_services, tasks=_tasks, here=_here)
