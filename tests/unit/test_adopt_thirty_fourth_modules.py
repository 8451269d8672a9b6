"""Modules of Go beside a program, and Astro's place, found in a thirty-fourth round."""

from __future__ import annotations

import pytest
from repository import found_in

SHARED = {
    "shared/go.mod": "module shop.example/shared\nrequire github.com/go-sql-driver/mysql v1.8.0\n",
    "shared/config/config.go": (
        'package config\nimport (\n\t"os"\n\t"shop.example/shared/base"\n)\n'
        'var Host, Port = os.Getenv("DB_HOST"), os.Getenv("DB_PORT")\n'
        'var Orders = base.GetEnv("ORDERS_SERVICE_PORT", "3001")\n'
        'var Mails = base.GetEnv("MAILS_SERVICE_PORT", "3002")\n'
    ),
    "shared/base/base.go": (
        'package base\nimport "os"\nvar Level = os.Getenv("LEVEL")\n'
        'func GetEnv(name, other string) string {\n\tif v := os.Getenv(name); v != "" {\n'
        "\t\treturn v\n\t}\n\treturn other\n}\n"
    ),
    "shared/aside/aside.go": 'package aside\nimport "os"\nvar A = os.Getenv("NOT_READ")\n',
}
MAIN = (
    'package main\nimport (\n\t"net/http"\n\t"shop.example/shared/config"\n)\n'
    'func main() { http.ListenAndServe(":"+config.Orders, nil) }\n'
)


def test_a_go_program_reads_what_the_module_beside_it_reads():
    own = "module shop.example/orders\nreplace shop.example/shared => ../shared\n"
    found = found_in(**SHARED, **{"orders-service/go.mod": own, "orders-service/main.go": MAIN})
    (orders,) = found.services
    assert [store.kind for store in found.stores] == ["mysql"]
    assert orders.env["DB_HOST"] == "${stores.db.host}"
    assert "LEVEL" in orders.optional
    assert "NOT_READ" not in {*orders.optional, *orders.env, *orders.missing}
    assert orders.ports == {"http": 3001}
    assert orders.env["ORDERS_SERVICE_PORT"] == "${services.orders-service.port}"
    assert "MAILS_SERVICE_PORT" in orders.optional


@pytest.mark.parametrize(
    ("script", "run"),
    [
        ("astro dev --host --port 3000", "npx astro dev --host 127.0.0.1 --port $PORT"),
        ("bunx --bun astro dev --port=3000", "bunx --bun astro dev --host 127.0.0.1 --port $PORT"),
        ("astro dev", "npm run dev -- --host 127.0.0.1 --port $PORT"),
    ],
)
def test_astro_is_told_one_place_alone(script, run):
    package = '{"scripts": {"dev": "%s"}, "dependencies": {"astro": "5"}}' % script  # noqa: UP031
    (site,) = found_in(**{"package.json": package, "src/pages/index.astro": ""}).services
    assert site.run == run
