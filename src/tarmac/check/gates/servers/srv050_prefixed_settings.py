"""Settings of Celery in Django's file have the prefix by which they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_settings import PythonSettings, python_settings

_READS = re.compile(
    r"config_from_object\(\s*[\"']django\.conf:settings[\"']\s*,\s*namespace\s*=\s*[\"'](\w+)[\"']"
)
_SETTINGS = re.compile(r"(settings|base|common|production|prod|local|dev)\.py")
#: Names without a prefix that are Celery's alone.
_PLAIN = ("BROKER_URL", "CELERYBEAT_SCHEDULE", "CELERYD_CONCURRENCY", "BROKER_TRANSPORT_OPTIONS")
#: What is read by another name than the old one with the prefix.
_NOW = {"CELERYBEAT_SCHEDULE": "BEAT_SCHEDULE", "CELERYD_CONCURRENCY": "WORKER_CONCURRENCY"}


class PrefixedSettings(NamedTuple):
    """Settings beside the program that reads those with a prefix."""

    reader: Artifact
    prefix: str
    own: PythonSettings


def check(files: Files) -> Iterator[Finding]:
    """Yield settings that Celery does not see."""
    for one in _prefixed(files):
        for name in _PLAIN:
            meant = f"{one.prefix}_{_NOW.get(name, name)}"
            if name in one.own.values and meant not in str(one.own.artifact.content):
                what = f"{name} has no prefix, and {one.reader.path} reads settings that begin with"
                broker = (
                    "it asks amqp://guest@localhost" if name == "BROKER_URL" else "it is unread"
                )
                yield Finding(one.own.at(name), f"{what} {one.prefix}_: {broker}; write {meant}")


@once
def _prefixed(files: Files) -> Iterator[PrefixedSettings]:
    readers = {
        str(PurePosixPath(one.path).parent): (one, found[1])
        for one in files.artifacts
        if one.path.endswith("celery.py") and (found := _READS.search(str(one.content)))
    }
    for own in python_settings(files, _SETTINGS) if readers else ():
        above = map(str, PurePosixPath(own.artifact.path).parents)
        near = next((one for one in above if one in readers), None)
        if near is not None and "config_from_object" not in str(own.artifact.content):
            reader, prefix = readers[near]
            yield PrefixedSettings(reader, prefix, own)


GATE = Gate(
    id="SRV050",
    title="Settings of Celery in Django's file have the prefix by which they are read",
    phase="services",
    source="https://docs.celeryq.dev/en/stable/django/first-steps-with-django.html: with "
    "namespace='CELERY' all settings of Celery begin with CELERY_",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("settings that are read by a prefix", _prefixed),
    targets=("compose", "cluster"),
    reads="config_from_object of Django's settings with a namespace in celery.py, beside names "
    "without it in the settings of the same package.",
)
