"""What the terminal draws, without a terminal: rows, lines of logs, traces, and which are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from terminal_fakes import EDGES, NODES, FakeSystem, edge, line, status

from tarmac.run.telemetry.line_filter import LineFilter
from tarmac.run.terminal import keys, log_view, process_table, waterfall
from tarmac.run.terminal.log_book import LogBook
from tarmac.run.terminal.overview import Fault, Row, effect_of, overview_of

ERRORS = LineFilter(level="error")


def observed(nodes=NODES, edges=EDGES, **more):
    """Give the overview of a small system between two observations."""
    asked = FakeSystem(status(nodes, **more), edges)
    before = asked.observe(None)
    now = replace(asked.observe(None), at=before.at + 2, used_at=before.used_at + 2)
    return overview_of(before, now)


def book_of(many, most=100):
    book = LogBook(most)
    book.add([line(number) for number in range(many)])
    return book


def texts(book, height=3):
    return [one.text for one in book.window(height)]


def test_services_come_first_and_what_is_off_is_a_row():
    found = observed(off=("mails",), groups={"web": "front"})
    assert [row.name for row in found.rows] == ["orders", "web", "orders-db", "mails"]
    assert [row.state for row in found.rows] == ["healthy", "crash-loop", "healthy", "off"]
    assert found.rows[1].group == "front"
    assert found.named("FRON").rows == (found.rows[1],)


def test_rates_are_on_the_row_of_the_first_instance():
    nodes = (NODES[1], replace(NODES[1], name="orders.2", pid=14))
    asked = FakeSystem(status(nodes), (edge("web", "orders", requests={}, durations={}),))
    before = asked.observe(None)
    counted = {"requests": {"GET 200": 8, "GET 500": 2}, "durations": {"24": 10}}
    asked.edges = (edge("web", "orders", **counted),)
    found = overview_of(before, replace(asked.observe(None), at=before.at + 2))
    assert found.is_counted
    assert found.rows[0].rates.requests_per_s == pytest.approx(5)
    assert found.rows[0].rates.failed_per_s == pytest.approx(1)
    assert found.rows[1].rates.requests_per_s is None
    assert {row.instances for row in found.rows} == {2}


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_no_line_is_wider_than_the_screen_whatever_stands_in_it(width):
    wide = replace(NODES[1], name="名" * 60, detail="界" * 300 + "\n", about="x")
    found = observed((*NODES, wide))
    lines, _ = process_table.table(found.rows, "orders", width, 10, 0.0)
    lines.append(process_table.head(found, width, "slow orders: 7 delayed"))
    lines += log_view.page([line(1, "界" * 500)], width, 9, names=True, wraps=True)
    lines += log_view.page([line(1, "界" * 500)], width, 9, names=True, wraps=False)
    lines += waterfall.trace_lines(FakeSystem().traces(""), 0, width, 5)
    assert max(cell_len(text.plain) for text in lines) <= width


def test_a_wrapped_line_loses_no_character_and_ends_at_the_lower_edge():
    long = "".join(chr(97 + number % 26) for number in range(300))
    lines = log_view.page([line(1), line(2, long)], 60, 50, names=False, wraps=True)
    joined = "".join(text.plain.strip() for text in lines[1:])
    assert long in joined
    assert log_view.page([line(1, long), line(2)], 60, 2, names=False, wraps=True)[
        -1
    ].plain.endswith("line 2")


def test_the_chosen_row_is_always_among_those_that_are_drawn():
    rows = observed(tuple(replace(NODES[1], name=f"n{n:02}") for n in range(40))).rows
    for row in rows:
        lines, first = process_table.table(rows, row.name, 80, 8, 0.0)
        assert any(row.name in text.plain for text in lines)
        assert rows[first].name in lines[1].plain


def test_the_reader_stays_at_a_line_while_others_come_and_follows_at_the_end():
    book = book_of(50)
    assert texts(book) == ["line 47", "line 48", "line 49"]
    book.move(-10, 3)
    book.add([line(50)])
    assert texts(book) == ["line 37", "line 38", "line 39"]
    assert not book.follows
    book.move(100, 3)
    assert book.follows
    assert texts(book)[-1] == "line 50"
    book.to_start(3)
    assert texts(book) == ["line 0", "line 1", "line 2"]


def test_the_oldest_lines_go_and_a_reader_of_them_is_taken_along():
    book = book_of(100)
    book.to_start(3)
    book.add([line(number) for number in range(100, 150)])
    assert len(book) == 100
    assert texts(book)[-1] == "line 50"
    book.add([line(number) for number in range(1000)])
    assert len(book) == 100


def test_a_filter_is_left_at_the_line_where_the_reader_was():
    book = LogBook(1000)
    book.add([line(n, "ERROR bad" if n % 100 == 0 else f"line {n}") for n in range(500)])
    book.choose(ERRORS)
    assert book.shown == 5
    book.add([line(0, "ERROR new"), line(1, "good")])
    assert book.shown == 6
    book.move(-3, 1)
    assert book.position() == 3
    book.choose(LineFilter())
    assert texts(book, 2) == ["line 199", "ERROR bad"]
    book.choose(LineFilter(text="nothing has it"))
    assert texts(book) == []
    assert book.position() == 0


def test_json_is_its_message_and_fields_and_an_escape_sequence_is_nothing():
    text = '{"event": "paid \\u001b[31m", "level": "error", "order": 7, "trace_id": "ab"}'
    plain = log_view.drawn(line(1, text), 0).plain
    assert "paid  order=7" in plain
    assert "trace_id" not in plain
    assert " E " in plain
    hostile = "a\x1b]8;;http://x\x1b\\b\x07\u202ec\x9b2Jd\x1b[1;1He"
    assert log_view.plain(hostile) == "ab\\x07\\u202ec\\x9b2Jde"


def test_an_effect_counts_the_edges_of_the_fault_alone():
    links = observed(
        edges=(edge("web", "orders", effect={"reset": 3}), edge("a", "b", effect={"reset": 9}))
    ).links
    assert effect_of(Fault("cut", "orders", ("web->orders:http",), 0.0), links) == (
        "cut orders: 3 reset"
    )


def test_a_key_says_why_it_can_do_nothing_at_both_ends_of_the_scale():
    found = observed()
    row = replace(found.rows[0], instances=1)
    assert "`x` stops it" in keys.why_not("scale(-1)", row, found)
    assert "20 is the most" in keys.why_not("scale(1)", replace(row, instances=20), found)
    assert keys.why_not("scale(1)", row, found) == ""
    assert "no process" in keys.why_not("restart", None, found)
    off = Row("mails", "mails", "", "off")
    assert keys.why_not("start", off, found) == ""
    assert "`s` starts it" in keys.why_not("restart", off, found)


def test_a_trace_is_bars_in_their_order_with_what_failed():
    spans = FakeSystem().trace("ab" * 16)
    lines = [text.plain for text in waterfall.span_lines(spans, 100)]
    assert lines[0].startswith("orders: GET /orders")
    assert lines[1].startswith("  orders: SELECT")
    assert lines[1].index("━") > lines[0].index("━")
    assert "! no connection" in lines[2]
