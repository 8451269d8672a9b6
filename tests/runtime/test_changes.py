"""What a user changes, deletes or mistypes while a system runs, and what then becomes of it."""

from __future__ import annotations

import shutil
import sys

import pytest
from sandbox import PORT, SYSTEM, Sandbox, family, gone, web


def test_a_port_that_the_file_changes_is_taken_at_the_next_up(sandbox: Sandbox):
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web('web', PORT)}\n")
    sandbox.up()
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web('web', PORT + 4)}\n")
    again = sandbox.up()
    assert again["changes"]["restarted"] == []  # the wire is the runtime's: the service runs on
    assert again["notes"] == []
    assert sandbox.node("web")["url"] == f"http://localhost:{PORT + 4}"
    assert sandbox.get("web").startswith("pid ")


def test_a_service_of_another_name_and_two_that_swap_have_the_ports_of_the_file(sandbox: Sandbox):
    def ports(**services: int) -> None:
        lines = "".join(f"  {web(name, port)}\n" for name, port in services.items())
        sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n{lines}")
        assert sandbox.up()["notes"] == []
        for name, port in services.items():
            assert sandbox.node(name)["url"] == f"http://localhost:{port}"
            assert sandbox.get(name).startswith("pid ")

    ports(web=PORT, shop=PORT + 1)
    ports(site=PORT, shop=PORT + 1)
    ports(site=PORT + 1, shop=PORT)


def test_what_could_listen_on_one_port_only_gets_its_wire_and_gives_it_back(sandbox: Sandbox):
    for more in ("", ", listen: fixed", ""):
        sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web('web', PORT, more)}\n")
        assert sandbox.up()["notes"] == []
        assert sandbox.node("web")["url"] == f"http://localhost:{PORT}"
        assert sandbox.get("web").startswith("pid ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stores: {d: {kind: postgers}}", "unknown kind 'postgers'; did you mean 'postgres'?"),
        ("broker: pulsar", "unknown broker 'pulsar'; choose one of: kafka"),
    ],
)
def test_an_unknown_kind_is_bad_input_at_its_place(sandbox: Sandbox, line, expected):
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  {web()}\n{line}\n")
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 2
    assert done.stderr.startswith("tarmac.yaml:5:")
    assert expected in done.stderr


def test_a_system_whose_folder_is_deleted_ends(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    sandbox.up()
    pids = family(sandbox)
    shutil.rmtree(sandbox.folder / ".tarmac")
    assert gone(pids)


def test_a_shell_line_is_drained_like_any_other_command(sandbox: Sandbox):
    (sandbox.folder / "slow.py").write_text(
        "import signal, sys, time\n"
        "def end(*_):\n    time.sleep(0.3)\n    print('drained', flush=True)\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\ntime.sleep(100)\n"
    )
    sandbox.write(
        f"""
        tarmac: 1
        system: small
        services:
          slow: {{run: "cd . && {sys.executable} slow.py", probe: {{log: ^up}}}}
        """
    )
    sandbox.up()
    assert sandbox.tarmac("down").returncode == 0
    assert "drained" in (sandbox.folder / ".tarmac/default/logs/slow.log").read_text()


def test_a_probe_of_one_string_is_a_line_for_the_shell(sandbox: Sandbox):
    sandbox.write(
        """
        tarmac: 1
        system: small
        services:
          a: {run: "touch ok && sleep 100", probe: {command: "test -f ok && true"}}
        """
    )
    assert sandbox.up()["healthy"]


def test_names_stay_in_the_table_however_long_a_command_is(sandbox: Sandbox):
    command = "import time; " + "x = 1; " * 60 + "time.sleep(100)"
    run = f"[{sys.executable}, -c, '{command}']"
    sandbox.write(f"tarmac: 1\nsystem: small\nservices:\n  long: {{run: {run}}}\n")
    sandbox.up()
    header, row = sandbox.tarmac("ps").stdout.splitlines()[:2]
    assert header.startswith("NAME")
    assert row.startswith("long")
    assert "running" in row


def test_a_folder_that_cannot_be_written_is_one_clear_error(sandbox: Sandbox):
    sandbox.write(SYSTEM)
    (sandbox.folder / ".tarmac").write_text("a file\n")
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 2
    assert "is not a folder; remove it" in done.stderr
    assert "Traceback" not in done.stderr
    (sandbox.folder / ".tarmac").unlink()


def test_a_seed_that_is_missing_is_found_before_anything_starts(sandbox: Sandbox):
    env = ", env: {URL: '${stores.db.url}'}"
    sandbox.write(
        f"tarmac: 1\nsystem: small\nservices:\n  {web(more=env)}\n"
        "stores:\n  db: {kind: postgres, seed: no.sql}\n"
    )
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 2
    assert done.stderr.startswith("tarmac.yaml:6:30: the seed of db is not there (")
    assert sandbox.tarmac("down").stdout == "nothing was running\n"
