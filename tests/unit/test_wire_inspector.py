"""Requests as a wire reads them: counted once each, however the bytes are cut."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.run.local.network import durations
from tarmac.run.local.network.durations import RequestSummary, bucket_of, end_s, quantile
from tarmac.run.local.network.inspector import Requests

GET = b"GET /orders/1?card=4111 HTTP/1.1\r\nHost: x\r\nAuthorization: secret\r\n\r\n"
POST = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FAILED = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n"
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def counted(*turns: tuple[bytes, bytes], closed: bool = False) -> dict[str, int]:
    """Send and answer in turns over one connection; return what was counted."""
    requests = Requests()
    connection = requests.connection()
    for sent, received in turns:
        connection.sent(sent)
        connection.received(received)
    if closed:
        connection.closed()
    found = requests.counts()
    assert sum(found["durations"].values()) == sum(found["requests"].values())
    return found["requests"]


def test_each_request_of_a_connection_is_counted_with_its_answer():
    assert counted((GET, OK), (POST, FAILED), (GET, NOTHING), (CHUNKED, OK)) == {
        "GET 200": 1, "POST 503": 1, "GET 204": 1, "PUT 200": 1,
    }  # fmt: skip


def test_requests_that_are_sent_at_once_are_answered_in_their_order():
    assert counted((GET + POST + GET, OK + FAILED), (b"", OK)) == {"GET 200": 2, "POST 503": 1}


def test_an_interim_answer_is_none():
    assert counted((POST, CONTINUE), (b"", OK)) == {"POST 200": 1}


def test_the_answer_to_head_has_no_body():
    head = GET.replace(b"GET", b"HEAD", 1)
    empty = OK.removesuffix(b"ok")
    assert counted((head, empty), (GET, OK), (head, empty)) == {"HEAD 200": 2, "GET 200": 1}


def test_an_answer_may_end_with_its_connection():
    until_the_end = b"HTTP/1.0 200 OK\r\n\r\nall that comes"
    assert counted((GET, until_the_end)) == {}
    assert counted((GET, until_the_end), closed=True) == {"GET 200": 1}


def test_a_request_that_is_never_answered_is_not_counted():
    assert counted((GET, b""), closed=True) == {}


@pytest.mark.parametrize(
    "turns",
    [
        ((b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"S"), (b"\x16\x03\x01", b"\x16\x03\x03Z")),
        ((b"*x\r\n", b"+PONG\r\n"),),
        ((b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n", b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),),
        ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00\x00\x00"),),
        (
            (
                b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
            ),
            (b"\x81\x05hello", b"\x81\x05hello"),
        ),
        ((b"GET nothing of HTTP\r\n\r\n", b"what?"),),
        ((GET, b"no answer of HTTP\r\n\r\n"), (GET, OK)),
    ],
    ids=[
        "postgres by TLS",
        "no redis",
        "redis that pushes",
        "http2",
        "websocket",
        "a wrong request",
        "a wrong answer",
    ],
)
def test_what_cannot_be_read_goes_on_unread(turns):
    assert counted(*turns) == {}


@given(st.data())
def test_requests_are_the_same_however_their_bytes_are_cut(data):
    exchanges = data.draw(
        st.lists(
            st.tuples(st.sampled_from([GET, POST, CHUNKED]), st.sampled_from([OK, FAILED])),
            min_size=1,
            max_size=5,
        )
    )
    requests = Requests()
    connection = requests.connection()
    for sent, received in exchanges:
        for direction, message in ((connection.sent, sent), (connection.received, received)):
            # The first bytes tell the protocol: they come at once, as clients send them.
            cuts = sorted(data.draw(st.sets(st.integers(8, len(message) - 1), max_size=4)))
            for start, end in zip([0, *cuts], [*cuts, None], strict=True):
                direction(message[start:end])
    expected = Counter(
        f"{sent.split()[0].decode()} {received.split()[1].decode()}" for sent, received in exchanges
    )
    assert requests.counts()["requests"] == expected


def pg(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body


START = b"\x00\x00\x00\x0e\x00\x03\x00\x00user\0"
READY = pg(b"Z", b"I")
ADMITTED = pg(b"R", bytes(4)) + pg(b"S", b"server_version\x0018\0") + READY
ROW = pg(b"D", b"\0\1\0\0\0\2Z\0")
#: A command as a driver sends it, the server's answer, and what is counted of both.
QUERIES = (
    (
        pg(b"Q", b"select 1\0"),
        pg(b"T", b"x") + ROW * 3 + pg(b"C", b"SELECT 3\0") + READY,
        "SELECT 200",
    ),
    (
        pg(b"P") + pg(b"B") + pg(b"E") + pg(b"S"),
        pg(b"1") + pg(b"C", b"INSERT 0 1\0") + READY,
        "INSERT 200",
    ),
    (pg(b"P") + pg(b"D") + pg(b"S"), pg(b"1") + pg(b"t", b"x") + READY, ""),
    (pg(b"Q", b"select 1/0\0"), pg(b"E", b"SERROR\0C22012\0\0") + READY, "ERROR 500"),
    (
        pg(b"Q", b"copy t to stdout\0"),
        pg(b"H", b"x") + pg(b"d", b"Z") + pg(b"C", b"COPY 1\0") + READY,
        "COPY 200",
    ),
)


def resp(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


COMMANDS = (
    (resp(b"SET", b"key", b"a\r\n*value" * 30), b"+OK\r\n", "SET 200"),
    (resp(b"get", b"key"), b"$11\r\nCRLF\r\n+-:$*\r\n", "GET 200"),
    (resp(b"GET", b"none"), b"$-1\r\n", "GET 200"),
    (
        resp(b"LRANGE", b"l", b"0", b"9"),
        b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n$0\r\n\r\n",
        "LRANGE 200",
    ),
    (resp(b"HGETALL", b"h"), b"%1\r\n$1\r\na\r\n:7\r\n", "HGETALL 200"),
    (resp(b"INCR", b"key"), b"-ERR value is not an integer " + b"x" * 90 + b"\r\n", "INCR 500"),
)


@pytest.mark.parametrize("turns", [QUERIES, COMMANDS], ids=["postgres", "redis"])
@given(data=st.data())
def test_commands_of_stores_are_the_same_however_their_bytes_are_cut(turns, data):
    requests = Requests()
    connection = requests.connection()
    if turns is QUERIES:
        connection.sent(START)
        connection.received(ADMITTED)
    chosen = data.draw(st.lists(st.sampled_from(turns), min_size=1, max_size=6))
    for sent, received, _ in chosen:
        for direction, message in ((connection.sent, sent), (connection.received, received)):
            # The first bytes of a client come at once.
            cuts = sorted(data.draw(st.sets(st.integers(2, len(message) - 1), max_size=4)))
            for start, end in zip([0, *cuts], [*cuts, None], strict=True):
                direction(message[start:end])
    assert not connection.ended
    expected = Counter(counted for *_, counted in chosen if counted)
    assert requests.counts()["requests"] == expected


def test_commands_that_are_sent_at_once_are_answered_in_their_order():
    sent = b"".join(command for command, *_ in COMMANDS)
    received = b"".join(answer for _, answer, _ in COMMANDS)
    assert counted((sent, received)) == Counter(name for *_, name in COMMANDS)


def test_how_a_client_of_redis_begins_is_no_command_and_no_failure():
    begin = (resp(b"HELLO", b"3") + resp(b"CLIENT", b"NEW"), b"+OK\r\n-ERR unknown subcommand\r\n")
    assert counted(begin, (resp(b"GET", b"key"), b"$-1\r\n")) == {"GET 200": 1}


def test_a_connection_without_tls_is_inspected_after_the_server_declines_tls():
    asked = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
    sent, received, name = QUERIES[0]
    assert counted((asked, b"N"), (START, ADMITTED), (sent, received)) == {name: 1}


@given(st.floats(1e-6, 1000))
def test_a_bucket_holds_what_lies_between_its_ends(took_s):
    bucket = bucket_of(took_s)
    assert took_s <= end_s(bucket) * (1 + 1e-9)
    assert bucket == 0 or took_s >= end_s(bucket - 1) * (1 - 1e-9)


@given(st.lists(st.floats(durations.SHORTEST_S, 100), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_at_most_a_tenth_above_the_real_one(times, share):
    counts = Counter(map(bucket_of, times))
    real = sorted(times)[max(0, -(-len(times) * share // 1).__int__() - 1)]
    found = quantile(counts, share)
    assert found is not None
    assert real * (1 - 1e-9) <= found <= real * 1.1


def test_a_summary_counts_failures_and_says_nothing_of_what_was_not_read():
    assert RequestSummary.of({"connections": 4}) is None
    found = RequestSummary.of({"requests": {"GET 200": 3, "POST 503": 1}, "durations": {"0": 4}})
    assert found is not None
    assert (found.requests, found.failed, found.p50_s) == (4, 1, durations.SHORTEST_S)
