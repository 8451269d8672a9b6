"""Revisions of repositories that a system includes: brought by git, locked, moved, replaced."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from git_repository import clone, git, push, remote

from tarmac.base.errors import BadInput, MissingTool
from tarmac.cli.include import VERB
from tarmac.model.include import GitRevision
from tarmac.model.system import System
from tarmac.project import repository, revisions
from tarmac.project.reading import load

PAYMENTS = """\
tarmac: 1
system: payments
services:
  payments: {run: [./serve], port: 8090}
"""
LEDGER = "  ledger: {run: [./ledger]}\n"


@dataclass(frozen=True)
class Place:
    """A shop that includes the payments of another repository."""

    origin: Path
    payments: Path
    shop: Path

    @property
    def url(self) -> str:
        return f"file://{self.origin}"

    @property
    def lock(self) -> Path:
        return self.shop / "tarmac.include.lock"

    def include(self, revision: str, url: str = "") -> None:
        text = f"tarmac: 1\nsystem: shop\ninclude:\n  - git: {url or self.url}\n"
        (self.shop / "tarmac.yaml").write_text(f'{text}    revision: "{revision}"\n')

    def publish(self, text: str, tag: str = "") -> str:
        (self.payments / "tarmac.yaml").write_text(text)
        commit = push(self.payments, "change")
        if tag:
            git(self.payments, "tag", "--force", tag)
            git(self.payments, "push", "--quiet", "--force", "origin", tag)
        return commit

    def locked(self) -> str:
        (commit,) = re.findall(r'commit: "([0-9a-f]{40})"', self.lock.read_text())
        return commit


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TARMAC_OFFLINE", raising=False)
    origin = remote(tmp_path / "origin" / "payments.git")
    made = Place(origin, clone(origin, tmp_path / "payments"), tmp_path / "shop")
    made.shop.mkdir()
    made.publish(PAYMENTS, "v1")
    made.include("v1")
    monkeypatch.chdir(made.shop)
    return made


def shop() -> System:
    return load("tarmac.yaml")


def refusal() -> str:
    with pytest.raises(BadInput) as raised:
        shop()
    (problem,) = raised.value.problems
    return str(problem)


def test_the_first_load_locks_the_commit_and_later_ones_ask_no_repository(place):
    first = shop()
    assert list(first.file.services) == ["payments"]
    commit = git(place.payments, "rev-parse", "v1")
    assert place.locked() == commit
    before = place.lock.read_text()
    shutil.rmtree(place.origin)
    assert shop().file == first.file
    assert place.lock.read_text() == before
    folder = Path(first.repositories[0].folder)
    assert folder.name == commit
    assert not list(folder.glob(".git*"))


def test_a_tag_that_moves_stays_at_its_commit_until_it_is_asked_to_move(place):
    shop()
    old = place.locked()
    new = place.publish(PAYMENTS + LEDGER, "v1")
    assert list(shop().file.services) == ["payments"]
    checked = CliRunner().invoke(VERB, ["--check"])
    assert checked.exit_code == 1
    assert f"{old[:12]}; it is {new[:12]} now, take that by `tarmac include payments" in (
        checked.output
    )
    moved = CliRunner().invoke(VERB, ["payments", "--update"])
    assert moved.output == f"payments  {place.url[:-4]}@v1  {old[:12]} -> {new[:12]}\n"
    assert place.locked() == new
    assert list(shop().file.services) == ["payments", "ledger"]
    again = CliRunner().invoke(VERB, ["--update"])
    assert "as before" in again.output
    assert CliRunner().invoke(VERB, ["--check"]).exit_code == 0


def test_another_machine_gets_the_locked_commit_of_a_branch(place, monkeypatch, tmp_path):
    place.include("main")
    shop()
    place.publish(PAYMENTS + LEDGER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert list(shop().file.services) == ["payments"]


def test_a_commit_by_its_digits_needs_no_branch(place):
    commit = git(place.payments, "rev-parse", "v1")
    place.publish(PAYMENTS + LEDGER)
    place.include(commit)
    assert list(shop().file.services) == ["payments"]


def test_a_broken_model_locks_nothing(place):
    place.publish(PAYMENTS.replace("port", "prot"), "v1")
    assert refusal().startswith(f"{place.url[:-4]}@v1/tarmac.yaml:4:")
    assert not place.lock.exists()


def test_a_commit_that_is_gone_is_said_with_what_there_is_now(place, monkeypatch, tmp_path):
    shop()
    old = place.locked()
    shutil.rmtree(place.origin)
    shutil.rmtree(place.payments)
    remote(place.origin)
    clone(place.origin, place.payments)
    new = place.publish(PAYMENTS + LEDGER, "v1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert refusal() == (
        f"tarmac.yaml:4:5: {place.url} has no commit {old[:12]} any more, which is locked; v1 is "
        f"{new[:12]} now, take that by `tarmac include payments --update`"
    )


def test_a_repository_that_is_away_is_said_in_one_line(place):
    shutil.rmtree(place.origin)
    assert re.fullmatch(
        rf"tarmac.yaml:4:5: {place.url} cannot be read \(git: .+\); correct the address, or your "
        rf"access: `git ls-remote {place.url}` tries it",
        refusal(),
    )


def test_a_revision_that_is_not_there_is_said_with_those_that_are(place):
    place.include("v2")
    assert refusal().endswith(f"{place.url} has no tag or branch 'v2'; choose one of: main, v1")


def test_offline_asks_no_repository(place, monkeypatch):
    monkeypatch.setenv("TARMAC_OFFLINE", "1")
    assert "is not on this machine, and offline no repository is asked" in refusal()
    monkeypatch.delenv("TARMAC_OFFLINE")
    shop()
    monkeypatch.setenv("TARMAC_OFFLINE", "1")
    assert list(shop().file.services) == ["payments"]


def test_a_lock_that_was_not_merged_is_said_with_its_line(place):
    shop()
    place.lock.write_text("<<<<<<< ours\n" + place.lock.read_text())
    assert refusal().startswith("tarmac.include.lock:")


def test_a_developers_own_folder_stands_in_for_the_revision(place):
    shop()
    locked = place.lock.read_text()
    (place.payments / "tarmac.yaml").write_text(PAYMENTS + LEDGER)
    system = load("tarmac.yaml", sources={"payments": str(place.payments)})
    assert list(system.file.services) == ["payments", "ledger"]
    assert system.replaced == (f"payments is {place.payments}, not revision v1",)
    assert str(system.locate(("services", "ledger"))).startswith(f"{place.payments}/tarmac.yaml:5")
    assert place.lock.read_text() == locked
    assert list(shop().file.services) == ["payments"]


def test_a_developers_folder_that_is_gone_is_said_with_the_way_back(place):
    with pytest.raises(BadInput) as raised:
        load("tarmac.yaml", sources={"payments": "/not/there"})
    assert "the folder of --source payments=/not/there is not there" in str(raised.value)
    assert "`tarmac up --source payments=`" in str(raised.value)


def test_only_included_repositories_are_moved(place):
    result = CliRunner().invoke(VERB, ["payment", "--update"])
    assert "no such repository is included; did you mean 'payments'?" in str(result.exception)


def test_nothing_of_a_repository_runs_when_it_is_brought(place, monkeypatch, tmp_path):
    """Neither hooks that the user's own template installs, nor a submodule, nor a filter."""
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "post-checkout").chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
    other = clone(remote(tmp_path / "origin" / "other.git"), tmp_path / "other-clone")
    (other / "file").write_text("x")
    push(other, "one")
    git(place.payments, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet",
        f"file://{tmp_path}/origin/other.git", "sub")  # fmt: skip
    (place.payments / ".gitattributes").write_text("* filter=evil\n")
    place.publish(PAYMENTS, "v1")
    folder = Path(shop().repositories[0].folder)
    assert not (tmp_path / "ran").exists()
    assert not list((folder / "sub").iterdir())


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secrets", "inside/../../out"])
def test_a_link_that_leads_out_is_refused_and_nothing_stays(place, target, tmp_path):
    (place.payments / "inside").mkdir()
    (place.payments / "inside" / "kept").write_text("x")
    (place.payments / "inside" / "good").symlink_to("kept")
    (place.payments / "bad").symlink_to(target)
    place.publish(PAYMENTS, "v1")
    assert refusal().endswith(
        "has a link that leads out of it (bad); replace it with the file itself"
    )
    assert not [p for p in (tmp_path / "cache/tarmac/included").rglob("*") if p.is_file()]


def test_links_inside_are_kept(place):
    (place.payments / "real.yaml").write_text(PAYMENTS)
    (place.payments / "link.yaml").symlink_to("real.yaml")
    place.publish(PAYMENTS, "v1")
    assert (Path(shop().repositories[0].folder) / "link.yaml").read_text() == PAYMENTS


def _fake_git(folder: Path, script: str) -> None:
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)


def test_git_asks_no_question_and_is_given_only_the_protocol_of_the_address(
    place, monkeypatch, tmp_path
):
    said = tmp_path / "said"
    _fake_git(tmp_path / "bin", f'env > {said}; echo "$@" >> {said}; exit 1')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    place.include("v1", "https://git.example.com/acme/payments.git")
    assert "cannot be read" in refusal()
    told = said.read_text()
    assert "GIT_TERMINAL_PROMPT=0" in told
    assert "SSH_ASKPASS_REQUIRE=never" in told
    assert "GIT_ALLOW_PROTOCOL=https:ssh\n" in told
    assert "ls-remote --heads --tags -- https://git.example.com/acme/payments.git" in told


def test_a_repository_that_hangs_is_given_up(place, monkeypatch, tmp_path):
    _fake_git(tmp_path / "bin", "sleep 60")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(repository, "LIMIT_S", 0.2)
    assert "did not answer within 0.2 s" in refusal()


def test_two_repositories_of_one_name_do_not_meet(place, tmp_path):
    other = clone(remote(tmp_path / "elsewhere" / "payments.git"), tmp_path / "second")
    (other / "tarmac.yaml").write_text("{tarmac: 1, system: b, services: {b: {run: [x]}}}")
    push(other, "one")
    text = (place.shop / "tarmac.yaml").read_text()
    url = f"file://{tmp_path}/elsewhere/payments.git"
    (place.shop / "tarmac.yaml").write_text(f"{text}  - {{git: '{url}', revision: main}}\n")
    assert set(shop().file.services) == {"payments", "b"}
    assert {str(one.revision) for one in revisions.listed("tarmac.yaml", (), {})} == {
        str(GitRevision(place.url, "v1")),
        str(GitRevision(url, "main")),
    }
    with pytest.raises(BadInput) as raised:
        revisions.listed("tarmac.yaml", ["payments"], {})
    assert f"2 repositories have this name; write an address: {url}, {place.url}" in str(
        raised.value
    )
    own = load("tarmac.yaml", sources={url: str(tmp_path / "second")})
    assert own.replaced == (f"payments is {tmp_path}/second, not revision main",)


def test_a_server_that_gives_no_commit_by_its_digits_is_asked_for_all(place, monkeypatch, tmp_path):
    real = shutil.which("git")
    script = f'case "$*" in *--depth=1*) exit 1;; esac; exec {real} "$@"'
    _fake_git(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert list(shop().file.services) == ["payments"]


def test_a_commit_that_was_never_there_is_said(place):
    place.include("0" * 40)
    assert refusal().endswith(f"has no commit {'0' * 40}; correct `revision`, or push the commit")


def test_without_git_what_is_here_runs_and_the_rest_names_the_tool(place, monkeypatch, tmp_path):
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="git: not on PATH; install it"):
        shop()
    monkeypatch.setenv("PATH", path)
    shop()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(shop().file.services) == ["payments"]


def test_a_system_without_repositories_says_so(place):
    (place.shop / "tarmac.yaml").write_text("{tarmac: 1, system: shop, services: {}}")
    assert CliRunner().invoke(VERB, []).output == "tarmac.yaml includes no repository\n"


def test_what_is_included_may_include_and_the_one_lock_has_all(place, tmp_path):
    ledger = clone(remote(tmp_path / "origin" / "ledger.git"), tmp_path / "ledger")
    (ledger / "tarmac.yaml").write_text("{tarmac: 1, system: l, services: {ledger: {run: [x]}}}")
    push(ledger, "one")
    (place.payments / "parts").mkdir()
    (place.payments / "parts/more.yaml").write_text(
        "{tarmac: 1, system: m, services: {more: {run: [x], cwd: ..}}}"
    )
    url = f"file://{tmp_path}/origin/ledger.git"
    nested = f"include: [parts/more.yaml, {{git: '{url}', revision: main}}]\n"
    place.publish(PAYMENTS + nested, "v1")
    system = shop()
    root = system.repositories[0].folder
    assert {name: one.cwd for name, one in system.file.services.items()} == {
        "payments": root,
        "more": root,
        "ledger": system.repositories[1].folder,
    }
    assert str(system.locate(("services", "more"))).startswith(
        f"{place.url[:-4]}@v1/parts/more.yaml:1:"
    )
    assert place.lock.read_text().count("commit: ") == 2
    own = load("tarmac.yaml", sources={"ledger": str(ledger)})
    assert own.replaced == (f"ledger is {ledger}, not revision main",)


def test_an_update_to_a_broken_model_changes_nothing(place):
    shop()
    before = place.lock.read_text()
    place.publish("tarmac: 2\n", "v1")
    result = CliRunner().invoke(VERB, ["--update"])
    assert isinstance(result.exception, BadInput)
    assert place.lock.read_text() == before
    assert list(shop().file.services) == ["payments"]
