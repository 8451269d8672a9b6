"""What a trace is called in a list, and which are left out of it."""

from __future__ import annotations

import pytest

from tarmac.run.telemetry.trace_names import is_uninteresting, kind_of, name_of, shape


@pytest.mark.parametrize(
    ("name", "attributes", "shown"),
    [
        ("GET /orders/{id}", {"url.path": "/orders/17"}, "GET /orders/{id}"),
        ("GET", {"url.path": "/orders/17/lines"}, "GET /orders/{value}/lines"),
        ("HTTP GET", {"http.target": "/orders?page=2"}, "GET /orders"),
        ("POST", {"url.full": "http://shop.example/carts/ab12"}, "POST /carts/{value}"),
        ("GET", {}, "GET (no route)"),
        ("GET api", {"url.path": "/orders"}, "GET api"),
    ],
)
def test_a_method_alone_gets_the_shape_of_its_path(name, attributes, shown):
    assert name_of(name, attributes) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/", "/"),
        ("/v2/users/ada@example.com", "/v2/users/{value}"),
        ("/files/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/files/{value}"),
        ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/…"),
        ("/" + "x" * 60, "/{value}"),
        ("http://[::1/orders", "/"),
    ],
)
def test_a_path_has_as_many_shapes_as_there_are_routes(path, shown):
    assert shape(path) == shown


@pytest.mark.parametrize(
    ("kind", "attributes", "shown"),
    [
        ("server", {}, "request"),
        ("consumer", {}, "message"),
        ("client", {"messaging.system": "nats"}, "message"),
        ("client", {"db.system.name": "postgresql"}, "call"),
        ("internal", {}, "job"),
    ],
)
def test_each_trace_is_of_a_kind(kind, attributes, shown):
    assert kind_of(kind, attributes) == shown


@pytest.mark.parametrize(
    "name",
    [
        *("GET /static/{name}", "GET /favicon.ico", "GET /app/main.3f2a.js", "HEAD /logo.SVG"),
        *("GET /healthz", "GET /health/ready", "GET /metrics", "grpc.health.v1.Health/Check"),
    ],
)
def test_files_of_pages_and_probes_are_uninteresting(name):
    assert is_uninteresting(name)


@pytest.mark.parametrize(
    "name", ["GET /", "GET /healthy-food", "GET /orders/{id}", "order.placed", "GET /metrics-of-x"]
)
def test_what_users_ask_for_is_not(name):
    assert not is_uninteresting(name)
