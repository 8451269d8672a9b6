"""What a twenty-fourth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import FLASK, found_in, runs, text_of

GO = {"go.mod": "module example.org/shop\n\ngo 1.22\n"}
ROLES = """
package main
import "flag"
func main() {
\tmigrate := flag.Bool("migrations", false, "Make the tables")
\tserver := flag.Bool("server", false, "Serve")
\tvar jobs bool
\tflag.BoolVar(&jobs, "worker", false, "Take jobs")
\tverbose := flag.Bool("verbose", false, "Say more")
\tflag.Parse()
}
"""


def named(found):
    return {service.name: service for service in found.services}


# Roles that a word chooses.


def test_flags_that_choose_a_role_make_a_program_each():
    found = found_in(**GO, **{"main.go": ROLES})
    assert runs(found) == {"shop": "go run . --server", "worker": "go run . --worker"}
    assert named(found)["shop"].tasks["migrate"] == "go run . --migrations"
    assert "migrate" not in named(found)["worker"].tasks
    assert not named(found)["worker"].ports


def test_an_image_says_where_the_one_that_serves_listens():
    image = (
        "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/app .\n"
        'FROM scratch\nCOPY --from=build /bin/app /app\nEXPOSE 8080\nENTRYPOINT ["/app"]\n'
    )
    found = found_in(**GO, **{"main.go": ROLES, "Dockerfile": image})
    assert runs(found) == {"shop": "go run . --server", "worker": "go run . --worker"}
    assert named(found)["shop"].ports == {"http": 8080}
    assert not named(found)["worker"].ports


def test_a_container_with_a_word_of_its_own_plays_that_role():
    image = (
        "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/app .\n"
        'FROM scratch\nCOPY --from=build /bin/app /app\nENTRYPOINT ["/app"]\n'
    )
    compose = """
    services:
      api: {build: ., command: ["--server"], ports: ["8080:8080"]}
      jobs: {build: ., command: ["--worker", "--verbose"]}
    """
    found = found_in(**GO, **{"main.go": ROLES, "Dockerfile": image, "compose.yaml": compose})
    assert runs(found) == {"api": "go run . --server", "jobs": "go run . --worker --verbose"}


@pytest.mark.parametrize("flags", [("server",), ("worker",), ("verbose", "debug")])
def test_a_program_without_two_roles_needs_no_word(flags):
    lines = "\n".join(f'\tflag.Bool("{name}", false, "")' for name in flags)
    main = f'package main\nimport "flag"\nfunc main() {{\n{lines}\n}}\n'
    assert runs(found_in(**GO, **{"main.go": main})) == {"shop": "go run ."}


COMMANDS = {
    **GO,
    "main.go": 'package main\nimport "example.org/shop/cmd"\nfunc main() { cmd.Execute() }\n',
    "cmd/root.go": """
    package cmd
    import "github.com/spf13/cobra"
    var rootCmd = &cobra.Command{
    \tUse: "shop",
    \tShort: "A shop",
    }
    """,
    "cmd/serve.go": """
    package cmd
    var serveCmd = &cobra.Command{
    \tUse:   "serve",
    \tRunE: func(cmd *cobra.Command, args []string) error {
    \t\treturn http.ListenAndServe(":8080", nil)
    \t},
    }
    """,
    "cmd/worker.go": """
    package cmd
    func newWorker() *cobra.Command {
    \treturn &cobra.Command{Use: "worker [queue]", Short: "Take {jobs}", Run: work}
    }
    """,
}


def test_subcommands_that_serve_and_take_jobs_make_a_program_each():
    found = found_in(**COMMANDS)
    assert runs(found) == {"shop": "go run . serve", "worker": "go run . worker"}


def test_a_root_that_does_something_by_itself_needs_no_word():
    root = COMMANDS["cmd/root.go"].replace('Short: "A shop",', "RunE: serve,")
    assert runs(found_in(**{**COMMANDS, "cmd/root.go": root})) == {"shop": "go run ."}


def test_a_container_that_is_told_a_subcommand_is_told_it_once():
    image = (
        "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/shop .\n"
        'FROM scratch\nCOPY --from=build /bin/shop /shop\nENTRYPOINT ["/shop"]\nCMD ["serve"]\n'
    )
    compose = """
    services:
      web: {build: ., command: ["serve", "--config", "shop.json"], ports: ["8080:8080"]}
      jobs: {build: ., entrypoint: ["/shop", "worker"]}
    """
    files = {**COMMANDS, "Dockerfile": image}
    assert runs(found_in(**files)) == {"shop": "go run . serve", "worker": "go run . worker"}
    assert runs(found_in(**files, **{"compose.yaml": compose})) == {
        "web": "go run . serve --config shop.json",
        "jobs": "go run . worker",
    }


# One of several programs of a repository.

MAIN = "package main\nfunc main() {}\n"
TWO = {**GO, "cmd/shop-api/main.go": MAIN, "cmd/shop-mail/main.go": MAIN}


def test_an_argument_that_no_step_uses_names_the_program_of_a_container():
    image = 'FROM golang:1.22\nARG SERVICE=shop-api\nWORKDIR /app\nCOPY . .\nCMD ["air"]\n'
    air = '[build]\ncmd = "go build -o ./tmp/main ./cmd/shop-api"\nbin = "tmp/main"\n'
    compose = """
    services:
      api: {build: {context: ., args: {SERVICE: shop-api}}, ports: ["8080:8080"]}
      mail: {build: {context: ., args: [SERVICE=shop-mail]}}
    """
    files = {**TWO, "Dockerfile": image, ".air.toml": air, "compose.yaml": compose}
    assert runs(found_in(**files)) == {
        "api": "go run ./cmd/shop-api",
        "mail": "go run ./cmd/shop-mail",
    }


def test_an_image_is_the_program_whose_dockerfile_has_its_name():
    image = """
    FROM golang:1.22
    WORKDIR /src
    COPY . ./
    RUN cd cmd/{name} && CGO_ENABLED=0 go build .
    FROM scratch
    COPY --from=0 /src/cmd/{name}/{name} /usr/bin/{name}
    ENTRYPOINT ["/usr/bin/{name}"]
    """
    compose = """
    services:
      api: {image: example/shop-api, ports: ["8080:8080"], command: --verbose}
      mail: {image: "example/shop-mail:2"}
      board: {image: example/board}
    """
    files = {
        **TWO,
        "cmd/shop-api/Dockerfile": image.replace("{name}", "shop-api"),
        "cmd/shop-mail/Dockerfile": image.replace("{name}", "shop-mail"),
        "docker/board/Dockerfile": "FROM example/board\nCOPY board.ini /etc/\n",
        "compose.yaml": compose,
    }
    found = found_in(**files)
    assert runs(found) == {
        "api": "go run ./cmd/shop-api --verbose",
        "mail": "go run ./cmd/shop-mail",
    }
    assert "board: example/board is not started here" in text_of(found)


# Gradle.


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("build.gradle.kts", 'task<JavaExec>("run") {\n    classpath = files(tasks.jar)\n}\n'),
        ("build.gradle.kts", 'tasks.register<JavaExec>("run") {\n}\n'),
        ("build.gradle", "task run(type: JavaExec) {\n}\n"),
        ("build.gradle", "tasks.register('run', JavaExec) {\n}\n"),
    ],
)
def test_a_module_whose_own_task_starts_it_is_a_program(file, task):
    found = found_in(
        **{
            "settings.gradle.kts": 'include("applications:web", "components:jobs")\n',
            "gradlew": "",
            f"applications/web/{file}": task,
            "applications/web/src/main/kotlin/App.kt": (
                'fun main() {\n    val port = System.getenv("PORT")?.toInt() ?: 8888\n}\n'
            ),
            f"components/jobs/{file}": "dependencies {}\n",
            "components/jobs/src/main/kotlin/Jobs.kt": "class Jobs\n",
        }
    )
    assert runs(found) == {"web": "../../gradlew -q run"}
    assert named(found)["web"].ports == {"http": 8888}


# Containers.


def test_of_several_compose_files_the_one_for_work_counts():
    files = {
        name: f"services:\n  {own}: {{build: .}}\n  cache: {{image: redis:7}}\n"
        for name, own in (
            ("docker-compose.dev.yml", "web"),
            ("docker-compose.sentinel.yml", "other"),
            ("docker-compose.dep.yml", "third"),
        )
    }
    assert list(runs(found_in(**FLASK, **files))) == ["web"]


def test_a_command_that_names_the_program_of_its_entry_point_names_it_once():
    image = (
        "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /go/bin/cmd ./cmd\n"
        'FROM alpine\nCOPY --from=build /go/bin/cmd /\nENTRYPOINT ["/cmd"]\n'
    )
    compose = """
    services:
      web: {build: ., command: ["./cmd", "server", "--config", "shop.json"], ports: ["5005:5005"]}
    """
    files = {**GO, "cmd/main.go": MAIN, "Dockerfile": image, "compose.yaml": compose}
    found = found_in(**files)
    assert runs(found) == {"web": "go run ./cmd server --config shop.json"}
    assert named(found)["web"].ports == {"http": 5005}, "no debugger of Go is there"


SHELL = """
services:
  backend:
    image: node:22-alpine
    working_dir: /app
    volumes: [".:/app", "packages:/app/node_modules"]
    ports: ["8000:8000"]
    stdin_open: true
    tty: true
  db: {image: "postgres:16"}
volumes: {packages: }
"""
DRIZZLE = {
    "package.json": """
    {"name": "shop", "dependencies": {"express": "5", "drizzle-kit": "1", "nodemon": "3"},
     "scripts": {"start": "node build/index.js", "build": "tsc", "dev": "nodemon src/index.ts",
       "steps": "yarn drizzle-kit migrate --config=./src/db/drizzle.config.ts"}}
    """,
    "yarn.lock": "",
    "src/index.ts": "app.listen(process.env.PORT);\nmandatoryEnv('NODE_ENV');\n",
    "src/db/drizzle.config.ts": "const out = env('STEPS', 'src/db/steps');\n",
    "src/db/steps/meta/_journal.json": '{"entries": [{"tag": "0000_a"}]}',
    "src/db/steps/0000_a.sql": "CREATE TABLE a (b int);",
}


def test_a_container_with_a_shell_and_the_folder_is_for_work_on_its_program():
    found = found_in(**DRIZZLE, **{"compose.yaml": SHELL})
    assert runs(found) == {"backend": "yarn run dev"}
    backend = named(found)["backend"]
    assert backend.ports == {"http": 8000}
    assert backend.tasks["migrate"] == "yarn run steps"
    assert backend.env["NODE_ENV"] == "development", "its code ends without it"


def test_a_container_with_a_shell_beside_the_folder_is_another_program():
    beside = SHELL.replace("working_dir: /app", "working_dir: /tmp")
    assert "backend: node:22-alpine is not started" in text_of(
        found_in(**DRIZZLE, **{"compose.yaml": beside})
    )


# Ports and places.


def test_a_worker_has_not_the_port_of_the_settings_that_it_shares():
    compose = """
    services:
      api: {build: ., command: python -m shop.api.main, ports: ["8000:8000"]}
      worker1: {build: ., command: python -m shop.worker.main}
      worker2: {build: ., command: python -m shop.worker.main}
    """
    found = found_in(
        **{
            "requirements.txt": "fastapi\nuvicorn\n",
            "Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY . .\n",
            "shop/settings.py": 'import os\nPORT = int(os.getenv("API_PORT", "8000"))\n',
            "shop/api/main.py": "uvicorn.run(app, port=PORT)\n",
            "shop/worker/main.py": "while True: work()\n",
            "compose.yaml": compose,
        }
    )
    ports = {service.name: dict(service.ports) for service in found.services}
    assert ports == {"api": {"http": 8000}, "worker1": {}, "worker2": {}}


VIPER = """
package main
import "github.com/spf13/viper"
func main() {
\tviper.SetConfigName("config")
\tviper.SetEnvPrefix("SHOP")
\tviper.AutomaticEnv()
\tviper.SetDefault("redis.addr", "localhost:6379")
}
"""


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("", 6379),
        ('viper.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))', 0),
        ('viper.BindEnv("redis.addr", "SHOP_REDIS_ADDR")', 0),
    ],
)
def test_a_variable_that_viper_never_asks_for_says_nothing_of_a_place(line, port):
    compose = """
    services:
      api: {build: ., environment: {SHOP_REDIS_ADDR: "redis:6379"}}
      redis: {image: "redis:7"}
    """
    found = found_in(
        **GO,
        **{
            "main.go": VIPER.replace("\tviper.AutomaticEnv()", f"\tviper.AutomaticEnv()\n\t{line}"),
            "config.yaml": "redis:\n  addr: localhost:6379\n",
            "Dockerfile": 'FROM golang:1.22\nWORKDIR /app\nCOPY . .\nCMD ["go", "run", "."]\n',
            "compose.yaml": compose,
        },
    )
    (redis,) = found.stores
    assert (redis.known.port if redis.known else 0) == port


def test_an_option_for_a_host_names_another_service():
    compose = """
    services:
      master: {build: ., command: python -m shop.master --port 8086, ports: ["8086:8086"]}
      node: {build: ., command: python -m shop.node --master-host master --master-port 8086}
    """
    found = found_in(
        **{
            "requirements.txt": "flask\n",
            "Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY . .\n",
            "shop/master.py": "",
            "shop/node.py": "",
            "compose.yaml": compose,
        }
    )
    assert named(found)["node"].calls == ("master",)
    assert found.hosts, "the name leads to the service here"


def test_what_gos_driver_of_mysql_is_told_keeps_the_scheme_before_it():
    compose = """
    services:
      app:
        build: .
        environment:
          WITH: mysql://shop:secret@tcp(db:3306)/shop
          PLAIN: shop:secret@tcp(db:3306)/shop
      db:
        image: mysql:8
        environment: {MYSQL_USER: shop, MYSQL_PASSWORD: secret, MYSQL_DATABASE: shop}
    """
    image = 'FROM golang:1.22\nWORKDIR /app\nCOPY . .\nCMD ["go", "run", "."]\n'
    env = found_in(**GO, **{"main.go": MAIN, "Dockerfile": image, "compose.yaml": compose})
    (app,) = env.services
    plain = "${stores.db.user}:${stores.db.password}@tcp(${stores.db.address})/shop"
    assert (app.env["PLAIN"], app.env["WITH"]) == (plain, f"mysql://{plain}")


def test_what_package_managers_keep_is_no_volume():
    compose = """
    services:
      app:
        build: .
        volumes: ["modules:/go/pkg/mod", "store:/pnpm/store", "own:/home/me/.m2", "data:/app/data"]
    volumes: {modules: , store: , own: , data: }
    """
    image = 'FROM golang:1.22\nWORKDIR /app\nCOPY . .\nCMD ["go", "run", "."]\n'
    found = found_in(**GO, **{"main.go": MAIN, "Dockerfile": image, "compose.yaml": compose})
    assert found.services[0].volumes == {"data": "data"}


def test_a_command_has_the_folders_of_volumes_each_apart():
    compose = """
    services:
      app:
        build: .
        command: go run . --log-path /var/log/shop/app.log --cache=/var/lib/shop/cache --pid /run/x
        volumes: ["logs:/var/log/shop", "data:/var/lib/shop"]
    volumes: {logs: , data: }
    """
    image = "FROM golang:1.22\nWORKDIR /app\nCOPY . .\n"
    found = found_in(**GO, **{"main.go": MAIN, "Dockerfile": image, "compose.yaml": compose})
    assert runs(found) == {
        "app": "go run . --log-path shop/app.log --cache=data/cache --pid /run/x"
    }
    assert found.services[0].volumes == {"logs": "shop", "data": "data"}


# Node.


def test_a_package_that_is_named_by_its_path_is_built_with_what_it_needs():
    client = """
    {"name": "@shop/client", "main": "dist/index.js", "devDependencies": {"typescript": "5"},
     "scripts": {"generate": "openapi-ts -i ../api.yaml -o src/made", "build": "tsc"}}
    """
    files = {
        "web/package.json": """
        {"name": "web", "scripts": {"dev": "vite dev"}, "devDependencies": {"vite": "6"},
         "dependencies": {"@shop/client": "file:../client", "gone": "file:../gone"}}
        """,
        "web/package-lock.json": "{}",
        "client/package.json": client,
        "client/package-lock.json": "{}",
        "client/src/index.ts": "",
    }
    install = (
        "(test -e ../client/node_modules/.package-lock.json || "
        "(cd ../client && npm ci --no-audit --no-fund || "
        "npm install --no-save --no-audit --no-fund))"
    )
    built = named(found_in(**files))["web"].tasks["build-client"]
    assert built == (
        f"test -e ../client/dist/index.js || ({install} && "
        "(cd ../client && npm run generate && npm run build))"
    )
    made = named(found_in(**files, **{"client/src/made/index.ts": ""}))["web"]
    assert "generate" not in made.tasks["build-client"]
