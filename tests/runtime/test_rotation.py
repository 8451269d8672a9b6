"""`tarmac rotate`: two values hold while services are replaced, then the first is refused."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request

import asyncpg
import pytest
import sandbox as sandboxes
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError
from rotated import ONE, TWO, ask, change, laid_out, used_all_the_time
from sandbox import TARMAC, Sandbox

from tarmac.base.errors import TarmacError
from tarmac.drill.file.drill_file import faults
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.local_target import local_target

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    """The system, which all tests of this file rotate."""
    box = sandboxes.laid_out(tmp_path_factory.mktemp("rotated"))
    try:
        yield laid_out(box)
    finally:
        box.end()


def rotate(box: Sandbox, *names: str, given: str = "") -> dict[str, object]:
    done = subprocess.run(
        [*TARMAC, "rotate", *names, "--json"],
        cwd=box.folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def values(box: Sandbox) -> dict[str, str]:
    found: dict[str, str] = json.loads(box.home.secrets.read_text())
    return found


def kept_nowhere(box: Sandbox, secrets: set[str]) -> list[str]:
    """List the files with one of these values, besides those that are there for it."""
    own = {box.home.secrets, box.folder / ".env"}
    files = [path for path in box.folder.rglob("*") if path.is_file() and path not in own]
    held = {path: path.read_bytes() for path in files if path.suffix != ".acl"}
    return [str(path) for path, text in held.items() if any(s.encode() in text for s in secrets)]


def test_the_passwords_of_a_database_take_turns_and_no_request_fails(running: Sandbox):
    async def logs_in(url: str) -> bool:
        try:
            await (await asyncpg.connect(url)).close()
        except asyncpg.PostgresError:
            return False
        return True

    seen: set[str] = set()
    for _ in range(2):
        before = client.store_url(running.home, "db", "one")
        with used_all_the_time() as failed:
            done = rotate(running, "db")
        now = client.store_url(running.home, "db", "one")
        assert failed == []
        assert done["rotated"] == ["stores/db/one", "stores/db/two"]
        assert done["failed"] == {}
        assert asyncio.run(logs_in(now))
        assert not asyncio.run(logs_in(before))
        seen |= {before, now}
        # Whatever name it logs in by, what it makes belongs to one role.
        assert ask(f"{ONE}/rows") == {"owner": "one"}
    assert len(seen) == 3
    assert running.tarmac("up", "-d").stdout.count("restarted") == 0
    assert kept_nowhere(running, {url.split(":")[2].split("@")[0] for url in seen}) == []


def test_a_key_store_takes_both_passwords_until_the_first_is_refused(running: Sandbox):
    async def logs_in(url: str) -> bool:
        async with Redis.from_url(url) as redis:
            try:
                await redis.get("one:a")
            except AuthenticationError:
                return False
        return True

    before = client.store_url(running.home, "cache", "one")
    pid = running.node("cache")["pid"]
    with used_all_the_time() as failed:
        done = rotate(running, "cache/one")
    assert failed == []
    assert (done["rotated"], done["services"]) == (["stores/cache/one"], ["one"])
    assert not asyncio.run(logs_in(before))
    assert running.node("cache")["pid"] == pid
    # It has the same passwords after a start of its own.
    assert running.tarmac("restart", "cache").returncode == 0
    assert asyncio.run(logs_in(client.store_url(running.home, "cache", "one")))
    assert not asyncio.run(logs_in(before))


def test_a_signing_key_is_accepted_everywhere_before_it_signs_and_ends_at_last(running: Sandbox):
    old = ask(f"{ONE}/sign")["signature"]
    before = values(running)
    with used_all_the_time() as failed:
        rotate(running, "SIGNING")
    assert failed == []
    new = ask(f"{ONE}/sign")["signature"]
    assert new != old
    for url in (ONE, TWO):
        ask(f"{url}/check/{new}")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(f"{url}/check/{old}")
    after = values(running)
    assert before["shared/SIGNING"] not in after.values()
    assert after["shared/SIGNING"] != after["shared/SIGNING_ALSO"]


def test_the_keys_of_caller_tokens_end_and_no_call_is_refused_meanwhile(running: Sandbox):
    file = running.home.callers / "one/two"
    old = file.read_text().strip()
    change(old)
    with used_all_the_time(file) as failed:
        done = rotate(running, "caller-keys")
    assert failed == []
    assert (done["rotated"], done["services"]) == (["caller-keys"], [])
    change(file.read_text().strip())
    with pytest.raises(urllib.error.HTTPError, match="401"):
        change(old)


def test_a_value_that_a_person_gives_comes_from_standard_input(running: Sandbox):
    given = 'it\'s "the" next key'
    done = rotate(running, "API_KEY", given=f"{given}\n")
    assert given not in json.dumps(done)
    for url in (ONE, TWO):
        assert ask(f"{url}/key")["digest"] == hashlib.sha256(given.encode()).hexdigest()
    lines = (running.folder / ".env").read_text().splitlines()
    assert (lines[0], lines[2]) == ("# of the issuer", "A=b")
    assert lines[1].startswith("export API_KEY=")
    assert running.tarmac("up", "-d").stdout.count("restarted") == 0
    assert kept_nowhere(running, {given}) == []
    nothing = running.tarmac("rotate", "API_KEY")
    assert nothing.returncode == 2
    assert "API_KEY: has no next value; write it on standard input" in nothing.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("d", "no secret of small; did you mean 'db'?"),
        ("LONE", "services/one/LONE, services/two/LONE"),
        ("two/LONE", "accepts one value at a time"),
        ("SIGNING_ALSO", "is the second value of SIGNING; rotate that"),
        ("broker", "takes one password of a user at a time"),
        ("db/admin", "is used by Tarmac alone"),
        ("stores/db/three", "is used by Tarmac alone"),
    ],
)
def test_what_cannot_be_rotated_says_why(running: Sandbox, name: str, said: str):
    done = running.tarmac("rotate", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_rotation_that_is_cut_short_goes_on_where_it_stopped(running: Sandbox):
    app = running.folder / "services/hi/tarmac_hi/app.py"
    code = app.read_text()
    app.write_text("raise SystemExit('no word today')\n")
    try:
        before = client.store_url(running.home, "db", "one")
        cut = running.tarmac("rotate", "db/one")
        assert cut.returncode == 1, cut.stdout + cut.stderr
        assert "one keeps the previous value" in cut.stderr
        assert ask(f"{ONE}/rows") == {"owner": "one"}
    finally:
        app.write_text(code)
    known = values(running)
    with used_all_the_time() as failed:
        rotate(running, "db/one")
    assert failed == []
    now = client.store_url(running.home, "db", "one")
    assert now != before
    assert known.keys() - values(running).keys(), "the previous one is forgotten"
    assert now.split(":")[2].split("@")[0] in known.values(), "no third one was made"


def test_a_drill_rotates_and_tells_that_the_previous_passwords_are_refused(running: Sandbox):
    fault = faults()["rotate"]
    step = fault.step.model_validate({"fault": "rotate", "on": "db"})
    before = client.store_url(running.home, "db", "two")
    with used_all_the_time() as failed, local_target(running.home) as target:
        with fault.inject(target, step) as witness:
            present, detail = witness()
        wrong = step.model_copy(update={"on": "cashe"})
        with pytest.raises(TarmacError, match="cashe: no secret of small; did you mean 'cache'"):
            fault.inject(target, wrong).__enter__()
    assert (present, failed) == (True, [])
    assert detail.startswith("2 rotated in ")
    assert client.store_url(running.home, "db", "two") != before
