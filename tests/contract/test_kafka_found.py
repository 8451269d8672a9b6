"""Where a Kafka is looked for: a folder with jars, and the machine's Java to run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tarmac.catalog.stores.kafka import STORE
from tarmac.run.local.host import offers


def a_java(folder: Path, version: str) -> None:
    folder.mkdir()
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)


def a_kafka(folder: Path, version: str) -> Path:
    (folder / "libs").mkdir(parents=True)
    (folder / f"libs/kafka_2.13-{version}.jar").touch()
    (folder / "libs/kafka_2.13-javadoc.jar").touch()
    return folder


def test_it_is_found_where_a_variable_says_else_the_newest_in_the_cache(tmp_path, monkeypatch):
    a_java(tmp_path / "bin", "21.0.2")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    monkeypatch.delenv("TARMAC_PATH_ONLY", raising=False)
    kept = tmp_path / "cache/tarmac/programs"
    older, newer = (a_kafka(kept / f"kafka-{version}", version) for version in ("4.3.1", "4.10.0"))
    found = offers.find(STORE, asked_provider="binary")
    assert found is not None
    assert (found.version, found.programs["home"]) == ("4.10.0", (str(newer),))
    assert found.programs["java"] == (str(tmp_path / "bin/java"),)
    asked = offers.find(STORE, asked_provider="binary", asked_version="4.3")
    assert asked is not None
    assert asked.programs["home"] == (str(older),)
    named = a_kafka(tmp_path / "mine", "4.0.0")
    monkeypatch.setenv("KAFKA_HOME", str(named))
    found = offers.find(STORE, asked_provider="binary")
    assert found is not None
    assert (found.version, found.programs["home"]) == ("4.0.0", (str(named),))


@pytest.mark.parametrize(("kafka", "java"), [("3.9.1", "17.0.1"), ("4.3.1", "11.0.2")])
def test_what_is_too_old_to_run_is_not_found(kafka, java, tmp_path, monkeypatch):
    a_java(tmp_path / "bin", java)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KAFKA_HOME", str(a_kafka(tmp_path / "mine", kafka)))
    assert offers.find(STORE, asked_provider="binary") is None
