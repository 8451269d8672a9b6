"""Work grows with the size of a system and no faster: counted in lines that run, not in seconds."""

from __future__ import annotations

import sys
from collections import Counter

import yaml
from rendered import RENDERERS

from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.model.loader import load
from tarmac.plan import ports
from tarmac.plan.deploy import deploy
from tarmac.plan.facts import RunShape
from tarmac.render.collect import artifacts

KINDS = registry.load(stores, "STORE")
FEW, MANY = 12, 48
#: Fewer lines than these in a small system may be of what is done once.
LEAST = 100


def system_text(count):
    services = {
        f"service-{number}": {
            "run": ["python", "server.py"],
            "port": 8000 + number,
            "public": {"host": "api", "paths": [f"/{number}"]},
            "calls": [f"service-{callee}" for callee in range(number + 1, min(number + 3, count))],
            "publishes": [f"topic.t{number}"],
            "consumes": [f"topic.t{number - 1}"] if number else [],
            "env": {
                "DATABASE_URL": f"${{stores.db-{number // 4}.url}}",
                "NEXT": f"${{services.service-{(number + 1) % count}.url}}",
            },
        }
        for number in range(count)
    }
    system = {
        "tarmac": 1,
        "system": "large",
        "domain": "large.example.com",
        "services": services,
        "stores": {f"db-{number}": "postgres" for number in range(count // 4)},
        "broker": "nats",
        "environments": {"production": {"replicas": {"min": 3, "max": 9, "cpu": 70}}},
    }
    return yaml.safe_dump(system, sort_keys=False).encode()


def planned_and_rendered(text):
    system = load("tarmac.yaml", lambda _: text)
    asked = {name: KINDS[store.kind] for name, store in system.file.stores.items()}
    list(ports.needs(system, asked, RunShape()))
    artifacts(deploy(system, "production", KINDS), RENDERERS)


def lines_by_function(text):
    found = Counter()

    def line(frame, event, _argument):
        if event == "line":
            found[frame.f_code] += 1
        return line

    def call(frame, _event, _argument):
        return line if "/tarmac/" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        planned_and_rendered(text)
    finally:
        sys.settrace(before)
    return found


def test_four_times_the_services_are_not_sixteen_times_the_work_anywhere():
    planned_and_rendered(system_text(FEW))  # what is read once is read
    few, many = lines_by_function(system_text(FEW)), lines_by_function(system_text(MANY))
    grown = {
        f"{code.co_filename}:{code.co_firstlineno} {code.co_name}": (few[code], count)
        for code, count in many.items()
        if count > 2 * (MANY // FEW) * max(few[code], LEAST)
    }
    assert grown == {}
