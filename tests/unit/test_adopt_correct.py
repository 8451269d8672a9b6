"""What a try teaches: the causes that `up` names correct the file, and the rest is noted in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from repository import KINDS, found_in, system_of, text_of

from tarmac.adopt.tries.case import Failure
from tarmac.adopt.tries.correct import corrected, noted, taken_back
from tarmac.run.local.diagnostics.causes import ProcessEvidence, likely_cause, wrong_ports
from tarmac.run.local.host.kernel import TcpSocket

PROCFILE = {"Procfile": "web: ./serve\nworker: ./work"}


def learnt(*causes: str, lines: tuple[str, ...] = (), files: dict[str, str] | None = None):
    failures = [Failure("web", "", cause, lines) for cause in causes]
    lessons = corrected(found_in(**(files or PROCFILE)), failures, KINDS)
    assert system_of(lessons[-1].found), text_of(lessons[-1].found)
    return lessons[-1]


def web(lesson):
    return next(service for service in lesson.found.services if service.name == "web")


def needed(name: str) -> str:
    """Say what `up` says of a variable that is not there."""
    return likely_cause(1, [f"KeyError: '{name}'"])


def test_a_program_that_listens_elsewhere_has_that_port():
    evidence = ProcessEvidence(wanted={"PORT": 5000})
    cause = wrong_ports([TcpSocket(3177, "0.0.0.0")], evidence)
    lesson = learnt(cause)
    assert (dict(web(lesson).ports), web(lesson).fixed) == ({"http": 3177}, True)
    assert lesson.is_corrected
    assert "# tried: it listens on 3177, whatever PORT says" in text_of(lesson.found)
    assert "assumed: port" not in text_of(lesson.found)


def test_a_port_that_another_one_insists_on_is_only_noted():
    files = {
        "a/package.json": '{"scripts": {"start": "node s.js"}}',
        "a/s.js": "x.listen(3177)",
        "web/Procfile": "web: ./serve",
    }
    failure = Failure("web-web", "", "it listens on 3177; expected PORT=5000; read the port")
    (lesson,) = corrected(found_in(**files), [failure], KINDS)
    assert not lesson.is_corrected
    assert lesson.note.startswith("tried: it listens on 3177; expected")


@pytest.mark.parametrize(
    ("name", "value", "stores"),
    [
        ("REDIS_URL", "${stores.cache.url}", {"cache": "redis"}),
        ("PGHOST", "${stores.db.host}", {"db": "postgres"}),
        ("NATS_URL", "${broker.url}", {}),
    ],
)
def test_a_variable_of_a_server_brings_that_server(name, value, stores):
    lesson = learnt(needed(name))
    assert web(lesson).env[name] == value
    assert {store.name: store.kind for store in lesson.found.stores} == stores
    again = corrected(lesson.found, [Failure("worker", "", needed(name))], KINDS)
    assert len(again[-1].found.stores) == len(stores), "the second one uses the first one's"


def test_a_secret_is_generated():
    assert web(learnt(needed("SESSION_SECRET"))).secrets == ("SESSION_SECRET",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEVEL_OF_DETAIL", "level-of-detail"),
        ("SMS_PORT", "1025"),
        ("FRONTEND_URL", "http://localhost"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "60"),
        ("USE_TLS", "false"),
        ("MAX_RETRIES", "10"),
        ("SUPPORT_EMAIL", "someone@example.com"),
    ],
)
def test_a_setting_gets_a_value_that_can_be_read_and_its_user_is_told(name, value):
    lesson = learnt(needed(name))
    assert web(lesson).env[name] == value
    assert f"does not start without {name}, which no file gives" in text_of(lesson.found)
    again = corrected(lesson.found, [Failure("web", "", needed(name))], KINDS)[-1]
    assert not again.is_corrected, "it has one"


def test_a_length_of_time_has_its_unit_where_the_language_wants_one():
    files = {
        "web/package.json": '{"scripts": {"start": "node s.js"}}',
        "web/s.js": "x.listen(3177)",
    }
    found = found_in(**files)
    (lesson,) = corrected(
        found, [Failure(found.services[0].name, "", needed("JWT_EXPIRES_IN"))], KINDS
    )
    assert lesson.found.services[0].env["JWT_EXPIRES_IN"] == "1h"


def test_the_host_of_a_container_is_the_store_that_it_means():
    files = {**PROCFILE, ".env.example": "CACHE_AT=redis:6379"}
    files["serve.js"] = "process.env.CACHE_AT"
    cause = likely_cause(1, ["Error: getaddrinfo ENOTFOUND redis"])
    lesson = learnt(cause, files=files)
    assert web(lesson).env["CACHE_AT"] == "${stores.cache.address}"
    elsewhere = learnt(likely_cause(1, ["getaddrinfo ENOTFOUND files.example"]), files=files)
    assert not elsewhere.is_corrected


def test_a_server_that_is_sought_at_its_usual_port_is_brought_up_where_a_variable_can_say_so():
    files = {**PROCFILE, "serve.js": 'process.env.REDIS_URL || "x"'}
    line = "Error: connect ECONNREFUSED 127.0.0.1:6379"
    lesson = learnt(likely_cause(1, [line]), lines=(line,), files=files)
    assert web(lesson).env["REDIS_URL"] == "${stores.cache.url}"


def test_a_server_that_no_variable_can_name_answers_at_its_usual_port():
    line = "Error: connect ECONNREFUSED 127.0.0.1:6379"
    lesson = learnt(likely_cause(1, [line]), lines=(line,))
    (store,) = lesson.found.stores
    assert (store.kind, store.known.port, web(lesson).stores) == ("redis", 6379, ("cache",))
    again = corrected(lesson.found, [Failure("web", "", likely_cause(1, [line]))], KINDS)[-1]
    assert not again.is_corrected
    line = "dial tcp 127.0.0.1:3306: connect: connection refused"
    assert not learnt(likely_cause(1, [line])).is_corrected, "MySQL asks for a login"


def test_a_place_that_did_not_help_is_taken_back_from_its_store():
    before = found_in(
        **{**PROCFILE, "serve.js": "", ".env.example": "REDIS_URL=redis://cache:6379"}
    )
    failure = Failure("web", "", likely_cause(1, ["connect ECONNREFUSED 127.0.0.1:6379"]))
    (lesson,) = corrected(before, [failure], KINDS)
    assert lesson.found.stores[0].known
    assert not [s for s in taken_back(lesson.found, before, failure).stores if s.known]


BROKER = {**PROCFILE, "serve.js": "process.env.NATS_URL"}


def test_a_broker_gets_the_login_that_a_program_knows_by_itself():
    before = learnt(needed("NATS_URL")).found
    failure = Failure("web", "", likely_cause(1, ["ACCESS_REFUSED - Login was refused"]))
    (lesson,) = corrected(before, [failure], KINDS)
    assert (lesson.found.broker.known.user, lesson.found.broker.known.password) == ("guest",) * 2
    assert taken_back(lesson.found, before, failure).broker.known is None
    assert not learnt(failure.cause).is_corrected, "there is no broker"


FIELD = ("allowed_hosts", "  Input should be a valid {}, unable to parse [type={}, input_value='']")


@pytest.mark.parametrize(
    ("says", "kind", "value"),
    [
        ("integer", "int_parsing", "10"),
        ("boolean", "bool_parsing", "false"),
        ("URL", "url_parsing", "http://localhost"),
    ],
)
def test_settings_get_a_value_of_the_kind_that_they_insist_on(says, kind, value):
    cause = likely_cause(1, ["1 validation error", "max_retries", FIELD[1].format(says, kind)])
    assert web(learnt(cause)).env["MAX_RETRIES"] == value


def test_settings_get_one_of_the_values_that_they_name():
    says = "  Input should be 'dev', 'stage' or 'prod' [type=literal_error, input_value='local']"
    assert web(learnt(likely_cause(1, ["level", says]))).env["LEVEL"] == "dev"
    assert not learnt(likely_cause(1, ["level", FIELD[1].format("Path", "path_type")])).is_corrected


def test_settings_that_read_a_list_as_json_get_one():
    says = 'SettingsError: error parsing value for field "origins" from source "EnvSettingsSource"'
    cause = likely_cause(1, [says])
    files = {
        **PROCFILE,
        ".env.example": "ORIGINS=a.example, b.example",
        "serve.js": "process.env.ORIGINS",
    }
    assert web(learnt(cause, files=files)).env["ORIGINS"] == '["a.example", "b.example"]'
    assert not learnt(cause).is_corrected, "nothing gave it a value"


PYTHON = {
    "requirements.txt": "flask\n",
    "app.py": "from flask import Flask\napp = Flask(__name__)\n",
}


def lacks(module: str, files: dict[str, str]):
    cause = likely_cause(1, [f"ModuleNotFoundError: No module named '{module}'"])
    found = found_in(**files)
    (lesson,) = corrected(found, [Failure(found.services[0].name, "", cause)], KINDS)
    assert system_of(lesson.found)
    return lesson


def test_a_package_that_a_list_lacks_is_installed_with_the_others():
    lesson = lacks("yaml.reader", PYTHON)
    install = lesson.found.services[0].tasks["install"]
    there = (
        ".venv/bin/python -c 'import yaml.reader' 2>/dev/null || .venv/bin/pip install -q pyyaml"
    )
    assert install.endswith(f"&& {{ {there}; }}")
    assert "its code needs pyyaml" in lesson.note
    failure = Failure(
        lesson.found.services[0].name, "", likely_cause(1, ["No module named 'yaml'"])
    )
    assert not corrected(lesson.found, [failure], KINDS)[-1].is_corrected


def test_a_program_without_any_list_gets_an_environment():
    found = found_in(**{"app.py": "import shop\n", "Procfile": "web: python3 app.py"})
    own = replace(found.services[0], tasks={"migrate": "python3 migrate.py"})
    failure = Failure("web", "migrate", likely_cause(1, ["No module named 'redis'"]))
    (lesson,) = corrected(replace(found, services=(own,)), [failure], KINDS)
    (service,) = lesson.found.services
    assert service.run == ".venv/bin/python app.py"
    assert [*service.tasks] == ["install", "migrate"]
    assert service.tasks["install"].startswith("test -e .venv/bin/python || (python3 -m venv")
    assert service.tasks["migrate"] == ".venv/bin/python migrate.py"


def test_uv_brings_a_package_as_it_runs():
    service = lacks("jwt", {**PYTHON, "uv.lock": "", "pyproject.toml": "[project]\nname='x'\n"})
    assert "uv run --with pyjwt " in service.found.services[0].run


def test_a_module_that_later_releases_lack_brings_an_older_one():
    lesson = lacks("vine.five", PYTHON)
    install = lesson.found.services[0].tasks["install"]
    assert (
        "python -c 'import vine.five' 2>/dev/null || .venv/bin/pip install -q 'vine<5'" in install
    )


def test_all_that_lacks_a_value_gets_one_where_an_error_names_none():
    files = {
        **PYTHON,
        "app.py": "import os\nprint('a' + os.getenv('SHOWN_NAME'))\nos.environ['API_KEY']",
    }
    found = found_in(**files)
    own = replace(found.services[0], missing={"SHOWN_NAME": "app.py:2"}, env={}, secrets=())
    said = 'TypeError: can only concatenate str (not "NoneType") to str'
    failure = Failure(own.name, "", likely_cause(1, [said]))
    (lesson,) = corrected(replace(found, services=(own,)), [failure], KINDS)
    (service,) = lesson.found.services
    assert (service.env["SHOWN_NAME"], service.missing) == ("shown-name", {})
    assert "SHOWN_NAME have one now" in lesson.note
    assert not corrected(lesson.found, [failure], KINDS)[0].is_corrected, "there is none left"


def test_what_django_says_of_its_own_absence_is_understood():
    said = "ImportError: Couldn't import Django. Are you sure it's installed and available on your"
    cause = likely_cause(1, [said])
    (lesson,) = corrected(found_in(**PYTHON), [Failure("app", "", cause)], KINDS)
    assert lesson.is_corrected
    assert "install -q django;" in lesson.found.services[0].tasks["install"]


def test_a_module_of_no_known_package_is_only_noted():
    assert not lacks("helpers_of_ours", PYTHON).is_corrected


def test_what_ends_when_its_work_is_done_becomes_a_task_of_its_neighbour():
    found = found_in(**PROCFILE)
    failure = Failure("worker", "", likely_cause(0, []))
    (lesson,) = corrected(found, [failure], KINDS)
    assert [s.name for s in lesson.found.services] == ["web"]
    assert web(lesson).tasks == {"worker": "./work"}
    assert "# tried: worker ends when its work is done" in text_of(lesson.found)
    meant_to_stay = Failure("web", "", likely_cause(0, [], ProcessEvidence(wanted={"PORT": 1})))
    assert not corrected(found, [meant_to_stay], KINDS)[0].is_corrected


def test_a_port_that_was_only_assumed_is_none_where_a_program_listens_on_none():
    found = found_in(Procfile="web: ./serve\nworker: ./work\nclock: python3 c.py", **{"c.py": "x"})
    listens = wrong_ports([], ProcessEvidence(wanted={"PORT": 8000}))
    ends = likely_cause(0, [], ProcessEvidence(wanted={"PORT": 8000}))
    (lesson,) = corrected(found, [Failure("clock", "", listens)], KINDS)
    clock = next(s for s in lesson.found.services if s.name == "clock")
    assert (clock.ports, clock.guesses) == ({}, ())
    assert not corrected(found, [Failure("web", "", listens)], KINDS)[0].is_corrected
    (lesson,) = corrected(found, [Failure("clock", "", ends)], KINDS)
    assert web(lesson).tasks == {"clock": "python3 c.py"}


def test_a_task_that_others_wait_for_goes_with_what_ends():
    files = {**PYTHON, "Procfile": "load: python load.py\nweb: python app.py", "load.py": "print()"}
    found = found_in(**files)
    begins = {s.name: s.tasks["install"].split()[0] for s in found.services}
    assert begins == {"load": "test", "web": "until"}
    (lesson,) = corrected(found, [Failure("load", "", likely_cause(0, []))], KINDS)
    (left,) = lesson.found.services
    assert (left.name, [*left.tasks]) == ("web", ["install", "load"])
    assert not left.tasks["install"].startswith("until")


def test_a_script_without_its_mode_is_read_by_a_shell():
    cause = likely_cause(126, ["sh: 1: ./serve: Permission denied"])
    assert web(learnt(cause)).run == "sh ./serve"


def test_a_path_that_is_not_there_is_not_asked_for_health():
    web_of = {"web/package.json": '{"scripts": {"start": "node s.js"}}'}
    web_of["web/s.js"] = 'app.get("/health", x); app.listen(process.env.PORT)'
    found = found_in(**web_of)
    (service,) = found.services
    assert service.probe == "/health"
    for status, is_corrected in (("404 Not Found", True), ("503 Service Unavailable", False)):
        cause = f"not ready within 60 s (/health answers {status})"
        (lesson,) = corrected(found, [Failure("web", "", cause)], KINDS)
        assert lesson.is_corrected == is_corrected
        assert (lesson.found.services[0].probe == "") == is_corrected


def test_a_program_that_was_built_at_another_place_is_started_there():
    cause = likely_cause(1, ["Error: Cannot find module '/x/dist/main'"])
    found = found_in(**PROCFILE)
    failure = Failure("web", "", cause, (), ("dist/src/main.js",))
    (lesson,) = corrected(found, [failure], KINDS)
    assert lesson.found.services[0].run == "node dist/src/main.js"
    unclear = replace(failure, elsewhere=("dist/a/main.js", "dist/b/main.js"))
    assert not corrected(found, [unclear], KINDS)[0].is_corrected


@pytest.mark.parametrize(
    "cause",
    [
        "'dotnet' is not on PATH; https://dotnet.microsoft.com/download",
        likely_cause(127, ["sh: 1: bundle: not found"]),
        likely_cause(
            1, ["go: go.mod requires go >= 1.27.0 (running go 1.26.8; GOTOOLCHAIN=local)"]
        ),
        likely_cause(1, ["ERROR: No matching distribution found for Django==6.1"]),
        likely_cause(1, ["Expected version: ^22.21.0", "Got: v20.20.2"]),
    ],
)
def test_what_this_machine_lacks_is_left_out_of_the_next_try(cause):
    lesson = learnt(cause)
    assert lesson.is_absent
    assert not lesson.is_corrected
    assert f"tried: {cause}" == lesson.note


def test_one_try_teaches_several_things_and_says_each_once():
    lesson = learnt(needed("REDIS_URL"), needed("API_SECRET"), "no port", "no port")
    assert len(web(lesson).remarks) == 3
    assert corrected(found_in(**PROCFILE), [Failure("db", "", "x")], KINDS) == ()


def test_a_task_that_fails_is_named():
    failure = Failure("web", "migrate", "ended with exit status 1")
    (lesson,) = corrected(found_in(**PROCFILE), [failure], KINDS)
    assert lesson.note == "tried: task migrate: ended with exit status 1"


def test_a_library_that_requires_encryption_gets_it_disabled():
    files = {**PROCFILE, "requirements.txt": "psycopg"}
    files["serve.py"] = 'import os\nos.environ["DATABASE_URL"]'
    lesson = learnt(likely_cause(1, ["pq: SSL is not enabled on the server"]), files=files)
    assert web(lesson).env["DATABASE_URL"] == "${stores.db.url}?sslmode=disable"
    assert lesson.is_corrected


SETTINGS = {
    **PROCFILE,
    "pyproject.toml": "[project]\ndependencies = ['pydantic-settings', 'asyncpg']\n",
    "settings.py": "from pydantic_settings import BaseSettings\n\n\n"
    "class S(BaseSettings):\n"
    "    model_config = SettingsConfigDict(env_prefix='DB_PG_')\n"
    "    host: str\n    level: Level\n    api_secret: str\n",
}


def test_the_field_of_a_settings_class_is_named_with_its_prefix():
    lesson = learnt(needed("LEVEL"), files=SETTINGS)
    assert web(lesson).env["DB_PG_LEVEL"] == "db-pg-level"
    assert lesson.note.startswith("tried: it does not start without DB_PG_LEVEL")
    assert not learnt(needed("API_SECRET"), files=SETTINGS).is_corrected, "it has one"


def test_a_word_that_may_mean_any_database_brings_none():
    lesson = learnt(needed("DB"))
    assert not lesson.is_corrected
    assert not lesson.found.stores


def test_what_did_not_help_is_taken_back_and_the_failure_is_noted():
    before = found_in(**PROCFILE)
    failure = Failure("web", "", needed("REDIS_URL"))
    (lesson,) = corrected(before, [failure, Failure("worker", "", needed("PGHOST"))], KINDS)[:1]
    after = corrected(lesson.found, [Failure("worker", "", needed("PGHOST"))], KINDS)[-1].found
    now = taken_back(after, before, failure)
    assert {store.name for store in now.stores} == {"db"}, "another service's stays"
    text = text_of(now)
    assert "REDIS_URL:" not in text
    assert "# tried: missing environment variable REDIS_URL" in text
    assert "its value now" not in text.split("  worker:")[0]


def test_a_failure_that_is_only_noted_changes_nothing_else():
    before = found_in(**PROCFILE)
    (lesson,) = noted(before, [Failure("web", "", needed("REDIS_URL"))], KINDS)
    assert not lesson.is_corrected
    assert not lesson.found.stores
    assert lesson.note.startswith("tried: missing environment variable REDIS_URL")
