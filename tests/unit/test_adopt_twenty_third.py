"""What a twenty-third round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import FLASK, folder_of, found_in, runs, text_of

from tarmac.adopt.packages.make_targets import recipe
from tarmac.adopt.packages.make_targets import text_of as makefile_of
from tarmac.adopt.variables import code

FASTAPI = {
    "requirements.txt": "fastapi\nuvicorn\ncelery\nalembic\n",
    "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
    "app/tasks.py": "from celery import Celery\nqueue = Celery()\n",
}


def named(found):
    return {service.name: service for service in found.services}


# Procfiles.


def test_a_line_of_a_procfile_that_names_a_usual_port_still_finds_its_packages():
    procfile = "web: alembic upgrade head && uvicorn app.main:app --port ${PORT:-8100}\n"
    found = found_in(**FASTAPI, Procfile=procfile)
    (web,) = found.services
    assert web.run == (
        ".venv/bin/python -m alembic upgrade head && "
        ".venv/bin/python -m uvicorn app.main:app --port $PORT"
    )
    assert web.ports == {"http": 8100}
    assert not web.guesses
    assert "install" in web.tasks


def test_a_target_of_make_in_a_procfile_is_what_make_would_do():
    makefile = """
    APP = app.tasks

    .PHONY: serve
    serve: ## at work
    \t@uvicorn app.main:app \\
    \t  --port 6011

    jobs:
    \t-celery -A $(APP) purge -f
    \t# then
    \tcelery -A ${APP} worker --pool=solo
    \t\t--concurrency=2
    other:
    \t$(shell date)
    """
    procfile = "web: make serve\nworker: make jobs\nclock: make other\n"
    found = named(found_in(**FASTAPI, **{"Procfile.dev": procfile, "Makefile": makefile}))
    assert found["web"].run == ".venv/bin/python -m uvicorn app.main:app --port $PORT"
    assert found["web"].ports == {"http": 6011}
    python = ".venv/bin/python -m"
    assert found["worker"].run == (
        f"{python} celery -A app.tasks purge -f && {python} celery -A app.tasks worker --pool=solo"
    )
    assert not found["worker"].ports
    assert found["clock"].run == "make other"


# Makefiles.


def test_the_lines_of_a_target_end_at_the_next_one():
    text = makefile_of(
        folder_of({"Makefile": "a: b\n\t@one $$HOME\n\n\t+two\nB := 1\nb:\n\tthree\n"})
    )
    assert recipe(text, "a") == ("one $HOME", "two")
    assert recipe(text, "b") == ("three",)
    assert recipe(text, "B") == ()
    assert recipe(text, "c") == ()


def test_a_program_that_only_a_makefile_builds_and_starts_is_started_by_it():
    makefile = """
    BIN := bin/shop
    CC ?= cc

    $(BIN): src/main.c
    \t$(CC) -o $@ $<

    run: $(BIN)
    \t./$(BIN) --verbose
    """
    found = found_in(**{"Makefile": makefile, "src/main.c": "int main() {}"})
    assert runs(found) == {"app": "make run"}
    assert "assumed: `make run` builds it and starts it" in text_of(found)


@pytest.mark.parametrize(
    "recipe_of_run",
    ["docker run shop", "./deploy.sh", "$(MAKE) all", "pytest"],
)
def test_a_target_that_starts_nothing_that_was_built_is_no_program(recipe_of_run):
    makefile = f"all: shop\n\tcc -o shop main.c\nrun: all\n\t{recipe_of_run}\n"
    assert not found_in(**{"Makefile": makefile, "main.c": ""}).services


# Go.


def test_what_a_watcher_sets_before_the_program_is_no_option_of_it():
    air = (
        '[build]\ncmd = "go build -o ./tmp/main ./cmd/shop"\nfull_bin = "MODE=dev ./tmp/main -v"\n'
    )
    main = "package main\nfunc main() {}\n"
    found = found_in(
        **{
            "go.mod": "module example.org/shop\n",
            "cmd/shop/main.go": main,
            "cmd/mail/main.go": main,
            ".air.toml": air,
            "Dockerfile": 'FROM golang:1\nWORKDIR /app\nCOPY . .\nCMD ["air", "-c", ".air.toml"]\n',
            "compose.yaml": "services: {shop: {build: .}}",
        }
    )
    assert runs(found)["shop"] == "go run ./cmd/shop -v"


# Profiles.


@pytest.mark.parametrize(("profile", "expected"), [("full", {"web", "jobs"}), ("tools", {"web"})])
def test_a_profile_that_is_called_the_whole_system_counts(profile, expected):
    compose = (
        "services: {web: {build: ., ports: ['80:5000']}, "
        f"jobs: {{build: ., command: celery -A app worker, profiles: [{profile}]}}}}"
    )
    assert {*named(found_in(**FLASK, **{"compose.yaml": compose}))} == expected


# Modules beside those of a compose file.


def module(name, *starters):
    wanted = "".join(f"<artifactId>{starter}</artifactId>" for starter in starters)
    return {
        f"{name}/pom.xml": f"<artifactId>{name}</artifactId><dependencies>"
        f"<artifactId>spring-boot-starter</artifactId>{wanted}</dependencies>",
        f"{name}/src/main/java/App.java": "@SpringBootApplication class App {}",
    }


def test_a_module_that_answers_is_found_beside_those_of_a_compose_file():
    dockerfile = 'FROM maven\nCOPY . .\nCMD ["java", "-jar", "target/app.jar"]\n'
    found = found_in(
        **module("orders", "spring-boot-starter-web"),
        **module("stock", "spring-boot-starter-web"),
        **module("auth", "grpc-server-spring-boot-starter"),
        **module("import", "spring-boot-starter-batch"),
        **module("auth-benchmark", "spring-boot-starter-web"),
        **{
            "orders/Dockerfile": dockerfile,
            "stock/Dockerfile": dockerfile,
            "compose.yaml": "services: {orders: {build: ./orders}, stock: {build: ./stock}}",
        },
    )
    assert {*named(found)} == {"orders", "stock", "auth"}
    assert found.services[-1].folder == "auth"
    assert "it is not in compose.yaml" in found.services[-1].guesses


# Laravel.


def test_laravel_has_the_queue_that_composer_starts_at_work():
    composer = """
    {"require": {"laravel/framework": "^13.0"}, "scripts": {"dev": [
      "Composer\\\\Config::disableProcessTimeout",
      "npx concurrently \\"php artisan serve\\" \\"php artisan queue:listen --tries=1\\""]}}
    """
    laravel = {"artisan": "", "public/index.php": "", "composer.json": composer}
    assert runs(found_in(**laravel)) == {
        "app": "php artisan serve --host=127.0.0.1 --port=$PORT",
        "queue": "php artisan queue:listen --tries=1",
    }


def test_of_a_large_program_the_settings_are_read_first():
    many = {f"app/Part{number}.php": "<?php" for number in range(code.MOST_FILES)}
    folder = folder_of({**many, "config/database.php": "<?php return env('DB_HOST');"})
    assert next(code.texts(folder))[0] == "config/database.php"
