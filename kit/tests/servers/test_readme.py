"""The README's first service, taken from the page as it stands."""

from __future__ import annotations

import asyncio
import importlib
import re
from pathlib import Path

import pytest

from tarmac_kit import create_app
from tarmac_kit_testing import FakeBus, issue_token, running, static_verifier

pytestmark = pytest.mark.servers

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text = README.read_text()
    blocks = re.findall(r"```(?:python|sql)\n(?:#|--) (\S+)\n(.*?)```", text, re.DOTALL)
    assert [name for name, _ in blocks] == [
        "tarmac_notes/app.py",
        "tarmac_notes/migrations/0001_notes.sql",
    ]
    for name, body in blocks:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return importlib.import_module("tarmac_notes.app")


async def test_the_first_service_of_the_readme_works(notes, database_url: str) -> None:
    bus = FakeBus()
    env = {"DATABASE_URL": database_url, "PUBLISHES": "note.written"}
    app = create_app([notes.PART], env, verifier=static_verifier(), bus=bus)
    async with running(app) as http:
        assert (await http.post("/notes", json={"text": "hi"})).status == 401
        token = issue_token("u1")
        assert (await http.post("/notes", json={"text": "hi"}, token=token)).status == 400
        answers = [
            await http.post(
                "/notes", json={"text": "hi"}, token=token, headers={"Idempotency-Key": "k"}
            )
            for _ in range(2)
        ]
        assert [answer.status for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["idempotency-replayed"] == "true"
        async with asyncio.timeout(60):
            while not bus.published:  # noqa: ASYNC110 - the relay tells nobody
                await asyncio.sleep(0.01)
        (event,) = bus.published
        assert event.payload == {"note_id": answers[0].json()["id"], "owner": "u1"}
