"""The page about jobs and sagas: its files are a service that works and tests that pass."""

from __future__ import annotations

import asyncio
import re
import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from tarmac_kit import create_app
from tarmac_kit_testing import FakeCache, running

pytestmark = pytest.mark.servers

PAGE = Path(__file__).parents[3] / "docs/how-to/kit-jobs-and-sagas.md"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    """Write the page's blocks into the files that their first lines name, and import these."""
    folder = tmp_path_factory.mktemp("page")
    files: dict[str, str] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        name = re.match(r"# (\w+)\.py\n", block)[1]
        files[name] = files.get(name, "") + block
    found = {}
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.write_text(text)
        spec = util.spec_from_file_location(name, path)
        found[name] = sys.modules[name] = util.module_from_spec(spec)
        spec.loader.exec_module(found[name])
    yield found
    for name in found:
        del sys.modules[name]


async def test_the_service_of_the_page_writes_reports_and_takes_orders(
    modules: dict[str, ModuleType], database_url: str
) -> None:
    app = create_app(modules["shop"].PARTS, {"DATABASE_URL": database_url})
    async with running(app) as client:
        asked = await client.post("/reports/2025")
        assert asked.status == 202
        where = asked.headers["location"]
        async with asyncio.timeout(60):
            job = (await client.get(where)).json()
            while job["state"] != "done":
                await asyncio.sleep(0.01)
                job = (await client.get(where)).json()
        assert job["result"] == {"year": 2025, "lamps": 3}
        assert (await client.get(f"/jobs/{'0' * 8}-0000-4000-8000-{'0' * 12}")).status == 404
        answers = [
            (await client.post(f"/orders?quantity={quantity}&token={token}")).json()
            for quantity, token in ((2, "tok_ok"), (2, "tok_ok"), (1, "tok_declined"), (1, "x"))
        ]
        assert [(answer["state"], answer["reason"]) for answer in answers] == [
            ("done", None),
            ("compensated", "out of stock"),
            ("compensated", "declined"),
            ("done", None),
        ]


async def test_the_tests_of_the_page_pass(modules: dict[str, ModuleType]) -> None:
    tests = [test for name, test in vars(modules["test_shop"]).items() if name.startswith("test_")]
    assert len(tests) == 2
    modules["shop"].STOCK["lamp"] = 3
    for test in tests:
        await test()


async def test_the_cached_price_of_the_page_is_loaded_until_prices_change(
    modules: dict[str, ModuleType],
) -> None:
    cache, loads = FakeCache(), []

    async def load() -> int:
        loads.append(1)
        return 450

    for _ in range(2):
        assert await modules["cached"].price(cache, "lamp", load) == 450
    assert len(loads) == 1
    await modules["cached"].prices_changed(cache)
    assert await modules["cached"].price(cache, "lamp", load) == 450
    assert len(loads) == 2
