"""What a twenty-eighth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, text_of

from tarmac.adopt.survey.found import MIGRATE
from tarmac.adopt.survey.survey import survey
from tarmac.cli.parts.repository import open_repository
from tarmac.run.local.diagnostics.causes import likely_cause

GO = {"go.mod": "module x\ngo 1.22\n"}
SERVES = 'package main\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
READS = 'import os\nfrom flask import Flask\napp = Flask(__name__)\nMODE = os.environ["APP_MODE"]\n'
#: What is there where no file says it.
ASSUMED = "development"
PYTHON = {"requirements.txt": "flask\n", "app.py": READS}


def readme(block, before="Create a `.env` file:", language=""):
    return f"# Notes\n\n{before}\n\n```{language}\n{block}\n```\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (readme("APP_MODE=plain\nOTHER=1"), "plain"),
        (readme("# the mode\nexport APP_MODE='plain'", language="bash"), "plain"),
        (readme("APP_MODE=plain", before="Variables", language="env"), "plain"),
        (readme("export APP_MODE=plain", before="Set it in your shell:", language="bash"), "plain"),
        (readme("APP_MODE=your-mode"), ASSUMED),
        (readme("APP_MODE=<mode>"), ASSUMED),
        (readme("APP_MODE=plain\npython app.py"), ASSUMED),
        (readme("APP_MODE=plain", before="For production:"), ASSUMED),
        (readme("APP_MODE=$(hostname)", before="", language="bash"), ASSUMED),
    ],
)
def test_a_readme_says_what_to_write_into_the_file_of_variables(text, value):
    (app,) = found_in(**PYTHON, **{"README.md": text}).services
    assert app.env.get("APP_MODE") == value
    assert bool(app.guesses[1:]) == (value == ASSUMED)


def test_an_example_goes_before_a_readme_and_nothing_copies_that():
    files = {**PYTHON, "README.md": readme("APP_MODE=plain")}
    (app,) = found_in(**files, **{".env.example": "APP_MODE=own\n"}).services
    assert app.env["APP_MODE"] == "own"
    loads = 'package main\nimport "os"\nfunc main() {\n\tif err := godotenv.Load(); err != nil {'
    loads += ' panic(err) }\n\thttp.ListenAndServe(os.Getenv("APP_MODE"), nil)\n}\n'
    (app,) = found_in(**GO, **{"main.go": loads, "README.md": readme("APP_MODE=:80")}).services
    assert app.tasks["dotenv"] == "test -e .env || touch .env"


def test_a_compose_file_has_the_variables_that_the_readme_lists():
    compose = "services:\n  web:\n    build: .\n    env_file: .env\n"
    text = readme("APP_MODE=plain\nSECRET_KEY=your-secret-key", language="env")
    found = found_in(**FLASK, **{"docker-compose.yml": compose, "README.md": text})
    assert found.services[0].env["APP_MODE"] == "plain"
    assert "SECRET_KEY" not in found.services[0].env


def test_a_key_that_a_readme_shows_is_not_turned_on():
    code = READS + 'KEYS = os.getenv("API_KEYS", "none")\nSECRET = os.environ["SECRET_KEY"]\n'
    text = readme("APP_MODE=plain\nAPI_KEYS=abc\nSECRET_KEY=abc")
    (app,) = found_in(**{**PYTHON, "app.py": code, "README.md": text}).services
    assert app.secrets == ("SECRET_KEY",)


def test_a_number_that_code_makes_of_a_variable_has_to_be_given():
    code = READS.replace('os.environ["APP_MODE"]', 'int(os.getenv("APP_MINUTES"))')
    (app,) = found_in(**{**PYTHON, "app.py": code}).services
    assert "APP_MINUTES" in app.missing
    code = code.replace('"APP_MINUTES"', '"APP_MINUTES", 5')
    (app,) = found_in(**{**PYTHON, "app.py": code}).services
    assert not app.missing


def test_the_variable_of_a_number_that_is_none_is_named():
    lines = [
        'File "/x/auth.py", line 15, in <module>',
        '    MINUTES = int(os.getenv("APP_MINUTES"))',
        "TypeError: int() argument must be a string or a real number, not 'NoneType'",
    ]
    assert "missing environment variable APP_MINUTES" in likely_cause(1, lines)
    other = [lines[0], "    return int(value)", lines[2]]
    assert likely_cause(1, other).startswith("it says: TypeError")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("CMD go run cmd/migrate/main.go; go run cmd/web/main.go", "; go run cmd/web/main.go"),
        ('CMD ["sh", "-c", "go run cmd/migrate/main.go ; go run cmd/web/main.go;"]', "; go run"),
        ("CMD go run cmd/web/main.go 'a;b'", "go run cmd/web/main.go 'a;b'"),
    ],
)
def test_commands_that_a_semicolon_parts_are_two(command, line):
    files = {**GO, "cmd/web/main.go": SERVES, "cmd/migrate/main.go": SERVES}
    docker = f"FROM golang:1.22\nWORKDIR /app\nCOPY . .\n{command}\n"
    compose = "services:\n  web:\n    build: .\n"
    said = runs(found_in(**files, **{"Dockerfile": docker, "docker-compose.yml": compose}))
    assert line in said["web"]
    assert "main.go;'" not in said["web"]


def test_a_variable_of_an_image_chooses_the_file_of_settings_for_here():
    files = {
        **GO,
        "main.go": SERVES,
        "config/local.yaml": "app: {level: info}\n",
        "config/docker.yaml": "app: {level: warn}\n",
        "Dockerfile": "FROM golang:1.22\nENV APP_ENV=docker\nCMD go run .\n",
        "docker-compose.yml": "services:\n  web:\n    build: .\n",
    }
    (web,) = found_in(**files).services
    assert web.env["APP_ENV"] == "local"
    del files["config/local.yaml"]
    (web,) = found_in(**files).services
    assert web.env["APP_ENV"] == "docker"


ONCE = """\
    services:
      init_db:
        build: .
        command: python init_db.py
        restart: "no"
      web:
        build: .
        ports: ["8000:8000"]
"""


def test_a_container_that_makes_tables_by_its_name_is_a_task():
    code = {**FLASK, "init_db.py": "print()\n", "docker-compose.yml": ONCE}
    (web,) = found_in(**code).services
    assert web.tasks["init-db"].endswith("init_db.py")
    stays = {**code, "docker-compose.yml": ONCE.replace('"no"', "always")}
    assert len(found_in(**stays).services) == 2


def test_a_program_is_started_below_its_file_of_variables():
    loads = (
        'package main\nfunc main() { godotenv.Load("../../.env"); http.ListenAndServe("", nil) }'
    )
    files = {**GO, "cmd/api/main.go": loads, "cmd/consumer/main.go": loads.replace("../../", "../")}
    assert runs(found_in(**files)) == {
        "api": "go run -C cmd/api .",
        "consumer": "go run -C cmd ./consumer",
    }


FILLS = "package main\nfunc main() { fill() }\n"


def test_what_fills_or_makes_tables_is_no_service():
    files = {**GO, "cmd/api/main.go": SERVES, "cmd/seed/main.go": FILLS}
    (api,) = found_in(**files).services
    assert "go run ./cmd/seed" in text_of(found_in(**files))
    assert MIGRATE not in api.tasks
    (api,) = found_in(**{**files, "cmd/migrate/main.go": FILLS}).services
    assert api.tasks[MIGRATE] == "go run ./cmd/migrate"
    words = 'package main\nimport "os"\nfunc main() { up(os.Args[1]) }\n'
    (api,) = found_in(**{**files, "cmd/migrate/main.go": words}).services
    assert MIGRATE not in api.tasks
    (seed,) = found_in(**GO, **{"cmd/seed/main.go": FILLS}).services
    assert seed.name == "seed" or seed.run == "go run ./cmd/seed"


@pytest.mark.parametrize(
    ("use", "task"),
    [
        ('"migrate",', "go run ./cmd/x migrate"),
        ('"migrate", Args: cobra.ExactArgs(1),', ""),
        ('"migrate up",', ""),
    ],
)
def test_a_command_that_makes_the_tables_comes_first(use, task):
    commands = (
        "package cmd\nvar a = cobra.Command{Use: "
        f'{use} Run: func() {{}}}}\nvar b = cobra.Command{{Use: "server", Run: func() {{}}}}\n'
    )
    files = {
        "cmd/x/main.go": "package main\nfunc main() { cmd.Go() }\n",
        "internal/cmd/a.go": commands,
    }
    (x,) = found_in(**GO, **files).services
    assert x.run == "go run ./cmd/x server"
    assert x.tasks.get(MIGRATE, "") == task


CHOICE = """\
    import os
    from flask import Flask
    app = Flask(__name__)
    env = os.environ.get("APP_ENV")
    if env == "production":
        DEBUG = False
    elif env == "development":
        DEBUG = True
    else:
        raise ValueError("APP_ENV")
"""


def test_what_chooses_the_settings_is_said_where_a_program_ends_without_it():
    (app,) = found_in(**{**PYTHON, "app.py": CHOICE}).services
    assert app.env["APP_ENV"] == "development"
    mild = CHOICE.replace('raise ValueError("APP_ENV")', "DEBUG = None")
    (app,) = found_in(**{**PYTHON, "app.py": mild}).services
    assert "APP_ENV" not in app.env
    assert "missing environment variable APP_ENV" in likely_cause(
        1, ["ImproperlyConfigured: APP_ENV environment variable must be set to 'a' or 'b'."]
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["ZodError: [", "    path: [ 'APP_PLACE' ],", "    message: 'Required'", "  }", "]"],
        ["ZodError: [", '    "path": [', '      "APP_PLACE"', "    ],", "]"],
    ],
)
def test_the_variable_that_a_schema_lacks_is_named(lines):
    assert "missing environment variable APP_PLACE" in likely_cause(1, lines)


def test_a_default_that_is_a_path_of_the_container_is_one_of_here():
    code = (
        "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
        'LOG = os.getenv("LOG_FILE", "/app/logs/app.log")\n'
        'KEEP = os.getenv("KEEP", "/app/data/kept")\nOTHER = os.getenv("OTHER", "/etc/hosts")\n'
        'ROUTE = os.getenv("ROUTE", "/api/v1")\n'
    )
    compose = (
        "services:\n  web:\n    build: .\n    volumes: ['.:/app', 'kept:/app/data']\n"
        "volumes:\n  kept:\n"
    )
    (web,) = found_in(**{**FLASK, "app.py": code, "compose.yml": compose}).services
    assert web.env["LOG_FILE"] == "logs/app.log"
    assert web.env["KEEP"] == "${volumes.kept.path}/kept"
    assert "OTHER" not in web.env
    assert "ROUTE" not in web.env


def test_a_script_without_its_mode_is_started_by_a_shell():
    wrapper = {"mvnw": "#!/bin/sh\n", ".mvn/wrapper/maven-wrapper.properties": ""}
    files = {"pom.xml": "<project>spring-boot</project>", **wrapper}
    files["src/main/java/A.java"] = (
        "@SpringBootApplication\nclass A { static void main(String[] a) {} }"
    )
    root = replace(folder_of(files), starts=lambda name: name != "mvnw")
    (app,) = survey(root, CATALOGUE, KINDS).services
    assert app.run == "sh ./mvnw -q spring-boot:run"
    assert "within: 5m" in text_of(survey(root, CATALOGUE, KINDS))
    (app,) = found_in(**files).services
    assert app.run == "./mvnw -q spring-boot:run"


def test_a_repository_says_which_file_may_be_started(tmp_path):
    (tmp_path / "a").write_text("#!/bin/sh\n")
    (tmp_path / "b").write_text("#!/bin/sh\n")
    (tmp_path / "b").chmod(0o755)
    root = open_repository(tmp_path, lambda name, why: None)
    assert [root.starts(name) for name in ("a", "b", "none")] == [False, True, True]


@pytest.mark.parametrize(
    ("default", "is_told"), [(":9091", True), (":9092", False), ("peer:9091", False)]
)
def test_an_address_with_the_port_of_its_container_is_where_it_listens(default, is_told):
    code = (
        'package main\nimport "os"\nfunc getEnv(a, b string) string { return b }\nfunc main() {\n'
        f'\thttp.ListenAndServe(getEnv("METRICS_ADDR", "{default}"), nil)\n}}\n'
    )
    compose = "services:\n  web:\n    build: .\n    ports: ['9091:9091']\n"
    files = {"main.go": code, "Dockerfile": "FROM golang:1.22\nCMD go run .\n"}
    (web,) = found_in(**GO, **files, **{"compose.yml": compose}).services
    assert web.ports == {"http": 9091}
    assert ("METRICS_ADDR" in web.env) == is_told
    assert web.fixed != is_told
