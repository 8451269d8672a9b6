"""Programs of one repository whose modules are beside each other are asked for their own alone."""

from __future__ import annotations

from repository import found_in


def test_a_module_beside_others_is_asked_for_its_own_variables_and_those_of_what_it_shares():
    compose = """
    services:
      orders: {build: {context: ., args: {SERVICE_PATH: orders/cmd/api}}}
      stock: {build: {context: ., args: {SERVICE_PATH: stock/cmd/api}}}
    """
    dockerfile = (
        "FROM golang:1.26 AS b\nARG SERVICE_PATH\nWORKDIR /src\nCOPY services ./services\n"
        "RUN cd services && go build -o /service ./${SERVICE_PATH}\n"
        'FROM alpine\nCOPY --from=b /service /service\nCMD ["/service"]\n'
    )
    main = 'package main\n\nimport "os"\n\nfunc main() { _ = os.Getenv("%s_TOKEN_TTL") }\n'
    files = {"compose.yaml": compose, "Dockerfile": dockerfile}
    for name in ("orders", "stock"):
        files[f"services/{name}/go.mod"] = f"module example.com/{name}\n\ngo 1.26\n"
        files[f"services/{name}/cmd/api/main.go"] = main % name.upper()
    shared = 'package shared\n\nimport "os"\n\nvar Zone = os.Getenv("SHARED_ZONE")\n'
    files |= {
        "services/shared/go.mod": "module example.com/shared\n",
        "services/shared/s.go": shared,
    }
    found = {service.name: service for service in found_in(**files).services}
    assert [one.run for one in found.values()] == [
        "go run -C services/orders ./cmd/api",
        "go run -C services/stock ./cmd/api",
    ]
    assert {name: sorted(one.optional) for name, one in found.items()} == {
        "orders": ["ORDERS_TOKEN_TTL", "SHARED_ZONE"],
        "stock": ["SHARED_ZONE", "STOCK_TOKEN_TTL"],
    }
