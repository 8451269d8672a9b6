"""What the twelfth round of repositories that nobody had tried has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of, found_in, text_of

from tarmac.adopt.survey.survey import survey

EVERY = KINDS | {"kafka", "mongodb", "rabbitmq"}
MODULE = "module example.com/notes\n"
GO = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(os.Getenv("A"), nil) }\n'
TWO = {
    "go.mod": MODULE,
    "users/cmd/main.go": GO,
    "users/config/config.yaml": "server:\n  port: 5001\n",
    "bills/cmd/main.go": GO,
    "bills/config/config.yaml": "server:\n  port: 5002\n",
}


def found_of(**files):
    return survey(folder_of(files), CATALOGUE, EVERY)


def test_a_program_whose_main_package_is_in_cmd_has_its_folders_name_and_settings():
    services = {service.name: service for service in found_of(**TWO).services}
    assert {name: one.run for name, one in services.items()} == {
        "users": "go run ./users/cmd",
        "bills": "go run ./bills/cmd",
    }
    assert {name: one.ports["http"] for name, one in services.items()} == {
        "users": 5001,
        "bills": 5002,
    }


@pytest.mark.parametrize(
    ("start", "files", "run"),
    [
        (
            'CompileDaemon --build="go build -o main users/cmd/main.go" --command=./main',
            {},
            "go run ./users/cmd",
        ),
        (
            'CompileDaemon -build="go build -o ./app ./users/cmd" -command="./app serve"',
            {},
            "go run ./users/cmd serve",
        ),
        (
            "air -c .air.toml",
            {".air.toml": '[build]\ncmd = "go build -o ./tmp/main ./users/cmd"\n'},
            "go run ./users/cmd",
        ),
    ],
)
def test_what_a_watcher_is_told_to_build_is_what_runs(start, files, run):
    dockerfile = f"FROM golang:1.22\nWORKDIR /app\nCOPY . /app\nENTRYPOINT {start}\n"
    compose = "services: {api: {build: {context: ., dockerfile: docker/api.Dockerfile}}}"
    files = {**TWO, **files, "docker/api.Dockerfile": dockerfile, "compose.yaml": compose}
    (service,) = found_of(**files).services
    assert (service.name, service.run) == ("api", run)


def test_a_store_on_the_host_of_docker_is_the_one_of_the_file():
    compose = """
        services:
          web:
            build: .
            environment:
              REDIS_ADDR: host.docker.internal:6379
              POSTGRES_HOST: host.docker.internal
              POSTGRES_PORT: "5432"
              TRACES: host.docker.internal:4317
          cache: {image: "redis:7", ports: ["6379:6379"]}
          db: {image: "postgres:16", ports: ["5432:5432"]}
        """
    (service,) = found_in(
        **{"compose.yaml": compose, "package.json": '{"scripts": {"start": "node s.js"}}'}
    ).services
    assert service.env == {
        "REDIS_ADDR": "${stores.cache.address}",
        "POSTGRES_HOST": "${stores.db.host}",
        "POSTGRES_PORT": "${stores.db.port}",
        "TRACES": "localhost:4317",
    }


MANIFESTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s-depl}
spec:
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      containers:
        - {name: it, image: "%(image)s", env: [{name: URL, value: "%(url)s"}]}
---
apiVersion: v1
kind: Service
metadata: {name: %(name)s-srv}
spec: {selector: {app: %(name)s}, ports: [{port: 80}]}
"""


def manifest(name, image, url="-"):
    return MANIFESTS % {"name": name, "image": image, "url": url}


def test_the_service_of_a_deployment_is_the_name_by_which_others_reach_it():
    program = '{"scripts": {"start": "node s.js"}, "dependencies": {"mongoose": "8"}}'
    code = "app.listen(3000); connect(process.env.URL);\n"
    found = found_of(
        **{
            "orders/package.json": program,
            "orders/s.js": code,
            "users/package.json": program,
            "users/s.js": code,
            "k8s/orders.yaml": manifest("orders", "acme/orders", "mongodb://mongo-srv:27017/shop"),
            "k8s/users.yaml": manifest("users", "acme/users", "http://orders-srv.default.svc:80/a"),
            "k8s/mongo.yaml": manifest("mongo", "mongo:7"),
            "k8s/nats.yaml": manifest("nats", "nats:2"),
            "k8s/other.yaml": manifest("other", "acme/other:1"),
        }
    )
    assert [store.name for store in found.stores] == ["mongo-srv"]
    assert found.broker.name == "nats-srv"
    env = {service.name: service.env.get("URL", "") for service in found.services}
    assert "${stores.mongo-srv.host}" in env["orders"] or "${stores.mongo-srv.url}" in env["orders"]
    assert env["users"].startswith("${services.orders.")
    (said,) = [line for line in found.left_out if "deployment" in line]
    assert "other-depl (acme/other:1)" in said
    assert "acme/orders" not in said
    assert "acme/orders" not in text_of(found)


CONFIGURATION = """
    database:
      host: "127.0.0.1"
      port: 5432
      username: "postgres"
      password: "password"
      database_name: "letters"
    redis_uri: "redis://127.0.0.1:6379"
    """
RUST = """
    fn settings() {
        let place = std::env::var("APP_ENVIRONMENT")
            .unwrap_or_else(|_| "local".into());
        let settings = config::Config::builder()
            .add_source(config::File::from("configuration/base.yaml"))
            .add_source(config::Environment::%s)
            .build();
    }
    """
CARGO = (
    '[package]\nname = "letters"\n[dependencies]\nsqlx = { features = ["postgres"] }\nredis = "1"\n'
)


@pytest.mark.parametrize(
    ("how", "begin", "between"),
    [
        ('with_prefix("APP").prefix_separator("_").separator("__")', "APP_", "__"),
        ('with_prefix("app").separator("__")', "APP__", "__"),
        ('default().separator("_")', "", "_"),
    ],
)
def test_the_crate_config_is_told_by_variables_what_its_files_say(how, begin, between):
    files = {
        "Cargo.toml": CARGO,
        "src/main.rs": "fn main() {}\n",
        "src/configuration.rs": RUST % how,
        "configuration/base.yaml": CONFIGURATION,
    }
    found = found_of(**files)
    (service,) = found.services
    parts = {"HOST": "host", "PORT": "port", "USERNAME": "user", "PASSWORD": "password"}
    parts["DATABASE_NAME"] = "database"
    wanted = {
        f"{begin}DATABASE{between}{end}": f"${{stores.db.{part}}}" for end, part in parts.items()
    }
    wanted[f"{begin}REDIS_URI"] = "${stores.cache.url}"
    assert wanted.items() <= service.env.items()
    assert {store.kind for store in found.stores} == {"postgres", "redis"}
    assert service.missing == {}


def test_an_image_that_chooses_the_settings_for_production_does_not_choose_them_here():
    files = {
        "Cargo.toml": CARGO,
        "Dockerfile": "FROM rust\nCOPY . .\nRUN cargo build --release\n"
        "ENV APP_ENVIRONMENT=production\n"
        'ENTRYPOINT ["./target/release/letters"]\n',
        "src/main.rs": RUST % 'with_prefix("APP").separator("__")',
        "configuration/base.yaml": CONFIGURATION,
        "configuration/local.yaml": "application: {host: 127.0.0.1}\n",
        "configuration/production.yaml": "application: {host: 0.0.0.0}\n",
    }
    (service,) = found_of(**files).services
    assert "APP_ENVIRONMENT" not in service.env
    assert any("configuration/production.yaml" in remark for remark in service.remarks)
    del files["configuration/local.yaml"]
    assert found_of(**files).services[0].env["APP_ENVIRONMENT"] == "production"


SPRING = """
    <project>
      <parent><artifactId>spring-boot-starter-parent</artifactId><version>2.7.0</version></parent>
      <artifactId>market</artifactId>
      <dependencies>
        <dependency><artifactId>spring-boot-starter-web</artifactId></dependency>
        <dependency><artifactId>mysql-connector-java</artifactId></dependency>
      </dependencies>
    </project>
    """


@pytest.mark.parametrize("host", ["192.168.3.105", "172.20.0.7", "localhost"])
def test_a_database_beside_the_only_cache_of_a_file_is_a_store_of_its_own(host):
    compose = f"""
        services:
          redis: {{image: "redis:5"}}
          shop:
            image: acme/market:1.0.0-SNAPSHOT
            environment:
              - "spring.datasource.url=jdbc:mysql://{host}:3306/market?useSSL=false"
              - "spring.redis.host=redis"
        """
    found = found_of(
        **{
            "compose.yaml": compose,
            "pom.xml": SPRING,
            "src/main/java/a/App.java": "@SpringBootApplication class App {}\n",
            "src/main/resources/application.yml": "spring.datasource.username: root\n",
        }
    )
    (service,) = found.services
    assert (service.name, service.run) == ("shop", "mvn -q spring-boot:run")
    assert {store.name: store.kind for store in found.stores} == {"redis": "redis", "db": "mysql"}
    assert service.env["SPRING_DATASOURCE_URL"].startswith("jdbc:mysql://${stores.db.host}:")
    assert service.env["SPRING_REDIS_HOST"] == "${stores.redis.host}"


def test_the_port_that_a_container_is_told_is_its_own_not_its_debuggers():
    compose = """
        services:
          api:
            build: {context: ., dockerfile: services/api/dev.Dockerfile}
            environment: {PORT: 8200}
            ports: ["9225:9225"]
            expose: ["8200"]
        """
    dockerfile = (
        "FROM node:20\nWORKDIR /usr/app\nCOPY . .\n"
        "CMD node shared/made.js --path ./services/api && yarn workspace api run dev -p $PORT\n"
    )
    (service,) = found_of(
        **{
            "compose.yaml": compose,
            "package.json": '{"workspaces": ["services/*"], "packageManager": "yarn@3.3.0"}',
            "yarn.lock": "",
            "shared/made.js": "write();\n",
            "services/api/package.json": '{"name": "api", "scripts": {"dev": "node s.js"}}',
            "services/api/s.js": "app.listen(process.env.PORT);\n",
            "services/api/dev.Dockerfile": dockerfile,
        }
    ).services
    assert service.ports == {"http": 8200, "port-9225": 9225}
    assert service.folder == "services/api"
    assert service.run.startswith(
        "node ../../shared/made.js --path . && yarn workspace api run dev"
    )


def test_where_each_container_has_a_profile_the_one_for_work_counts_with_its_mounted_script():
    compose = """
        services:
          app: {build: ., profiles: [production], command: "uwsgi --ini app.ini"}
          dev:
            build: .
            profiles: [dev]
            entrypoint: /home/it/start.sh
            volumes: ["./docker/dev.sh:/home/it/start.sh:ro"]
          db: {image: "postgres:16", profiles: [production]}
          db-dev: {image: "postgres:16", profiles: [dev, dev-other]}
        """
    script = '#!/bin/sh\nif [ "$(psql -c x)" = "0" ]; then\n  flask init\nfi\n\n./work.py --quick\n'
    found = found_of(
        **{
            "compose.yaml": compose,
            "Dockerfile": "FROM python\nCOPY . /home/it\nWORKDIR /home/it\n",
            "docker/dev.sh": script,
            "requirements.txt": "flask\npsycopg\n",
            "work.py": "app.run()\n",
        }
    )
    (service,) = found.services
    assert (service.name, service.run) == ("dev", ".venv/bin/python work.py --quick")
    assert [store.name for store in found.stores] == ["db-dev"]
    assert (
        "app: only in the profile production; with COMPOSE_PROFILES=production in .env, a new "
        "`tarmac init` has it"
    ) in found.left_out


@pytest.mark.parametrize(
    ("step", "installs"),
    [
        (
            "uv pip install --system -r requirements/dev.txt",
            "uv pip install -q -r requirements/dev.txt",
        ),
        (
            "pip install -r /code/requirements/base.txt \\\n  -r /code/requirements/dev.txt",
            ".venv/bin/pip install -q -r requirements/base.txt -r requirements/dev.txt",
        ),
        ("pip install -r elsewhere.txt", ".venv/bin/pip install -q -r requirements.txt"),
        ("pip install gunicorn", ".venv/bin/pip install -q -r requirements.txt gunicorn"),
    ],
)
def test_the_lists_of_packages_that_an_image_installs_are_installed(step, installs):
    found = found_of(
        **{
            "Dockerfile": f"FROM python:3.12\nCOPY . /code\nRUN {step}\nCMD python app.py\n",
            "requirements.txt": "-r requirements/prod.txt\n",
            "requirements/base.txt": "flask\n",
            "requirements/dev.txt": "-r base.txt\n",
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        }
    )
    assert f"{installs} && touch .venv/.installed" in found.services[0].tasks["install"]


def test_a_package_that_an_image_builds_in_a_module_below_runs_in_that_modules_folder():
    files = {
        "Dockerfile": "FROM golang AS b\nWORKDIR /build/backend\nADD backend /build/backend\n"
        "RUN cd app && go build -o /build/it .\nFROM scratch\nCOPY --from=b /build/it /it\n"
        'CMD ["/it", "server"]\n',
        "backend/go.mod": MODULE,
        "backend/app/main.go": GO,
        "compose.yaml": "services: {letters: {build: ., environment: [LETTERS_URL, OTHER_URL]}}",
        "docs/a.md": "",
    }
    (service,) = found_of(**files).services
    assert service.run == "go run -C backend ./app server"


def test_a_program_that_must_know_its_own_address_is_told_it():
    compose = """
        services:
          letters:
            build: .
            ports: ["8080:8080"]
            environment: [LETTERS_URL, SITE_URL, OTHER_URL]
        """
    (service,) = found_in(
        **{"compose.yaml": compose, "package.json": '{"scripts": {"start": "node s.js"}}'}
    ).services
    own = "${services.letters.public_url}"
    assert service.env == {"LETTERS_URL": own, "SITE_URL": own}
    assert [*service.missing] == ["OTHER_URL"]


def test_a_name_in_front_of_all_variables_is_the_programs_own_though_a_server_is_called_so():
    names = ("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "NATS_HOST", "NATS_PORT")
    code = "\n".join(f'var v{n} = os.Getenv("NATS_ORDERS_{name}")' for n, name in enumerate(names))
    found = found_of(
        **{
            "go.mod": "module example.com/nats-orders\nrequire (\ngithub.com/nats-io/nats.go v1\n"
            "github.com/lib/pq v1\n)\n",
            "main.go": f"{GO}{code}\n",
            "compose.yaml": 'services: {db: {image: "postgres:16"}, nats: {image: "nats:2"}}',
        }
    )
    (service,) = found.services
    assert service.name == "nats-orders"
    assert service.env["NATS_ORDERS_DB_HOST"] == "${stores.db.host}"
    assert service.env["NATS_ORDERS_NATS_HOST"] == "${broker.host}"
    assert found.broker.passwordless


def test_a_port_that_a_file_writes_as_an_address_is_given_as_one():
    files = {
        **{name: text for name, text in TWO.items() if not name.startswith("bills")},
        "users/config/config.yaml": 'http:\n  port: ":5001"\n',
        "Dockerfile": "FROM golang\nCOPY . .\nRUN go build -o /it ./users/cmd\nCMD /it\n",
        "compose.yaml": 'services: {users: {build: ., ports: ["5001:5001", "3001:3001"]}}',
    }
    (service,) = found_of(**files).services
    assert service.ports == {"http": 5001, "port-3001": 3001}
    assert service.env["HTTP_PORT"] == ":5001"


HANDED = {
    "orders": """
        server.port: 8070
        spring:
          datasource: {url: "jdbc:mysql://localhost:3306/orders", username: root, password: pw}
        """,
    "letters": """
        server.port: 8040
        spring.data.mongodb:
          host: localhost
          port: 27017
          username: root
          password: pw
          authentication-database: admin
        """,
}


def spring_cloud() -> dict[str, str]:
    files = {"compose.yaml": 'services: {db: {image: "mysql:8"}, mongo: {image: "mongo:7"}}'}
    for name in ("config", *HANDED):
        files[f"{name}/pom.xml"] = SPRING.replace("market", name)
        files[f"{name}/src/main/java/a/App.java"] = "@SpringBootApplication class App {}\n"
        files[f"{name}/src/main/resources/application.yml"] = (
            f"spring: {{application: {{name: {name}-app}}, config: {{import: "
            '"optional:configserver:http://localhost:8888"}}\n'
        )
    files["config/src/main/resources/application.yml"] = "server.port: 8888\n"
    return files | {f"config/src/main/resources/all/{n}-app.yml": t for n, t in HANDED.items()}


def test_what_a_server_of_settings_hands_out_is_read_for_the_program_of_that_name():
    services = {service.name: service for service in found_of(**spring_cloud()).services}
    assert {name: one.ports["http"] for name, one in services.items()} == {
        "config": 8888,
        "orders": 8070,
        "letters": 8040,
    }
    assert services["config"].stores == ()
    orders, letters = services["orders"].env, services["letters"].env
    assert orders["SPRING_CONFIG_IMPORT"].endswith("${services.config.address}")
    assert orders["SPRING_DATASOURCE_URL"].startswith("jdbc:mysql://${stores.db.host}:")
    assert orders["SPRING_DATASOURCE_PASSWORD"] == "${stores.db.password}"
    assert letters["SPRING_DATA_MONGODB_AUTHENTICATION_DATABASE"] == "${stores.mongo.database}"
    assert not any(service.to_do for service in services.values())


@pytest.mark.parametrize(
    ("scripts", "within"),
    [
        ('"dev": "run-all build --parallel watch:*"', True),
        ('"predev": "tsc", "dev": "node s.js"', True),
        ('"dev": "node s.js", "build": "tsc"', False),
    ],
)
def test_a_script_that_compiles_first_is_given_the_time_for_it(scripts, within):
    found = found_of(
        **{"package.json": f'{{"scripts": {{{scripts}}}}}', "s.js": "app.listen(3000);\n"}
    )
    assert "npm run dev" in found.services[0].run
    assert ("within: 5m" in text_of(found)) is within


@pytest.mark.parametrize(
    ("file", "text", "init"),
    [
        ("sql/market.sql", "CREATE TABLE goods (id int);\n", ("sql/market.sql",)),
        (
            "sql/market.sql",
            "/*\nSource Server : localhost\n*/\n-- USE market\nCREATE TABLE goods (id int);\n",
            ("sql/market.sql",),
        ),
        ("sql/market.sql", "SELECT 1;\n", ()),
        ("sql/other.sql", "CREATE TABLE goods (id int);\n", ()),
    ],
)
def test_a_file_of_tables_that_is_called_as_the_database_is_loaded_into_it(file, text, init):
    address = "spring.datasource.url: jdbc:mysql://localhost:3306/market\n"
    found = found_of(
        **{
            "pom.xml": SPRING,
            "src/main/java/a/App.java": "@SpringBootApplication class App {}\n",
            "src/main/resources/application.yml": address,
            file: text,
        }
    )
    (store,) = found.stores
    assert store.init == init
