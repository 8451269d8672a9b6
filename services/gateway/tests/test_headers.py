"""What headers pass, and which ones are added."""

from __future__ import annotations

from ipaddress import ip_network

from tarmac_gateway import headers as http_headers

PROXIES = (ip_network("10.0.0.0/8"),)


def test_hop_by_hop_headers_and_claims_do_not_reach_a_backend():
    sent = [
        (b"host", b"shop"),
        (b"connection", b"keep-alive, X-Secret"),
        (b"x-secret", b"1"),
        (b"te", b"trailers"),
        (b"upgrade", b"h2c"),
        (b"forwarded", b"for=1.1.1.1"),
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x_forwarded_for", b"1.1.1.1"),
        (b"x-request-timeout-ms", b"99"),
        (b"expect", b"100-continue"),
        (b"authorization", b"Bearer x"),
        (b"accept", b"a"),
        (b"accept", b"b"),
    ]
    assert http_headers.for_backend(sent) == [
        (b"authorization", b"Bearer x"),
        (b"accept", b"a"),
        (b"accept", b"b"),
    ]


def test_a_length_beside_a_transfer_encoding_is_dropped():
    sent = [(b"transfer-encoding", b"chunked"), (b"content-length", b"5")]
    assert http_headers.for_backend(sent) == []


def test_a_backends_cors_server_and_connection_headers_do_not_reach_the_client():
    sent = [
        (b"Connection", b"close"),
        (b"Server", b"x"),
        (b"X-Powered-By", b"y"),
        (b"Access-Control-Allow-Origin", b"*"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Length", b"3"),
    ]
    kept = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert http_headers.for_client(sent, bodiless=False) == [*kept, (b"content-length", b"3")]
    assert http_headers.for_client(sent, bodiless=True) == kept


def test_an_answer_keeps_its_own_policy_and_gets_the_other_security_headers():
    shown = dict(http_headers.for_answer([(b"Content-Security-Policy", b"own")], []))
    assert shown[b"Content-Security-Policy"] == b"own"
    assert b"content-security-policy" not in shown
    assert shown[b"x-content-type-options"] == b"nosniff"


def test_an_answer_has_one_request_id_the_one_that_is_added():
    answer = [(b"X-Request-Id", b"of-a-backend"), (b"etag", b"1")]
    shown = http_headers.for_answer(answer, [(b"x-request-id", b"ours")])
    assert shown[:2] == [(b"etag", b"1"), (b"x-request-id", b"ours")]
    assert [key for key, _ in shown].count(b"x-request-id") == 1


def test_forwarded_headers_are_made_anew_and_kept_from_a_trusted_proxy():
    sent = [
        (b"host", b"shop.example.com"),
        (b"x-forwarded-for", b"1.2.3.4"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"evil"),
    ]
    assert http_headers.forwarded("9.9.9.9", "http", sent, PROXIES) == [
        (b"x-forwarded-for", b"9.9.9.9"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-host", b"shop.example.com"),
    ]
    assert http_headers.forwarded("10.0.0.1", "http", sent, PROXIES) == [
        (b"x-forwarded-for", b"1.2.3.4, 10.0.0.1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"evil"),
    ]


def test_a_location_inside_the_backend_becomes_the_public_path():
    def moved(location: bytes) -> bytes:
        found = http_headers.relocated(
            [(b"location", location)], "/orders", "/api/orders", "http://10.0.0.7:3003"
        )
        return found[0][1]

    assert moved(b"/orders/7") == b"/api/orders/7"
    assert moved(b"http://10.0.0.7:3003/orders?x=1") == b"/api/orders?x=1"
    assert moved(b"/ordersx") == b"/ordersx"
    assert moved(b"https://pay.example.com/orders") == b"https://pay.example.com/orders"


def test_an_unlisted_origin_gets_no_allow_header_and_a_listed_one_does():
    allowed = frozenset({"https://shop.example.com"})
    assert http_headers.cors(b"https://evil.example", allowed, preflight=True) == [
        (b"vary", b"Origin")
    ]
    assert http_headers.cors(None, allowed, preflight=False) == [(b"vary", b"Origin")]
    shown = dict(http_headers.cors(b"https://SHOP.example.com", allowed, preflight=True))
    assert shown[b"access-control-allow-origin"] == b"https://SHOP.example.com"
    assert b"idempotency-key" in shown[b"access-control-allow-headers"]
