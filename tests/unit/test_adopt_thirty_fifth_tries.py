"""A thirty-fifth round of unseen repositories: what a try gives a program that only ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner
from repository import KINDS, found_in

from tarmac.adopt.tries.case import Failure
from tarmac.adopt.tries.correct import corrected
from tarmac.cli.init import VERB
from tarmac.run import trial

NEEDY = {
    "package.json": '{"name": "web", "scripts": {"start": "node main.js"}}',
    "main.js": "process.env.APP_PREFIX.length; require('http').createServer().listen(3177)\n",
}


@pytest.mark.parametrize(
    ("lines", "env"),
    [
        (("Error: no way to start",), {"APP_PREFIX": "app-prefix"}),
        (
            (
                " - property TRACE has failed the following constraints: isDefined, isBoolean ",
                " - property APP_PREFIX has failed the following constraints: isString, minLength",
            ),
            {"APP_PREFIX": "app-prefix", "TRACE": "false"},
        ),
    ],
)
def test_a_program_that_only_ends_is_tried_with_what_no_file_gives(lines, env):
    before = found_in(**NEEDY)
    (lesson,) = corrected(before, [Failure("web", "", "ended with exit status 1", lines)], KINDS)
    (web,) = lesson.found.services
    assert lesson.is_corrected
    assert {name: web.env[name] for name in env} == env
    assert not web.missing
    assert "it fails for want of a value" in lesson.note


def test_a_program_that_lacks_nothing_is_only_noted():
    files = {**NEEDY, "main.js": "require('http').createServer().listen(3177)\n"}
    failure = Failure("web", "", "ended with exit status 1")
    (lesson,) = corrected(found_in(**files), [failure], KINDS)
    assert not lesson.is_corrected


def test_a_task_that_asks_for_tables_comes_behind_what_makes_them():
    before = found_in(**NEEDY)
    (web,) = before.services
    web = replace(web, tasks={"install": "i", "first": "f", "migrate": "m"})
    cause = 'it says: ProgrammingError: relation "orders" does not exist'
    failure = Failure("web", "first", cause)
    (lesson,) = corrected(replace(before, services=(web,)), [failure], KINDS)
    assert [*lesson.found.services[0].tasks] == ["install", "migrate", "first"]
    again = corrected(lesson.found, [failure], KINDS)
    assert not again[0].is_corrected


def test_a_program_that_takes_its_port_for_an_address_has_one_with_a_colon():
    cause = "ended with exit status 1, and said last: address 5000: missing port in address"
    before = found_in(Procfile="web: ./serve")
    (lesson,) = corrected(before, [Failure("web", "", cause)], KINDS)
    (web,) = lesson.found.services
    assert (web.env["PORT"], web.fixed) == (":5000", True)


def test_a_try_takes_the_provider_of_a_store(tmp_path, monkeypatch):
    (tmp_path / "Procfile").write_text("web: ./serve\n")
    asked = []

    def tried(found, *others):
        asked.append(others[-1])
        return trial.Trial(found, ("web",), (), is_healthy=True)

    monkeypatch.setattr(trial, "try_out", tried)
    words = [str(tmp_path), "--provider", "mongodb=ferretdb"]
    alone = CliRunner().invoke(VERB, words)
    assert (alone.exit_code, asked) == (2, [])
    assert "pass --try" in alone.output
    assert CliRunner().invoke(VERB, [*words, "--try"]).exit_code == 0
    assert asked == [("mongodb=ferretdb",)]
