"""Kafka set up by the programs of its own image, as a Job in a cluster does it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from kafka_running import HOST, ORDERS, Running, server, view_of

from tarmac.base.launch import Secret, reveal
from tarmac.catalog.stores.kafka import STORE
from tarmac.catalog.stores.kind import ProtocolScript, User
from tarmac.catalog.stores.protocols import kafka
from tarmac.catalog.stores.setup.kafka_acl import BrokerAcl, wanted
from tarmac.run.local.stores.dialogue import converse, set_up_server

__all__ = ["server"]  # a fixture


@pytest.mark.servers
async def test_the_programs_of_its_image_set_the_same_up(server: Running, tmp_path: Path):
    home = Path(server.offer.programs["home"][0])
    if not list(home.glob("libs/kafka-tools-*.jar")):
        pytest.skip("Kafka's own programs are not here: remove its cache, and have .ci/kafka run")
    told = server.launch.post_start
    assert told is not None
    # No rules, and a topic that is not there yet.
    none = replace(told.wanted, topics=(), grants=())  # type: ignore[type-var]
    await set_up_server(HOST, replace(told, wanted=none), server.secrets)
    late = User("late", Secret("stores/broker/audit"), ("late.come",))
    view = view_of(server.ports, (ORDERS, late))
    assert STORE.script is not None
    script = STORE.script(view)
    programs = {"topics": "TopicCommand", "acls": "AclCommand"}
    for name, program in programs.items():
        run = tmp_path / f"kafka-{name}.sh"
        java = f'{server.offer.programs["java"][0]} $KAFKA_JVM_PERFORMANCE_OPTS -cp "{home}/libs/*"'
        run.write_text(f'#!/bin/sh\nexec {java} org.apache.kafka.tools.{program} "$@"\n')
        run.chmod(0o755)
    for file in script.files:
        content = reveal(file.content, server.secrets)
        (tmp_path / file.path).write_text(content.replace("/setup/", f"{tmp_path}/"))
    env = {name: reveal(value, {}) for name, value in script.env.items()}
    for _ in range(2):  # it can be repeated
        process = await asyncio.create_subprocess_exec(
            *(part.replace("/setup/", f"{tmp_path}/") for part in script.argv),
            env={**env, "KAFKA_BIN": str(tmp_path), "PATH": "/usr/bin:/bin"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
    needs = wanted(view)
    topics, rules = await converse(HOST, view.ports["main"], held(needs), server.secrets)
    counts = {name: len(parts) for name, parts in topics.items()}
    assert dict(needs.topics).items() <= counts.items()
    assert "late.come" in counts
    assert rules == {kafka._rule(grant) for grant in needs.grants}


def held(needs: BrokerAcl) -> ProtocolScript:
    """Ask a broker for its topics and rules."""
    ask = kafka._Asking()
    yield from ask.login(needs.admin, needs.password)
    topics = yield from kafka._topics_of(ask)
    return topics, (yield from kafka._rules(ask))
