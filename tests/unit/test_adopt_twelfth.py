"""What the twelfth round of repositories that nobody had tried has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of, found_in, text_of

from tarmac.adopt._survey import survey

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
