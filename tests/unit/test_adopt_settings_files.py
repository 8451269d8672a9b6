"""Servers in a program's own files of settings: told by a variable, or named as left to do."""

from __future__ import annotations

import pytest
from repository import found_in

DEPENDS = "module example.com/notes\nrequire github.com/go-sql-driver/mysql v1.8.0\n"
MAIN = (
    'package main\nimport "net/http"\nfunc main() { load(); http.ListenAndServe(":9000", nil) }\n'
)
VIPER = """
    package main
    func load() {
        viper.SetConfigName("config")
        viper.AddConfigPath(".")
        %s
        viper.ReadInConfig()
    }
    """
AUTOMATIC = 'viper.SetEnvKeyReplacer(strings.NewReplacer(".", "_")); viper.AutomaticEnv()'
YAML = "database:\n  host: localhost\n  port: 3306\n  user: root\n  pass: pw\n  name: notes\n"
FILES = {
    "config.yml": YAML,
    "config.toml": '[database]\nhost = "localhost"\nport = 3306\nuser = "root"\n',
    "config.json": '{"database": {"host": "127.0.0.1", "port": 3306, "user": "root"}}',
    "conf/app.ini": "[database]\nType = mysql\nHost = 127.0.0.1:3306\nUser = root\n",
}


def of_go(load: str = "", **files: str):
    return found_in(**{"go.mod": DEPENDS, "main.go": MAIN, "load.go": VIPER % load, **files})


@pytest.mark.parametrize("file", FILES)
def test_a_server_of_a_file_of_settings_is_a_store_and_the_file_is_left_to_change(file):
    found = of_go(**{file: FILES[file]})
    (service,) = found.services
    assert [(store.name, store.kind) for store in found.stores] == [("db", "mysql")]
    assert service.stores == ("db",)
    (said,) = service.to_do
    assert said.startswith(f"{file}:")
    assert said.endswith("have it read a variable")


@pytest.mark.parametrize(
    ("load", "begin"),
    [(AUTOMATIC, ""), (f'viper.SetEnvPrefix("notes"); {AUTOMATIC}', "NOTES_")],
)
def test_viper_is_told_by_variables_what_its_file_says(load, begin):
    found = of_go(load, **{"config.yml": YAML})
    (service,) = found.services
    parts = {"HOST": "host", "PORT": "port", "USER": "user", "PASS": "password", "NAME": "database"}
    wanted = {f"{begin}DATABASE_{end}": f"${{stores.db.{part}}}" for end, part in parts.items()}
    assert wanted.items() <= service.env.items()
    assert service.to_do == ()


def test_viper_without_a_replacer_has_no_variable_for_a_nested_key():
    (service,) = of_go("viper.AutomaticEnv()", **{"config.yml": YAML}).services
    assert not service.env
    assert len(service.to_do) == 1


def test_keys_that_viper_binds_in_the_code_are_variables():
    bound = 'viper.BindEnv("database.host"); viper.SetDefault("database.port", 3306); '
    (service,) = of_go(bound + AUTOMATIC).services
    assert service.env["DATABASE_HOST"] == "${stores.db.host}"
    assert service.env["DATABASE_PORT"] == "${stores.db.port}"


def test_dynaconf_is_told_by_variables_of_its_prefix():
    found = found_in(
        **{
            "requirements.txt": "fastapi\ndynaconf\nredis\n",
            "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "conf.py": "settings = Dynaconf(envvar_prefix='NOTES', environments=True)\n",
            "settings.toml": '[default.redis]\nhost = "localhost"\nport = 6379\n',
        }
    )
    (service,) = found.services
    assert service.env["NOTES_REDIS__HOST"] == "${stores.cache.host}"
    assert service.env["NOTES_REDIS__PORT"] == "${stores.cache.port}"


@pytest.mark.parametrize("example", ["config.yml.dist", "config.example.yml", "config.sample.yml"])
def test_the_example_of_a_file_of_settings_is_copied_where_the_program_reads_the_file(example):
    (service,) = of_go(**{example: YAML}).services
    assert service.tasks["settings"] == f"test -e config.yml || cp {example} config.yml"
    assert service.to_do[0].startswith(f"{example}:2 ")
    there = of_go(**{example: YAML, "config.yml": YAML}).services[0]
    assert "settings" not in there.tasks


@pytest.mark.parametrize(
    "text",
    [
        "mongo.connect('mongodb://localhost:27017/notes', done)\n",
        "connect({host: 'localhost', user: 'root', dialect: 'mysql'})\n",
    ],
)
def test_a_server_that_code_names_by_itself_is_left_to_change(text):
    found = found_in(
        **{
            "package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"mysql2": "3"}}',
            "a.js": f"{text}app.listen(3000)\n",
        }
    )
    (service,) = found.services
    kinds = [store.kind for store in found.stores]
    assert kinds == (["mysql"] if "mysql" in text else [])  # no kind here is a MongoDB
    assert service.to_do == (
        ("a.js:1 says where db is by itself: have it read a variable",) * len(kinds)
    )


@pytest.mark.parametrize(
    "line",
    [
        "const url = process.env.DB_URL || 'mysql://root@localhost:3306/notes'\n",
        "// connect('mysql://root@localhost:3306/notes')\n",
    ],
)
def test_a_default_and_a_comment_are_no_address_of_the_code(line):
    found = found_in(
        **{
            "package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"mysql2": "3"}}',
            "a.js": f"{line}app.listen(3000)\n",
        }
    )
    assert found.services[0].to_do == ()


def test_settings_of_tools_and_of_clusters_are_not_the_programs():
    files = dict.fromkeys(("k8s/config.yml", ".github/config.yml", "docs/config.yml"), YAML)
    assert of_go(**files).stores == ()


def test_a_host_of_the_compose_file_in_a_file_of_settings_is_left_to_change():
    found = of_go(
        **{
            "config.yml": "db:\n  host: store\n  port: 3306\n",
            "compose.yaml": "services:\n  web: {build: .}\n  store: {image: 'mysql:8'}\n",
        }
    )
    assert found.services[0].to_do == (
        "config.yml:2 connects to the host 'store' by itself: have it read a variable",
    )


def test_every_example_that_the_code_reads_is_copied():
    package = '{"scripts": {"start": "node a.js"}, "dependencies": {"mysql2": "3"}}'
    code = "import { SECRET } from '../config';\nimport db from './db.config';\napp.listen(3000)\n"
    files = {
        "src/config.ts.example": "",
        "src/db.config.ts.example": "",
        "src/other.config.ts.dist": "",
    }
    (web,) = found_in(**{"package.json": package, "src/user/a.ts": code, **files}).services
    assert web.tasks["settings"] == (
        "(test -e src/config.ts || cp src/config.ts.example src/config.ts) && "
        "(test -e src/db.config.ts || cp src/db.config.ts.example src/db.config.ts)"
    )


def test_a_file_of_variables_in_a_folder_of_settings_is_no_file_of_settings():
    loads = 'viper.SetConfigName(".env"); viper.AddConfigPath("config"); viper.AutomaticEnv()'
    (service,) = of_go(loads, **{"config/.env.example": "A=1\n"}).services
    assert service.tasks == {"dotenv": "test -e config/.env || cp config/.env.example config/.env"}


def test_the_file_of_a_program_that_reads_no_variables_has_what_is_given_here():
    loads = 'viper.SetConfigFile(".env")'
    files = {".env.example": "DB_HOST=db\nDB_PORT=3306\nDB_PASSWORD=pw\n"}
    task = of_go(loads, **files).services[0].tasks["dotenv"]
    assert task.startswith("test -e .env && ! grep -q ")
    assert "env | grep -E '^(DB_HOST|DB_PORT|DB_PASSWORD)='; } > .env" in task
    both = of_go(f"{loads}; viper.AutomaticEnv()", **files).services[0].tasks["dotenv"]
    assert both == "test -e .env || cp .env.example .env"
