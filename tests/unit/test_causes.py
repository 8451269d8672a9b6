"""The likely cause of an end is named from its last lines, the latest first."""

from __future__ import annotations

import pytest

from tarmac.base.launch import HttpProbe, Launch
from tarmac.plan.plan import Node
from tarmac.run.local.diagnostics import diagnosis
from tarmac.run.local.diagnostics.causes import ProcessEvidence, likely_cause, wrong_ports
from tarmac.run.local.host import listeners
from tarmac.run.local.host.kernel import LISTEN, TcpSocket, parse
from tarmac.run.local.host.listeners import program


@pytest.mark.parametrize(
    ("status", "line", "expected"),
    [
        (1, "ModuleNotFoundError: No module named 'flask'", "module flask is not installed"),
        (
            1,
            "Redis transport requires redis-py versions 6.1.0 or later. You have 5.2.0",
            "for redis 6.1.0 or newer, and 5.2.0 is installed; install 'kombu<5.6'",
        ),
        (
            1,
            "/srv/build/db/drizzle.config.js file does not exist",
            "it reads /srv/build/db/drizzle.config.js, which is not there; build",
        ),
        (
            1,
            "ERROR  Refusing to run pnpm@10.16.1: its npm registry signature could not be verified",
            "it is for pnpm@10.16.1, which the registry gives no signature of; install that",
        ),
        (
            1,
            "dial tcp 127.0.0.1:6379: connect: connection refused",
            "something that it connects to is not listening, at 127.0.0.1:6379; have it read the",
        ),
        (
            1,
            "Error: connect ECONNREFUSED ::1:5432",
            "something that it connects to is not listening, at ::1:5432; have it",
        ),
        (1, "Error: Cannot find module 'express'", "module express is not installed"),
        (
            1,
            "Error: Cannot find module '/srv/jobs/dist/index.cjs'",
            "/srv/jobs/dist/index.cjs is not there; build the program first",
        ),
        (
            1,
            "ProbableAuthenticationError: ACCESS_REFUSED - Login was refused using PLAIN.",
            "the broker refuses its login; have it read `${broker.user}` and",
        ),
        (1, "OSError: [Errno 98] Address already in use", "its port is taken"),
        (1, "Error: listen EADDRINUSE: address already in use :::3000", "its port is taken"),
        (1, "could not write: No space left on device", "the disk is full"),
        (126, "sh: ./app: Exec format error", "another architecture"),
        (1, 'FATAL:  password authentication failed for user "x"', "rejected its password"),
        (1, "Initialize failed: pq: unknown authentication response: 10", "older than SCRAM"),
        (1, "SCRAM authentication requires libpq version 10 or above", "older than SCRAM"),
        (
            1,
            "DETAIL: ... initialized by PostgreSQL version 18, ... with this version 15.18 (De).",
            "its data was written by PostgreSQL 18, but 15 runs here",
        ),
        (1, "# Can't handle RDB format version 80", "its data was written by a newer version"),
        (
            1,
            "ERROR:  permission denied for table votes",
            "votes belongs to another service that uses the store",
        ),
        (1, 'ERROR:  extension "uuid-ossp" is not available', "lacks the extension uuid-ossp"),
        (
            1,
            "QueryFailedError: function uuid_generate_v4() does not exist",
            "lacks the extension uuid_generate_v4",
        ),
        (
            1,
            "ERROR:  must be owner of relation votes",
            "votes belongs to another service that uses the store",
        ),
        (1, "KeyError: 'DATABASE_URL'", "missing environment variable DATABASE_URL"),
        (
            1,
            "orders: JWKS_URL is not set; add it to its env",
            "missing environment variable JWKS_URL",
        ),
        (1, "Error: getaddrinfo ENOTFOUND redis", "host redis does not exist here"),
        (1, 'could not translate host name "db" to address', "host db does not exist here"),
        (1, "dial tcp: lookup db on 127.0.0.53:53: no such host", "host db does not exist here"),
        (
            1,
            "Error -2 connecting to redis:6379. Name or service not known.",
            "host redis does not exist here",
        ),
        (
            1,
            "socket.gaierror: [Errno -2] Name or service not known",
            "a host that does not exist here",
        ),
        (1, "connect ECONNREFUSED 127.0.0.1:5432", "is not listening"),
        (1, "SyntaxError: invalid syntax", "SyntaxError in its code: invalid syntax"),
        (-9, "", "it was killed (SIGKILL)"),
        (-11, "", "terminated by SIGSEGV"),
        (127, "", "a command in its script was not found"),
        (
            127,
            "/bin/sh: 2: pnpm: not found",
            "program pnpm was not found; install it (npm install -g pnpm), or correct `run`",
        ),
        (127, "/bin/sh: 2: shop: not found", "program shop was not found; install it, or correct"),
        (0, "", "exited without an error"),
        (3, "something else", ""),
    ],
)
def test_the_cause_is_named(status, line, expected):
    assert expected in likely_cause(status, ["earlier", line])
    assert bool(expected) == bool(likely_cause(status, [line]))


def test_what_is_to_listen_and_ends_is_said_to_start_no_server():
    evidence = ProcessEvidence(wanted={"PORT": 8080})
    assert "nothing of it stays at port 8080" in likely_cause(0, ["routes: 1"], evidence)
    assert "port" not in likely_cause(0, ["done"])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Error: no application found", "  at x"], "it says: Error: no application found"),
        (["ValueError: bad", "more"], "it says: ValueError: bad"),
        (["error: one", "app.errors.Broken: no", "panic: two"], "it says: panic: two"),
        (["ERROR: a", "ERROR:    Application startup failed. Exiting."], "it says: ERROR: a"),
        (["no errors here", "errors: 0"], ""),
        (
            ["starting", "2026/11/30 11:09:25 The queue must be enabled", "exit status 1"],
            "ended with exit status 1, and said last: The queue must be enabled",
        ),
    ],
)
def test_what_nobody_knows_is_quoted(lines, expected):
    assert likely_cause(1, lines) == expected


def test_the_latest_line_wins():
    assert "disk" in likely_cause(1, ["Permission denied", "No space left on device"])


@pytest.mark.parametrize(
    "line",
    [
        "KeyError: 'API_KEY'",
        "Error: API_KEY is not set",
        "Error: Variable API_KEY not found in environment",
        "Error: Missing required environment variable: API_KEY",
        "missing env var API_KEY",
        "API_KEY environment variable is required",
        "TypeError: process.env.API_KEY is undefined",
        "panic: required key API_KEY missing value",
        "Could not resolve placeholder 'API_KEY' in value \"${API_KEY}\"",
        'key not found: "API_KEY" (KeyError)',
        "RuntimeError: environment variable API_KEY must be set",
        "The API_KEY setting: API_KEY must not be empty; API_KEY is undefined",
    ],
)
def test_a_variable_that_nobody_gives_is_named_in_every_language(line):
    said = "missing environment variable API_KEY; set it under `env` or `secrets`"
    assert likely_cause(1, ["Traceback:", line]) == said
    assert likely_cause(1, [line], ProcessEvidence(given=["API_KEY"])) != said


def test_a_field_of_pydantic_settings_is_the_line_before():
    lines = [
        "pydantic_core.ValidationError: 1 validation error for Settings",
        "database_url",
        "  Field required [type=missing, input_value={}, input_type=dict]",
    ]
    assert likely_cause(1, lines).startswith("missing environment variable DATABASE_URL")
    given = ProcessEvidence(given=["STORE_DATABASE_URL"])
    assert likely_cause(1, lines, given).endswith("; it has STORE_DATABASE_URL")


SCENE = ProcessEvidence(
    wanted={"PORT": 20034}, held=[3000], holder=lambda port: f"pid {port}9 (nginx x)"
)


OWN = (
    "it listens on port 3000, which Tarmac reserves; change its port to PORT=20034, "
    "or set `listen: fixed`"
)
OTHER = "port 9000 is taken by pid 90009 (nginx x); it should listen on PORT=20034"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Error: listen EADDRINUSE: address already in use :::3000", OWN),
        (
            "listen tcp :20034: bind: address already in use",
            "its port 20034 is taken by pid 200349 (nginx x)",
        ),
        ("[Errno 98] error while binding ('0.0.0.0', 9000): address already in use", OTHER),
    ],
)
def test_a_taken_port_says_whose_it_is_and_where_to_listen(line, expected):
    assert likely_cause(1, [line], SCENE) == expected


def test_a_taken_port_that_is_not_named_says_where_to_listen():
    said = likely_cause(1, ["OSError: [Errno 98] Address already in use"], SCENE)
    assert said == "its port is taken by another process; expected PORT=20034"


READ_IT = "read the port from the variable, or set "
FIXED = "`listen: fixed`"
NO_WORKER = "a worker that serves no requests needs no `port` in the file"
OF_THESE = f"its port to one of these with {FIXED}"


@pytest.mark.parametrize(
    ("listeners", "expected"),
    [
        (
            [],
            f"it listens on no port; expected PORT=20034; {NO_WORKER}",
        ),
        ([TcpSocket(20034, "127.0.0.1")], ""),
        ([TcpSocket(20034, "0.0.0.0")], ""),
        ([TcpSocket(20034, "::")], ""),
        (
            [TcpSocket(9000, "0.0.0.0"), TcpSocket(9001, "127.0.0.1")],
            f"it listens on 9000, 9001; expected PORT=20034; {READ_IT}{OF_THESE}",
        ),
        (
            [TcpSocket(8080, "0.0.0.0")],
            f"it listens on 8080; expected PORT=20034; {READ_IT}its port to 8080 with {FIXED}",
        ),
        (
            [TcpSocket(3000, "0.0.0.0")],
            f"it listens on 3000; expected PORT=20034; {READ_IT}{FIXED}",
        ),
        (
            [TcpSocket(20034, "10.0.0.5")],
            "it listens on 10.0.0.5 port 20034, not on 127.0.0.1; have it listen on HOST",
        ),
        ([TcpSocket(20034, "::1")], ""),  # it is reached there
    ],
)
def test_where_it_listens_is_compared_with_where_it_should(listeners, expected):
    assert wrong_ports(listeners, SCENE) == expected


def test_what_builds_a_program_and_its_tools_are_not_where_it_listens(monkeypatch):
    lines = {
        1: ["java", "-classpath", "gradle/wrapper/gradle-wrapper.jar", "run"],
        2: ["java", "org.gradle.launcher.daemon.bootstrap.GradleDaemon", "8.7"],
        3: ["java", "-cp", "build/classes", "shop.MainKt"],
    }
    ports = {1: [], 2: [TcpSocket(41233, "::1")], 3: [TcpSocket(8080, "::"), TcpSocket(9229, "::")]}
    monkeypatch.setattr(listeners, "descendants", lambda pid: [2, 3])
    monkeypatch.setattr(listeners, "_argv", lines.get)
    monkeypatch.setattr(listeners, "of", lambda pids: [s for pid in pids for s in ports[pid]])
    assert [socket.port for socket in listeners.of_program(1)] == [8080]


PROBED = Node(
    "web",
    "service",
    "web",
    Launch(("web",), HttpProbe(20034, "/health")),
    "web",
    ports={"http": 20034, "metrics": 20035},
)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("it listens on 9000; expected METRICS_PORT=20035; read", "not ready (503)"),
        (
            "it listens on 9000; expected PORT=20034; read",
            "it listens on 9000; expected PORT=20034",
        ),
        ("", "not ready (503)"),
    ],
)
def test_a_port_besides_the_one_that_is_asked_is_no_cause(seen, expected):
    said = diagnosis.cause(PROBED, "127.0.0.1", "not ready (503)", None, (), seen)
    assert said.startswith(expected)


def test_the_kernels_table_is_read():
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid inode\n"
        "   0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 4242 1\n"
        "   1: 0100007F:1F91 0100007F:1F90 01 0:0 00:0 0 0 0 4243 1\n"
        "   2: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0 0A 0:0 00:0 0 0 0 4244 1\n"  # noqa: E501
    )
    assert list(parse(table, LISTEN)) == [
        TcpSocket(8080, "127.0.0.1", "4242", 0, "0.0.0.0"),
        TcpSocket(8082, "::1", "4244", 0, "::"),
    ]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["/usr/bin/node", "--inspect", "server.js", "--secret=x"], "node server.js"),
        (["python3", "-m", "http.server"], "python3 http.server"),
        (["nginx"], "nginx"),
        (["redis-server", "--requirepass", "hunter2", "--port", "1"], "redis-server"),
        (["java", "-Xmx1g", "-jar", "shop.jar", "-p", "hunter2"], "java shop.jar"),
        ([], "a process that is ending"),
        (
            ["p", "-m", "tarmac.run.local.supervisor.daemon", '{"file": "/x.yaml"}'],
            "Tarmac, for /x.yaml",
        ),
        (["p", "-I", "/y/tarmac/run/local/network/wires.py"], "Tarmac's wires"),
    ],
)
def test_a_program_is_named_as_its_user_knows_it(argv, expected):
    assert program(argv) == expected


@pytest.mark.parametrize(
    ("line", "program", "expected"),
    [
        ("/a/.venv/bin/python: No module named gunicorn", "/bin/sh", "for /a/.venv/bin/python;"),
        ("ModuleNotFoundError: No module named 'x'", "/bin/sh", "in its environment;"),
        ("ModuleNotFoundError: No module named 'x'", "/a/python", "for /a/python;"),
    ],
)
def test_a_module_is_missing_for_the_program_that_looks_for_it(line, program, expected):
    assert expected in likely_cause(1, [line], ProcessEvidence(program=program))


def test_a_host_of_the_world_is_a_matter_of_the_network():
    said = likely_cause(1, ["request failed, reason: getaddrinfo ENOTFOUND binaries.example.org"])
    assert said.startswith("host binaries.example.org is not found; check the network")
    assert "does not exist here" in likely_cause(1, ["getaddrinfo ENOTFOUND db"])


def test_a_program_of_go_says_which_file_it_lacks():
    said = ["panic: Error Trace: ", " - open ssr.js: no such file or directory", "goroutine 1:"]
    assert likely_cause(2, said) == "it reads ssr.js, which is not there; build or write that first"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["failed to connect to `host=/var/run/postgresql user=root database=`: dial error"],
            "it was told no place of its database",
        ),
        (
            ['connection to server on socket "/tmp/.s.PGSQL.5432" failed: No such file'],
            "`${stores.NAME.url}`, under `env`",
        ),
        (
            ["Error [ERR_UNKNOWN_BUILTIN_MODULE]: No such built-in module: node:sqlite", "v20"],
            "it is for a newer Node than the one that runs here",
        ),
        (
            ["Usage: make <subcommand>", "", "  module <name>  Make a module", "exit status 1"],
            "leave it out of the services if it is a tool that people start by hand",
        ),
        (
            ['connection to server at "172.26.226.126", port 5432 failed: received invalid'],
            "it connects to 172.26.226.126, an address of another network; have it read",
        ),
        (["dial tcp 10.0.0.7:6379: i/o timeout"], "it connects to 10.0.0.7, an address of another"),
        (["Error: required flag(s) not set", "Usage:", "  x [flags]"], "it says: Error: required"),
    ],
)
def test_a_program_that_was_told_too_little_says_what(lines, said):
    assert said in likely_cause(1, lines)


def test_celery_says_why_it_does_not_run_as_root():
    said = ["Running a worker with superuser privileges when the", "worker accepts messages"]
    assert "Celery refuses to run as root" in likely_cause(1, said)


def test_a_program_for_other_tools_than_these_says_which():
    go = "go: go.mod requires go >= 1.27.0 (running go 1.26.8; GOTOOLCHAIN=local)"
    assert likely_cause(1, [go]) == "it is for Go 1.27.0, and 1.26.8 runs here; install that one"
    assert "another version of its tools, ^22.21.0" in likely_cause(
        1, ["Expected version: ^22.21.0"]
    )
    yarn = 'error This project\'s package.json defines "packageManager": "yarn@4.12.0". However'
    assert "yarn@4.12.0, and another one is on PATH; run `corepack enable`" in likely_cause(
        1, [yarn]
    )
    pip = "ERROR: No matching distribution found for Django==6.1"
    assert likely_cause(1, [pip]).startswith("no version of Django fits this Python")
    assert "sslmode=disable" in likely_cause(1, ["pq: SSL is not enabled on the server"])


def test_a_module_of_a_folder_above_is_no_package(tmp_path):
    for name in ("app/worker", "app/models"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "tarmac.yaml").write_text("")
    said = "module models.users is not installed for .venv/bin/python; install it there"
    found = diagnosis.in_a_folder_above(said, tmp_path / "app/worker")
    assert found.startswith(f"module models is not found from {tmp_path}/app/worker; it is in ")
    assert f"{tmp_path}/app: give" in found
    assert not diagnosis.in_a_folder_above(said.replace("models", "flask"), tmp_path / "app/worker")
    assert not diagnosis.in_a_folder_above(said, tmp_path)
    assert not diagnosis.in_a_folder_above("its port is taken", tmp_path / "app/worker")


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["Starting", "Waiting for postgres...", ""], "postgres"),
        (["still waiting for the db-host to come up"], "db-host"),
        ([" [*] Waiting for messages. To exit press CTRL+C"], ""),
        (["Waiting for postgres...", "PostgreSQL started"], ""),
        ([], ""),
    ],
)
def test_a_program_that_waits_says_for_what(lines, what):
    said = diagnosis.waits(lines)
    assert (f"that it waits for {what}:" in said) == bool(what) == bool(said)


def test_the_folder_of_golang_migrates_steps_is_named_whole():
    said = ['panic: failed to open source, "file:///db/steps/": open .: no such file or directory']
    assert likely_cause(2, said) == (
        "it reads /db/steps/, which is not there; build or write that first"
    )


def test_where_npm_has_its_own_log_is_no_reason():
    said = [
        "npm error could not determine executable to run",
        "npm error A complete log of this run can be found in: /root/.npm/_logs/a-debug-0.log",
    ]
    cause = likely_cause(1, said)
    assert cause.endswith("npm error could not determine executable to run")
