"""Routes and paths, without any I/O."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac_gateway.domain import (
    UnsafePathError,
    env_name,
    parse_routes,
    public_path,
    split_path,
)

TABLE = parse_routes(
    "/api/orders=order-service/orders, /api/orders/reports=report-service/ /api/a=a-service",
    "POST /api/orders, GET /api/orders/*, GET /api/orders/*/lines",
)


def match(path: str) -> tuple[str, str] | None:
    found = TABLE.match(*split_path(path.encode()))
    return (found.route.service, found.upstream_path) if found else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/orders", ("order-service", "/orders")),
        ("/api/orders/", ("order-service", "/orders/")),
        ("/api/orders/7/lines", ("order-service", "/orders/7/lines")),
        ("/api/orders/reports/2026", ("report-service", "/2026")),
        ("/api/orders/reports", ("report-service", "/")),
        ("/api/ordersx", None),
        ("/api", None),
        ("/api/%6Frders/a%20b", ("order-service", "/orders/a%20b")),
        ("/api/a/x", ("a-service", "/x")),
    ],
)
def test_the_longest_prefix_wins_and_the_rest_of_the_path_is_kept(path, expected):
    assert match(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/api/orders/../payments",
        "/api/orders/./x",
        "/api/orders/%2e%2e/payments",
        "/api/orders/.%2E/payments",
        "/api/orders/..;x=1/payments",
        "/api/orders/%2e%2e;/payments",
        "/api/orders/a%2fb",
        "/api/orders/a%2Fb",
        "/api/orders/a%5cb",
        "/api/orders/a\\b",
        "/api/orders/%252e%252e/payments",
        "/api/orders/%25%32%65",
        "/api/orders//payments",
        "//api/orders",
        "/api/orders/%",
        "/api/orders/%zz",
        "/api/orders/%00",
        "/api/orders/%0d%0a",
        "/api/orders/%7f",
        "/api/orders/%ff",
        "/api/orders/a b",
        "/api/orders/ä",
        "api/orders",
    ],
)
def test_a_path_that_a_backend_could_read_otherwise_is_refused(path):
    with pytest.raises(UnsafePathError):
        split_path(path.encode())


@given(st.binary(max_size=60))
def test_whatever_is_sent_the_upstream_path_stays_below_its_prefix(tail):
    try:
        raw, segments = split_path(b"/api/orders/" + tail)
    except UnsafePathError:
        return
    found = TABLE.match(raw, segments)
    assert found is not None
    if found.route.service == "order-service":
        assert found.upstream_path.startswith("/orders/")
    assert "/.." not in found.upstream_path
    assert "\\" not in found.upstream_path


@pytest.mark.parametrize(
    ("method", "path", "public"),
    [
        ("POST", "/api/orders", True),
        ("GET", "/api/orders", False),
        ("GET", "/api/orders/1", True),
        ("HEAD", "/api/orders/1", True),
        ("GET", "/api/orders/1/more", True),
        ("GET", "/api/orders/", False),
        ("DELETE", "/api/orders/1", False),
        ("GET", "/api/%6frders/1", True),
    ],
)
def test_public_routes_go_by_method_and_decoded_path(method, path, public):
    assert TABLE.is_public(method, split_path(path.encode())[1]) is public


def test_a_star_inside_a_pattern_stands_for_one_segment():
    table = parse_routes("/api=a-service", "GET /api/*/lines")
    assert table.is_public("GET", ("api", "7", "lines"))
    assert not table.is_public("GET", ("api", "7", "x", "lines"))
    assert not table.is_public("GET", ("api", "", "lines"))


@pytest.mark.parametrize(
    ("routes", "public", "words"),
    [
        ("", "", "no route is given"),
        ("api=a-service/x", "", "'api=a-service/x' has no public prefix"),
        ("/api/../x=a-service/x", "", "has no public prefix"),
        ("/api", "", "'/api' has no public prefix"),
        ("/api=A_Service/x", "", "names no service"),
        ("/api=a-service/../x", "", "bad upstream path '/../x'"),
        ("/api=a-service /api=b-service", "", "'/api' is given twice"),
        ("/api=a-service", "FETCH /api", "'FETCH /api' is not METHOD /path"),
        ("/api=a-service", "GET api", "'GET api' is not METHOD /path"),
        ("/api=a-service", "GET /other", "'GET /other' is below no route"),
    ],
)
def test_a_wrong_entry_is_named(routes, public, words):
    with pytest.raises(ValueError, match="ROUTES") as caught:
        parse_routes(routes, public)
    assert words in str(caught.value)


def test_all_wrong_entries_are_reported_together():
    with pytest.raises(ValueError, match=r"(?s)'a'.*\n.*'b'.*\n.*'GET c'"):
        parse_routes("a b", "GET c")


def test_a_services_own_path_is_shown_under_every_prefix_that_reaches_it():
    table = parse_routes("/api/orders=order-service/orders /v1=order-service")
    shown = [path for path, _ in public_path("/orders/{id}", "order-service", table.routes)]
    assert sorted(shown) == ["/api/orders/{id}", "/v1/orders/{id}"]
    assert public_path("/ordersx", "order-service", [table.routes[0]]) == []
    assert public_path("/orders", "other-service", table.routes) == []


def test_a_service_is_named_in_the_environment_in_upper_snake():
    assert env_name("order-service") == "ORDER_SERVICE"
    assert TABLE.services == ("a-service", "order-service", "report-service")
