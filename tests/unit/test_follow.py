"""A log line is written for a person: the kit's JSON as words, anything else as it is."""

from __future__ import annotations

from tarmac.cli.output.log_lines import written

AT = "2026-11-20T08:00:01.000000Z"


def test_a_kit_line_becomes_words():
    line = '{"ts": "x", "level": "info", "event": "started", "service": "web", "port": 3000}'
    assert written((AT, "web", line), 5).plain == "08:00:01 web   started port=3000"


def test_any_other_line_stays_as_it_is():
    for text in ("GET / 200", "{not json", '{"no": "event"}', "[1]"):
        assert written((AT, "web", text), 3).plain == f"08:00:01 web {text}"


def test_control_sequences_of_a_service_do_not_reach_the_terminal():
    assert written((AT, "web", "\x1b[31mred\x1b[2J\x07"), 3).plain == "08:00:01 web red"


def test_the_level_of_a_line_is_a_word_and_not_a_colour_alone():
    line = '{"level": "error", "event": "payment refused", "order": 7}'
    assert written((AT, "web", line), 3).plain == "08:00:01 web ERROR payment refused order=7"
