"""Every write into a user's repository goes through `tarmac.base.writing`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src/tarmac"
#: Modules that write by themselves, each with the reason.
OTHERS = {
    "run/cluster/deployment.py": "a temporary folder",
    "run/cluster/kubectl.py": "a temporary folder",
    "base/content_cache.py": "the cache of this machine",
    "base/places.py": "the cache of this machine",
    "base/writing.py": "the one writer",
    "check/schemas/check.py": "the cache of this machine",
    "check/schemas/download.py": "the cache of this machine",
    "check/schemas/folder.py": "the cache of this machine",
    "check/verify/built/charts.py": "a temporary file",
    "check/verify/built/dependencies.py": "a temporary folder",
    "cli/parts/become.py": "a temporary file",
    "cli/output/help_texts.py": "text of a help page, to standard output",
    "cli/parts/verify_options.py": "a temporary file",
    "project/repository.py": "the cache of this machine",
    "render/tree/successor.py": "below open folders, through no link",
    "render/tree/swap.py": "below open folders, through no link",
    "run/local/host/disks.py": "a disk in a mount namespace of its own",
    "run/local/host/guard.py": "/proc/self, for the process's own namespace",
    "run/local/host/layers.py": "/proc/self, and folders in a mount namespace of its own",
    "run/local/host/offers.py": "the cache of this machine",
    "run/local/process/prepare.py": "the home of a running copy",
    "run/local/process/spawn.py": "the home of a running copy",
    "run/local/process/written.py": "temporary folders of what a running copy writes",
    "run/local/network/identities.py": "the home of a running copy",
    "run/local/snapshots/copying.py": "the home of a running copy",
    "run/local/snapshots/exchange.py": "the home of a running copy",
    "run/local/snapshots/library.py": "the snapshots beside the homes of all copies",
    "run/local/snapshots/loading.py": "the home of a running copy",
    "run/local/snapshots/packing.py": "the snapshots beside the homes of all copies",
    "run/local/snapshots/saving.py": "the snapshots beside the homes of all copies",
    "run/local/snapshots/transfer.py": "the snapshots beside the homes of all copies",
    "run/local/state/files.py": "the home of a running copy",
    "run/local/state/logs.py": "the home of a running copy",
    "run/local/state/paths.py": "folders for sockets, whose owner is checked; the home's log",
    "run/local/stores/mailbox.py": "the home of a running copy",
    "run/local/stores/postgres_rows.py": "the home of a running copy",
    "run/local/supervisor/caller_tokens.py": "the home of a running copy",
    "run/local/supervisor/client.py": "the home of a running copy",
    "run/local/supervisor/context.py": "the home of a running copy",
    "run/local/supervisor/remove.py": "the home of a running copy",
    "run/local/supervisor/store_servers.py": "the home of a running copy",
    "run/telemetry/storage.py": "the home of a running copy",
}
#: Methods of Path, and functions of os and shutil, that write whatever their arguments are.
WRITERS = {
    "write_text", "write_bytes", "mkdir", "makedirs", "touch", "symlink_to", "hardlink_to",
    "mkstemp", "mkdtemp", "NamedTemporaryFile", "copyfile", "copy2", "copytree", "copy", "move",
    "symlink", "link", "rename", "renames",
}  # fmt: skip
#: Modules of the standard library whose functions of these names are meant; others' are not.
HOLDERS = {"os", "shutil", "tempfile"}
AMBIGUOUS = {"copy", "move", "link", "touch"}


def writes(source: str) -> list[tuple[int, str]]:
    """List each call in a source that writes to the disk: its line and its name."""
    return [
        (node.lineno, name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and (name := _writer(node))
    ]


def _writer(call: ast.Call) -> str:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    holder = getattr(getattr(function, "value", None), "id", "")
    if name in AMBIGUOUS:
        is_path = name == "touch" and len(call.args) + len(call.keywords) < 2
        return name if holder in HOLDERS or (is_path and "origin" not in holder) else ""
    if name in WRITERS:
        return name
    if name == "open" and holder == "os":
        return name if any(flag in ast.unparse(call) for flag in ("O_WRONLY", "O_RDWR")) else ""
    if name == "open" or (name == "fdopen" and holder == "os"):
        modes = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
        found = [str(m.value) for m in modes if isinstance(m, ast.Constant)]
        return name if any(len(mode) < 4 and set(mode) & set("wax+") for mode in found) else ""
    return ""


@pytest.mark.parametrize(
    "line",
    [
        "open(x, 'w')",
        "open(x, mode='ab')",
        "path.open('r+')",
        "path.write_text('')",
        "path.parent.mkdir()",
        "os.open(x, os.O_WRONLY | os.O_CREAT)",
        "os.makedirs(x)",
        "shutil.copy(a, b)",
        "path.touch()",
    ],
)
def test_a_call_that_writes_is_recognised(line):
    assert [number for number, _ in writes(line)] == [1]


@pytest.mark.parametrize(
    "line", ["open(x)", "path.open('rb')", "os.open(x, os.O_RDONLY)", "a.copy()"]
)
def test_a_call_that_reads_is_not_taken_for_a_write(line):
    assert writes(line) == []


def test_only_the_listed_modules_write_by_themselves():
    found = {
        path.relative_to(SOURCE).as_posix(): calls
        for path in sorted(SOURCE.rglob("*.py"))
        if "assets" not in path.parts and (calls := writes(path.read_text()))
    }
    new = {name: calls for name, calls in found.items() if name not in OTHERS}
    assert not new, "write with `tarmac.base.writing`, or say why not in OTHERS"
    assert sorted(OTHERS.keys() - found.keys()) == [], "these write nothing; take them out"


def test_no_verb_writes_by_itself():
    verbs = {
        name for name in OTHERS if name.startswith(("cli/", "change/", "check/verify/", "render/"))
    }
    assert verbs == {
        "cli/parts/become.py",
        "cli/output/help_texts.py",
        "cli/parts/verify_options.py",
        "render/tree/successor.py",
        "render/tree/swap.py",
        "check/verify/built/charts.py",
        "check/verify/built/dependencies.py",
    }
