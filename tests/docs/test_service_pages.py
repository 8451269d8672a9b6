"""The pages about a first service and one in another language, typed as they stand."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest
from pages import Page, typed

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("curl"), reason="the pages' commands need curl"),
]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "reader"
    folder.mkdir()
    yield folder
    if (folder / "tarmac.yaml").exists():
        typed("tarmac down --delete-data || true", folder)


def test_the_first_service_is_written_runs_and_counts_each_entry_once(folder):
    page = Page("tutorial/your-first-service.md")
    page.moved(7001, 7002)
    written = page.write(folder)
    assert {"tarmac.yaml", "guestbook/guestbook/app.py", "tally/tally/app.py"} <= set(written)
    said = typed(page.commands("Use it"), folder)
    assert '{"id":1}' in said
    assert '[{"name":"Ada","text":"Once more."}' in said
    assert '{"Ada":2}' in said
    assert "http_requests_total" in said
    assert '"status": 422' in said or '"status":422' in said
    assert "every-entry-is-counted" in said


@pytest.mark.skipif(not shutil.which("node"), reason="the page's program needs node")
def test_a_service_in_another_language_is_started_scaled_and_replaced(folder):
    page = Page("tutorial/another-language.md")
    page.moved(7011)
    assert set(page.write(folder)) == {"greeter/server.js", "tarmac.yaml"}
    said = typed(page.commands("Use it"), folder)
    answers = [json.loads(found) for found in re.findall(r'\{"greeting".*?\}', said)]
    assert [answer["asked"] for answer in answers] == ["/anything", "/again"]
    assert [answer["greeting"] for answer in answers] == ["hello", "good day"]
    assert answers[0]["database"] == "greetings"


def test_a_service_with_an_sdk_of_its_own_is_seen(folder):
    page = Page("how-to/see-a-foreign-service.md")
    page.moved(7021)
    assert set(page.write(folder)) == {"shipping/app.py", "tarmac.yaml"}
    script = page.commands("Follow a request").removesuffix("tarmac down --delete-data\n")
    start, *look = script.partition("tarmac trace --service")
    typed(start, folder)
    wanted = ("GET /parcels", "ask the carrier", "the carrier took its time for /parcels/7")
    ends_at = time.monotonic() + 100
    said = ""
    while missing := [words for words in wanted if words not in said]:
        assert time.monotonic() < ends_at, f"{missing}: {said}"
        try:
            said = typed("".join(look), folder)
        except AssertionError as error:  # what receives begins after `up`, and sends take a moment
            said = str(error)
    assert re.search(r"shipping.* 1 ", said)
