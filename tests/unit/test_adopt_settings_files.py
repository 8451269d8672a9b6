"""Servers in a program's own files of settings: told by a variable, or named as left to do."""

from __future__ import annotations

import pytest
from repository import found_in, system_of, text_of

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
    module = {"go.mod": DEPENDS, "go.sum": "github.com/go-sql-driver/mysql v1.8.0 h1:a\n"}
    return found_in(**{**module, "main.go": MAIN, "load.go": VIPER % load, **files})


@pytest.mark.parametrize("file", FILES)
def test_a_server_of_a_file_of_settings_is_a_store_that_answers_where_the_file_says(file):
    found = of_go(**{file: FILES[file]})
    (service,), (store,) = found.services, found.stores
    assert (store.name, store.kind, service.stores) == ("db", "mysql", ("db",))
    password = "pw" if "pass" in FILES[file] else ""
    assert (store.known.port, store.known.login) == (3306, ("root", password))
    assert service.to_do == ()
    (said,) = store.remarks[1:]
    assert said.startswith(f"{service.name} looks for it at localhost:3306 by itself ({file}:")
    written = system_of(found).file.stores["db"].local
    assert (written.port, written.user, written.password) == (3306, "root", password)


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
    assert service.stores == ("db",)


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
    found = of_go(**{example: YAML})
    (service,) = found.services
    assert service.tasks["settings"] == f"test -e config.yml || cp {example} config.yml"
    assert f"({example}:2)" in found.stores[0].remarks[-1]
    there = of_go(**{example: YAML, "config.yml": YAML}).services[0]
    assert "settings" not in there.tasks


def of_node(text: str, library: str = "mysql2", **files: str):
    package = f'{{"scripts": {{"start": "node a.js"}}, "dependencies": {{"{library}": "3"}}}}'
    return found_in(**{"package.json": package, "a.js": f"{text}\napp.listen(3000)\n", **files})


@pytest.mark.parametrize(
    ("library", "text", "kind", "known", "database"),
    [
        (
            "mysql2",
            "connect({host: 'localhost', user: 'root', dialect: 'mysql'})",
            "mysql",
            (3306, "root", ""),
            "",
        ),
        (
            "mysql2",
            "mysql.createConnection({host: 'localhost', user: 'me', password: 'x', database: 'a'})",
            "mysql",
            (3306, "me", "x"),
            "a",
        ),
        (
            "pg",
            "pg.connect('postgres://me:12345@127.0.0.1:5433/notes?sslmode=disable')",
            "postgres",
            (5433, "me", "12345"),
            "notes",
        ),
        (
            "pg",
            "a = {HOST: 'localhost', USER: 'postgres', PASSWORD: '123', DB: 'test', dialect: 'pg'}",
            "postgres",
            (5432, "postgres", "123"),
            "test",
        ),
        (
            "mysql2",
            "new Sequelize('shop', 'root', 'pw', {host: 'localhost', dialect: 'mysql'})",
            "mysql",
            (3306, "root", "pw"),
            "shop",
        ),
        ("redis", "createClient('redis://localhost:6380')", "redis", (6380, None, None), ""),
    ],
)
def test_a_server_that_code_names_by_itself_answers_there(library, text, kind, known, database):
    found = of_node(text, library)
    (service,), (store,) = found.services, found.stores
    assert (store.kind, service.stores, service.to_do) == (kind, (store.name,), ())
    assert (store.known.port, *store.known.login) == known
    assert store.database == database
    assert store.passwordless is (kind == "redis")


@pytest.mark.parametrize(
    ("library", "text", "why"),
    [
        ("pg", "'postgres://me:p%40w@localhost/notes'", "with a password that has other signs"),
        ("pg", "'postgres://me:pw@localhost/My.Notes'", "gives no such name (My.Notes)"),
        ("mysql2", "'mysql://tarmac:pw@localhost/notes'", "as a user that mysql cannot have"),
        ("pg", "'postgres://me:pw@localhost:3000/notes'", "at port 3000, where demo is"),
    ],
)
def test_what_no_store_can_be_is_left_to_change(library, text, why):
    found = of_node(f"connect({text})", library, **{"compose.yaml": "services: {demo: {build: .}}"})
    (said,) = found_in_to_do(found)
    assert said.startswith("a.js:1 says where db is by itself, ")
    assert why in said
    assert said.endswith(": have it read a variable")


def found_in_to_do(found):
    return [line for service in found.services for line in service.to_do if "by itself" in line]


def test_what_a_file_leaves_to_variables_of_its_login_is_referred_to():
    config = "db:\n  host: localhost\n  port: 5432\n  username: postgres\n"
    compose = "services:\n  web: {build: ., environment: {DB_PASSWORD: qwerty}}\n"
    depends = "module example.com/notes\nrequire github.com/lib/pq v1.0.0\n"
    db = "  db: {image: postgres}\n"
    found = of_go(**{"config.yml": config, "compose.yaml": compose + db, "go.mod": depends})
    (service,), (store,) = found.services, found.stores
    assert service.env["DB_PASSWORD"] == "${stores.db.password}"
    assert (store.known.login, service.to_do) == (("postgres", None), ())


QUIET = "package main\nfunc main() { load() }\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config.json", '{"web": {"port": 3000}, "database": {"port": 3306}}'),
        ("config.yml", "port: 3000\n"),
        ("conf/app.ini", "[server]\nHttpPort = 3000\n"),
        ("config.toml", '[server]\naddr = ":3000"\n'),
    ],
)
def test_a_program_listens_where_its_file_of_settings_says(file, text):
    (service,) = of_go(**{file: text, "main.go": QUIET}).services
    assert (service.ports, service.fixed) == ({"http": 3000}, True)
    assert service.remarks[-1].startswith(f"{file}:")


def test_a_variable_that_overrides_the_port_of_the_file_gives_it():
    for text, given in (("server:\n  port: 3000\n", ""), ("http:\n  addr: :3000\n", "127.0.0.1:")):
        (service,) = of_go(AUTOMATIC, **{"config.yml": text, "main.go": QUIET}).services
        assert (service.ports, service.fixed) == ({"http": 3000}, False)
        assert f"{given}${{services.{service.name}.port}}" in service.env.values()


def test_a_port_of_a_file_for_tests_or_of_another_thing_is_not_the_programs():
    files = {"config.test.yml": "port: 3000\n", "config.yml": "mail:\n  port: 3000\n"}
    assert of_go(**files, **{"main.go": QUIET}).services[0].ports == {}


def test_a_worker_beside_it_has_the_same_file_and_no_port():
    mains = {f"cmd/{name}/main.go": QUIET for name in ("web", "worker")}
    found = found_in(**{"go.mod": DEPENDS, "config.json": '{"web": {"port": 3000}}', **mains})
    ports = {service.name: service.ports for service in found.services}
    assert ports == {"web": {"http": 3000}, "worker": {}}


def test_of_two_logins_of_one_store_the_second_is_left_to_change():
    files = {
        f"{name}/package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"pg": "8"}}'
        for name in ("one", "two")
    }
    code = {
        f"{name}/a.js": f"connect('postgres://{name}:pw@localhost:5432/a')\napp.listen(300{port})\n"
        for port, name in enumerate(("one", "two"))
    }
    found = found_in(**files, **code)
    assert found.stores[0].known.login == ("one", "pw")
    (said,) = found_in_to_do(found)
    assert "with another login or database than one" in said


def test_a_file_for_work_goes_before_one_for_tests_or_production():
    files = {
        f"config/{name}.yml": f"db:\n  host: localhost\n  port: {port}\n  user: a\n  password: b\n"
        for name, port in (("ci", 1), ("production", 2), ("test", 3), ("zero", 3307))
    }
    assert of_go(**files).stores[0].known.port == 3307


def test_a_group_of_keys_may_begin_with_the_name_of_its_server():
    text = "postgres:\n  PostgresqlHost: localhost\n  PostgresqlPort: 5432\n"
    text += "  PostgresqlUser: postgres\n  PostgresqlPassword: pw\n  PostgresqlDbname: notes\n"
    text += "redis:\n  RedisAddr: :6379\n  RedisPassword: \n"
    depends = "module example.com/notes\nrequire github.com/jackc/pgx/v5 v5.0.0\n"
    found = of_go(**{"config/config-local.yml": text, "go.mod": depends})
    by_kind = {store.kind: store for store in found.stores}
    assert by_kind["postgres"].known.login == ("postgres", "pw")
    assert by_kind["postgres"].database == "notes"
    assert (by_kind["redis"].known.port, by_kind["redis"].passwordless) == (6379, True)


def test_a_program_that_is_told_a_login_and_no_place_finds_its_database_at_the_usual_port():
    text = "new Sequelize(process.env.DATABASE, process.env.DATABASE_USER, "
    text += "process.env.DATABASE_PASSWORD, {dialect: 'postgres'})"
    compose = "services:\n  app: {build: .}\n  db: {image: 'postgres:16'}\n"
    (store,) = of_node(text, "pg", **{"compose.yaml": compose}).stores
    assert (store.known.port, store.known.login) == (5432, (None, None))
    told = text + "; const host = process.env.DATABASE_HOST"
    (store,) = of_node(told, "pg", **{"compose.yaml": compose}).stores
    assert store.known is None


def test_a_host_of_the_compose_file_is_found_by_its_name_with_the_login_of_the_file():
    compose = "services:\n  web: {build: .}\n  store: {image: 'mysql:8'}\n"
    config = "db:\n  host: store\n  port: 3306\n  user: root\n  password: 12345\n  name: notes\n"
    found = of_go(**{"config.yml": config, "compose.yaml": compose})
    (service,), (store,) = found.services, found.stores
    assert (found.hosts, service.stores, service.to_do) == (True, ("store",), ())
    assert 'local: {user: root, password: "12345"}' in text_of(found)
    assert store.database == "notes"


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
    assert service.tasks["dotenv"] == "test -e config/.env || cp config/.env.example config/.env"


def test_the_file_of_a_program_that_reads_no_variables_has_what_is_given_here():
    loads = 'viper.SetConfigFile(".env")'
    files = {".env.example": "DB_HOST=db\nDB_PORT=3306\nDB_PASSWORD=pw\n"}
    task = of_go(loads, **files).services[0].tasks["dotenv"]
    assert task.startswith("test -e .env && ! grep -q ")
    assert "env | grep -E '^(DB_HOST|DB_PORT|DB_PASSWORD)='; } > .env" in task
    both = of_go(f"{loads}; viper.AutomaticEnv()", **files).services[0].tasks["dotenv"]
    assert both == "test -e .env || cp .env.example .env"


COMMENTED = """
    /* The settings of it. */
    {
      "title": "a // b /* c */", // "port": 1
      "port": 9001, /* where it listens */
      "database": {
        "host": "localhost", # no remark of ours: it is one of JavaScript's
        "port": 3306, "user": "root", "password": "pw",
      },
    }
    """


def test_json_with_remarks_is_read_without_them():
    text = COMMENTED.replace(" # no remark of ours: it is one of JavaScript's", " // the host")
    found = of_go(**{"settings.json.template": text})
    (store,) = found.stores
    assert store.known.port == 3306
    assert "settings.json.template:6" in store.remarks[-1]
    assert of_go(**{"settings.json": COMMENTED}).stores == ()
