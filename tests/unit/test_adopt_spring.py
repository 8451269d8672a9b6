"""Spring's files of settings name servers by literals; variables override each of them."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of, found_in, system_of

from tarmac.adopt.survey.survey import survey

POM = """
    <project><dependencies>
      <artifactId>spring-boot-starter-web</artifactId>
      <artifactId>spring-boot-starter-data-redis</artifactId>
      <artifactId>spring-kafka</artifactId>
      <groupId>org.postgresql</groupId>
    </dependencies></project>
    """
MAIN = "@SpringBootApplication class App { public static void main(String[] a) {} }"
PROGRAM = {"pom.xml": POM, "src/main/java/App.java": MAIN}
YAML = """
    server:
      port: 8085
    spring:
      datasource:
        url: jdbc:postgresql://localhost:5432/bills
        username: bills
        password: bills
      data.redis:
        host: localhost
        port: 6379
      kafka.bootstrap-servers: localhost:9092
    ---
    spring:
      config.activate.on-profile: production
      datasource.url: jdbc:postgresql://db.example.com/bills
    """
PROPERTIES = """
    server.port=8085
    spring.datasource.url = jdbc:postgresql://127.0.0.1:5432/bills
    spring.datasource.username=bills
    spring.datasource.password=bills
    spring.data.redis.host=localhost
    spring.data.redis.port=6379
    spring.kafka.bootstrap-servers=localhost:9092
    """


@pytest.mark.parametrize(("end", "text"), [("yml", YAML), ("properties", PROPERTIES)])
def test_a_literal_of_this_machine_is_overridden_by_its_variable(end, text):
    files = {**PROGRAM, f"src/main/resources/application.{end}": text}
    found = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"})
    (service,) = found.services
    where = "${stores.db.host}:${stores.db.port}/${stores.db.database}"
    assert service.env == {
        "SERVER_PORT": "${services.app.port}",
        "SPRING_DATASOURCE_URL": f"jdbc:postgresql://{where}",
        "SPRING_DATASOURCE_USERNAME": "${stores.db.user}",
        "SPRING_DATASOURCE_PASSWORD": "${stores.db.password}",
        "SPRING_DATA_REDIS_HOST": "${stores.cache.host}",
        "SPRING_DATA_REDIS_PORT": "${stores.cache.port}",
        "SPRING_KAFKA_BOOTSTRAP_SERVERS": "${broker.address}",
    }
    assert service.ports == {"http": 8085}
    assert service.guesses == ()
    assert system_of(found)


@pytest.mark.parametrize(
    "text",
    [
        "spring.datasource.url: jdbc:h2:mem:bills\n",
        "spring.datasource.url: jdbc:postgresql://db.example.com:5432/bills\n",
        "spring.datasource.url: ${DB_URL:jdbc:postgresql://localhost/bills}\n",
        "cors.allowed: http://localhost\n",
        "spring: [not, a, mapping\n",
    ],
)
def test_what_is_elsewhere_or_has_a_variable_already_is_left_alone(text):
    found = found_in(**PROGRAM, **{"src/main/resources/application.yml": text})
    (service,) = found.services
    assert not any(name.startswith("SPRING_") for name in (*service.env, *service.optional))


def test_another_service_is_called_by_its_reference():
    def module(port, more=""):
        return {"pom.xml": POM, "src/main/java/App.java": MAIN} | {
            "src/main/resources/application.yml": f"server.port: {port}\n{more}"
        }

    files = {f"bills/{path}": text for path, text in module(8081).items()}
    asks = "bills:\n  address: http://localhost:8081/v1\n"
    files |= {f"front/{path}": text for path, text in module(8080, asks).items()}
    bills, front = found_in(**files).services
    assert (bills.name, bills.ports) == ("bills", {"http": 8081})
    assert front.env["BILLS_ADDRESS"] == "${services.bills.url}/v1"


def test_the_stores_of_a_compose_file_are_those_of_the_program_that_runs_beside_them():
    compose = "services:\n  db: {image: 'postgres:17', environment: {POSTGRES_DB: bills}}\n"
    files = {**PROGRAM, "src/main/resources/application.yml": YAML, "compose.yaml": compose}
    (service,) = found_in(**files).services
    assert service.env["SPRING_DATASOURCE_URL"].startswith("jdbc:postgresql://${stores.db.host}:")
    assert service.env["SPRING_DATASOURCE_USERNAME"] == "${stores.db.user}"


def test_servers_that_are_expected_at_different_ports_are_different_ones():
    def module(port):
        text = f"spring.datasource.url=${{DB_URL:jdbc:postgresql://localhost:{port}/postgres}}\n"
        text += "spring.datasource.password=${DB_PASSWORD:postgres}\n"
        return {"pom.xml": POM, "src/main/java/App.java": MAIN} | {
            "src/main/resources/application.properties": text
        }

    files = {f"bills/{path}": text for path, text in module(15432).items()}
    files |= {f"orders/{path}": text for path, text in module(25432).items()}
    found = found_in(**files)
    bills, orders = found.services
    assert [store.name for store in found.stores] == ["db", "orders-db"]
    assert bills.env["DB_PASSWORD"] == "${stores.db.password}"
    assert orders.env["DB_PASSWORD"] == "${stores.orders-db.password}"
    assert orders.env["DB_URL"].startswith("jdbc:postgresql://${stores.orders-db.host}:")


def test_a_module_whose_parent_names_the_framework_is_a_program():
    pom = "<project><artifactId>spring-cloud-starter-netflix-eureka-server</artifactId></project>"
    found = found_in(**{"pom.xml": pom, "src/main/java/App.java": MAIN})
    assert [service.run for service in found.services] == ["mvn -q spring-boot:run"]


@pytest.mark.parametrize(
    ("boot", "name"), [("2.7.1", "REDIS"), ("3.2.0", "DATA_REDIS"), ("4.0.0", "DATA_REDIS")]
)
def test_a_client_without_a_setting_looks_for_its_server_at_a_usual_place(boot, name):
    pom = f"<artifactId>spring-boot-starter-parent</artifactId>\n<version>{boot}</version>\n"
    pom += "<artifactId>spring-boot-starter-data-redis</artifactId>\n"
    code = f"import org.springframework.data.redis.core.RedisTemplate;\n{MAIN}"
    files = {"pom.xml": pom, "src/main/java/App.java": code}
    (service,) = found_in(**files).services
    assert service.env[f"SPRING_{name}_HOST"] == "${stores.cache.host}"
    assert service.env[f"SPRING_{name}_PASSWORD"] == "${stores.cache.password}"
    without = {**files, "src/main/java/App.java": MAIN}
    assert not any("REDIS" in name for name in found_in(**without).services[0].env)


def test_a_package_that_is_called_example_is_the_programs():
    code = 'package com.example;\nclass A { String a = System.getenv("SHOP_REGION"); }\n'
    pom = "<project>spring-boot</project>"
    files = {"src/main/java/com/example/A.java": code, "src/main/java/com/example/B.java": MAIN}
    (service,) = found_in(**{"pom.xml": pom, **files}).services
    assert {*service.missing, *service.optional} == {"SHOP_REGION"}
