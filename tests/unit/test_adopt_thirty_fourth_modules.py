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


def test_steps_that_only_an_image_has_are_not_carried_out_at_every_start():
    steps = (
        'package main\nimport "github.com/golang-migrate/migrate/v4"\n'
        'func main() { m, _ := migrate.New("file:///db/steps", url()); m.Up() }\n'
    )
    image = (
        "FROM golang:1.23 AS build\nWORKDIR /src\nCOPY . .\n"
        "RUN go build -o api ./cmd/api && go build -o steps ./cmd/steps\n"
        'FROM scratch AS steps\nCOPY --from=build /src/steps .\nENTRYPOINT ["/steps"]\n'
        'FROM scratch AS api\nCOPY --from=build /src/api .\nENTRYPOINT ["/api"]\n'
    )
    compose = (
        "services:\n  steps: {build: {context: ., target: steps}, depends_on: [db]}\n"
        "  api:\n    build: {context: ., target: api}\n"
        "    depends_on: {steps: {condition: service_completed_successfully}}\n"
        "  db: {image: 'postgres:16'}\n"
    )
    files = {
        "compose.yaml": compose,
        "Dockerfile": image,
        "go.mod": "module shop.example/shop\n",
        "cmd/api/main.go": MAIN.replace("shop.example/shared/config", "os"),
        "cmd/steps/main.go": steps,
    }
    found = found_in(**files)
    (api,) = found.services
    assert "steps" not in api.tasks
    assert any("steps in /db/steps, which only its image has" in line for line in found.left_out)
    here = {**files, "cmd/steps/main.go": steps.replace("file:///db", "file://db")}
    (api,) = found_in(**here).services
    assert api.tasks["steps"] == "go run ./cmd/steps"


def test_a_program_whose_image_is_in_a_folder_of_its_own_has_its_own_code():
    compose = "services:\n" + "".join(
        f"  {name}: {{build: {{context: ., dockerfile: services/{name}/docker/Dockerfile}}}}\n"
        for name in ("orders", "mails")
    )
    files = {"compose.yaml": compose}
    for name in ("orders", "mails"):
        place = f"services/{name}"
        files |= {
            f"{place}/docker/Dockerfile": (
                f"FROM golang:1.23\nWORKDIR /b/{place}\nCOPY {place} ./\n"
                f'RUN go build -o app ./cmd/app\nENTRYPOINT ["./app"]\n'
            ),
            f"{place}/go.mod": f"module shop.example/{name}\n",
            f"{place}/cmd/app/main.go": (
                f'package main\nimport ("net/http"; "os")\nvar a = os.Getenv("{name.upper()}")\n'
                'func main() { http.ListenAndServe(":"+os.Getenv("PORT"), nil) }\n'
            ),
        }
    found = found_in(**files)
    read = {one.name: {*one.optional, *one.missing} & {"ORDERS", "MAILS"} for one in found.services}
    assert read == {"orders": {"ORDERS"}, "mails": {"MAILS"}}
