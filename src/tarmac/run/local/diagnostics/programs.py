"""Why a program could not be executed, by looking at the file: the kernel says one word at most.

Called when a start has failed; reads the file's first bytes and changes nothing.
"""

from __future__ import annotations

import contextlib
import os
import platform
import struct
from collections.abc import Sequence
from pathlib import Path

from tarmac.base.installed import find_program
from tarmac.base.tools import how_to_get

#: e_machine of an ELF file -> what `uname -m` says there.
MACHINES = {3: "i386", 8: "mips", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64"}
MACHINES |= {243: "riscv64", 258: "loongarch64"}
#: First bytes of programs for other systems.
FOREIGN = {
    b"MZ": "Windows",
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xca\xfe\xba\xbe": "macOS",
    b"\xce\xfa\xed\xfe": "macOS",
}


def why_not(argv: Sequence[str], cwd: Path, path: str) -> str:
    """Return why a program cannot be executed, and what to do; empty if nothing seems wrong.

    Args:
        path: the PATH that it would have.
    """
    name = argv[0]
    if not cwd.is_dir():
        return f"its working directory does not exist ({cwd}); correct `cwd`"
    if "/" not in name:
        found = find_program(name, path)
        return _of_file(name, Path(found)) if found else _not_on_path(name, cwd)
    return _of_file(name, cwd / name)


def machine_of(head: bytes) -> str:
    """Name the machine that an ELF file is made for; empty for any other file."""
    if len(head) < 20 or not head.startswith(b"\x7fELF"):
        return ""
    (number,) = struct.unpack("<H" if head[5] == 1 else ">H", head[18:20])
    return MACHINES.get(number, f"machine {number}")


def _not_on_path(name: str, cwd: Path) -> str:
    for folder in ("", "node_modules/.bin/", ".venv/bin/", "bin/"):
        if os.access(cwd / folder / name, os.X_OK) and (cwd / folder / name).is_file():
            return f"'{name}' is not on PATH; it is in {cwd / folder}: write ./{folder}{name}"
    get = how_to_get(name)
    return f"'{name}' is not on PATH; {get or 'install it, or correct `run`'}"


def _of_file(name: str, file: Path) -> str:
    if not file.exists():
        return f"'{name}' does not exist ({file}); build it first, or correct `run`"
    if file.is_dir():
        return f"'{name}' is a directory; name the program in it"
    if not os.access(file, os.X_OK):
        return f"'{name}' is not executable; chmod +x {file}"
    head = b""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        head = opened.read(256)
    here = platform.machine()
    if (made_for := machine_of(head)) and made_for != here:
        return f"'{name}' is built for {made_for}, but this machine is {here}; build it for {here}"
    for magic, system in FOREIGN.items():
        if head.startswith(magic) and platform.system() != {"macOS": "Darwin"}.get(system, system):
            return f"'{name}' is built for {system}; build it for {platform.system()}"
    if head.startswith(b"#!"):
        interpreter = head[2:].split(b"\n", 1)[0].strip().split(b" ")[0].decode("utf-8", "replace")
        if not Path(interpreter.removesuffix("\r")).exists() or interpreter.endswith("\r"):
            shown = interpreter.replace("\r", "\\r")
            return f"the first line of '{name}' names {shown}, which does not exist; correct it"
    elif not made_for:
        return (
            f"'{name}' is not executable as a program: add a first line like #!/bin/sh, "
            f"or name its interpreter: run: [sh, {name}]"
        )
    return ""
