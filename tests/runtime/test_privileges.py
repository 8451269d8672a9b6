"""Servers that refuse their user: root, or a uid that /etc/passwd does not know."""

from __future__ import annotations

import ctypes
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from tarmac.base.errors import TarmacError
from tarmac.run.local.host import guard, privileges
from tarmac.run.local.host.sockets import Reservations
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import checkup
from tarmac.run.local.supervisor.resolver import Resolver

PR_SET_DUMPABLE = 4  # linux/prctl.h
#: No machine has a user of this number.
NAMELESS = 23456


@pytest.fixture
def nameless(monkeypatch):
    """Be a user without a name; return a function that says whether namespaces can be made."""
    privileges.drop.cache_clear()
    monkeypatch.setattr(os, "geteuid", lambda: NAMELESS)

    def namespaces(there: bool) -> None:
        monkeypatch.setattr(privileges, "_can_enter", lambda: there)

    yield namespaces
    monkeypatch.undo()
    privileges.drop.cache_clear()


def test_a_user_without_a_name_gets_one_in_a_namespace(nameless):
    nameless(there=True)
    assert privileges.drop() == "userns"
    assert privileges.refused() == ""


def test_what_is_on_path_does_not_decide(monkeypatch):
    privileges.drop.cache_clear()
    known = privileges.drop()
    privileges.drop.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    assert privileges.drop() == known


def test_without_a_namespace_it_is_said_before_anything_starts(nameless, tmp_path: Path):
    nameless(there=False)
    assert privileges.drop() is None
    said = privileges.refused()
    assert said.startswith(f"user {NAMELESS}: not in /etc/passwd")
    (check,) = (check for check in checkup.of_machine(tmp_path) if check.name == "user")
    assert (check.fails, check.found) == (True, str(NAMELESS))
    file = tmp_path / "tarmac.yaml"
    home = Home.of(file, "default")
    home.create()
    system = "tarmac: 1\nsystem: small\nservices: {web: {run: [sleep, '9'], stores: {s: s}}}\n"
    for store, refuses in (("postgres", True), ("redis", False)):
        file.write_text(f"{system}stores: {{s: {store}}}\n")
        resolver = Resolver(Options(file=str(file)), home, Reservations())
        if refuses:
            with pytest.raises(TarmacError) as caught:
                resolver.resolve({})
            assert str(caught.value) == said
            assert not home.secrets.exists()
        else:
            resolver.resolve({})
            resolver.release_ports()


@pytest.mark.skipif(
    os.geteuid() != 0 or not sys.platform.startswith("linux"), reason="becomes another user"
)
def test_in_the_namespace_the_kernel_and_passwd_agree_on_a_name():
    if subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(NAMELESS)
        os.setuid(NAMELESS)
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as a program that it executes is
        before = privileges.has_name(os.geteuid())
        guard.DROPS["userns"]()
        os.write(write_end, f"{before} {pwd.getpwuid(os.geteuid()).pw_name}".encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as told:
        assert told.read() == f"False {pwd.getpwuid(guard.UNPRIVILEGED_UID).pw_name}"
    os.waitpid(pid, 0)
