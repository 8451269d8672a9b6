"""Stores and brokers that programs reach at a fixed address, without a login."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of

from tarmac.adopt.survey.survey import survey
from tarmac.adopt.writing.write import write
from tarmac.model.loader import load

EVERY = KINDS | {"kafka", "mongodb", "rabbitmq"}
GO = 'package main\nimport "net/http"\nfunc main() { work(); http.ListenAndServe(":9000", nil) }\n'
NODE = 'require("http").createServer((q, s) => s.end("ok")).listen(process.env.PORT);\n'


def found_of(files):
    return survey(folder_of(files), CATALOGUE, EVERY)


def of_go(library, code):
    module = f"module example.com/notes\nrequire {library} v1.0.0\n"
    return found_of({"go.mod": module, "main.go": GO, "work.go": f"package main\n{code}\n"})


def of_node(library, code, **files):
    package = f'{{"scripts": {{"start": "node s.js"}}, "dependencies": {{"{library}": "1"}}}}'
    return found_of({"package.json": package, "s.js": NODE + code, **files})


def of_python(library, code):
    main = "from fastapi import FastAPI\napp = FastAPI()\n"
    return found_of({"requirements.txt": f"fastapi\n{library}\n", "main.py": main + code})


def written(found):
    return load("tarmac.yaml", lambda _: write(found, "demo").encode()).file


BROKERS = {
    "nats://": lambda: of_go("github.com/nats-io/nats.go", 'var n = dial("nats://localhost:4222")'),
    "DefaultURL": lambda: of_go(
        "github.com/nats-io/nats.go", "func w() { nats.Connect(nats.DefaultURL) }"
    ),
    "go": lambda: of_go(
        "github.com/segmentio/kafka-go",
        'var r = kafka.NewReader(kafka.ReaderConfig{Brokers: []string{"localhost:9092"}})',
    ),
    "node": lambda: of_node("kafkajs", 'new Kafka({ clientId: "a", brokers: ["localhost:9092"] })'),
    "python": lambda: of_python("aiokafka", 'p = Producer(bootstrap_servers="localhost:9092")'),
    "file": lambda: of_node(
        "kafkajs", "", **{"config.json": '{"kafka": {"brokers": ["localhost:9092"]}}'}
    ),
}


@pytest.mark.parametrize("how", BROKERS)
def test_a_broker_that_code_reaches_without_a_login_answers_there_without_one(how):
    found = BROKERS[how]()
    (service,) = found.services
    broker = written(found).broker
    kind, port = ("kafka", 9092) if how in ("go", "node", "python", "file") else ("nats", 4222)
    assert (broker.kind, broker.local.port, broker.passwordless) == (kind, port, True)
    assert service.to_do == ()
    assert "by itself" in found.broker.remarks[-1]


@pytest.mark.parametrize(
    "line",
    [
        'const k = process.env.BROKERS || "localhost:9092";',
        '// brokers: ["localhost:9092"]',
        'const other = "localhost:8081";',
        'const elsewhere = "kafka.example.com:9092";',
    ],
)
def test_what_a_variable_says_and_what_is_elsewhere_is_no_fixed_address(line):
    broker = written(of_node("kafkajs", line)).broker
    assert broker is None or broker.local is None


def test_a_mongodb_in_the_code_without_a_login_answers_there_without_one():
    found = of_node("mongoose", 'mongoose.connect("mongodb://localhost:27017/notes");')
    (store,) = written(found).stores.values()
    assert (store.kind, store.local.port, store.passwordless) == ("mongodb", 27017, True)
    assert store.database == "notes"
    assert found.services[0].to_do == ()


def test_a_mongodb_with_a_login_in_the_code_asks_for_it():
    found = of_node("mongoose", 'mongoose.connect("mongodb://app:pw@localhost:27017/notes");')
    (store,) = written(found).stores.values()
    assert (store.local.user, store.local.password, store.passwordless) == ("app", "pw", False)


@pytest.mark.parametrize(
    ("env", "is_open"),
    [("BROKERS: kafka:9092", True), ("KAFKA_BROKERS: kafka:9092", True), ("OTHER: a", False)],
)
def test_a_kafka_of_which_programs_are_told_no_login_asks_for_none(env, is_open):
    compose = f"""
        services:
          web: {{build: ., environment: {{{env}}}}}
          kafka: {{image: "confluentinc/cp-kafka:7.6.0"}}
        """
    broker = written(of_node("kafkajs", "", **{"compose.yaml": compose})).broker
    assert (broker.kind, broker.passwordless, broker.local) == ("kafka", is_open, None)


def test_a_mongodb_that_the_code_names_by_its_container_is_found_by_its_name():
    compose = 'services: {web: {build: .}, mongo: {image: "mongo:7"}}'
    code = 'mongoose.connect("mongodb://mongo:27017/notes");'
    found = of_node("mongoose", code, **{"compose.yaml": compose})
    file = written(found)
    assert (file.stores["mongo"].passwordless, file.hosts) == (True, True)
    assert found.services[0].to_do == ()


def test_a_login_in_a_file_is_the_stores_where_variables_say_its_place_alone():
    compose = """
        services:
          web: {build: ., environment: {POSTGRES_HOST: db, POSTGRES_PORT: 5432}}
          db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: pw}}
        """
    settings = '{"postgres": {"host": "localhost", "port": 5432, "user": "app", "password": "pw"}}'
    found = of_node("pg", "", **{"compose.yaml": compose, "config.json": settings})
    store = written(found).stores["db"]
    assert (store.local.port, store.local.user, store.local.password) == (None, "app", "pw")
    assert found.services[0].env["POSTGRES_PORT"] == "${stores.db.port}"
    told = compose.replace("5432}", "5432, POSTGRES_PASSWORD: pw}")
    found = of_node("pg", "", **{"compose.yaml": told, "config.json": settings})
    assert written(found).stores["db"].local is None


def test_a_login_beside_an_address_is_known_also_where_a_variable_gives_the_address():
    compose = """
        services:
          web: {build: ., environment: {MONGO_URI: "mongodb://mongo:27017"}}
          mongo: {image: "mongo:7"}
        """
    settings = (
        '{"mongo": {"uri": "mongodb://localhost:27017", "user": "admin", "password": "pw",'
        ' "db": "goods"}}'
    )
    found = of_node("mongoose", "", **{"compose.yaml": compose, "config.json": settings})
    store = written(found).stores["mongo"]
    assert (store.local.user, store.local.password, store.local.port) == ("admin", "pw", None)
    assert (store.database, store.passwordless) == ("goods", False)
