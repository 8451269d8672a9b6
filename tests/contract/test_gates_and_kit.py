"""What gates know of the kit is what the kit does: the tool does not import what it runs."""

from __future__ import annotations

import pytest

from tarmac.check.gates.settings.env001_variables import KIT, OURS
from tarmac.check.gates.views.pods.probes import KIT_PATHS
from tarmac.model import conventions
from tarmac.plan.cluster_services import DRAIN_S, FINISH_S
from tarmac.plan.ingress_limits import DEFAULTS
from tarmac_kit.app import create_app
from tarmac_kit.limits import LimitSettings
from tarmac_kit.otlp import SpanSettings
from tarmac_kit.settings import Settings


async def status_of(path: str) -> int:
    """Ask an app of the kit without a part of its own, as a server would."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"}
    scope |= {"scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    await create_app([], {})(scope, receive, send)
    return sent[0]["status"]


def test_the_variables_that_the_kit_reads_everywhere_are_known():
    models = (Settings, SpanSettings, LimitSettings)
    fields = {field for model in models for field in model.model_fields}
    assert {name.upper() for name in fields} == KIT | OURS


@pytest.mark.parametrize(("path", "there"), [*((path, True) for path in KIT_PATHS), ("/up", False)])
async def test_the_paths_that_probes_may_ask_are_answered_by_every_app_of_the_kit(path, there):
    assert (await status_of(path) != 404) is there


def test_the_plan_leaves_the_time_that_the_kit_takes_to_finish():
    defaults = Settings()
    assert defaults.shutdown_grace_s <= FINISH_S
    assert defaults.drain_delay_s <= DRAIN_S


def test_a_pool_is_as_large_as_stores_are_sized_for():
    fields = {name.upper(): field.default for name, field in Settings.model_fields.items()}
    assert fields[conventions.POOL_MAX] == conventions.POOL_MAX_DEFAULT


def test_what_the_ingress_takes_for_the_kits_limits_are_the_kits():
    fields = LimitSettings.model_fields
    assert {name: fields[name.lower()].default for name in DEFAULTS} == DEFAULTS
