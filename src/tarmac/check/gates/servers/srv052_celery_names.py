"""Settings of Celery have the names by which it reads them, all old or all new."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files as resources
from typing import Any

import yaml

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.leaves import is_typo
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.celery_settings import celery_settings
from tarmac.check.gates.views.servers.python_settings import PythonSettings

FILE = resources("tarmac") / "assets" / "celery_settings.yaml"
#: What a program sets by another name than that of a setting, for itself.
_OWN = re.compile(r"[a-z][a-z0-9_]+")


def check(files: Files) -> Iterator[Finding]:
    """Yield names that Celery does not read, and old names beside new ones."""
    read = {name for one in files.artifacts for name in _read(one.path, one.content)}
    for own in celery_settings(files):
        for name in own.values:
            meant = _meant(name)
            if meant and meant not in own.values and not _is_used(own, name) and name not in read:
                is_broker = meant == "broker_url"
                default = "it asks amqp://guest@localhost" if is_broker else "it is unread"
                what = f"{name} is not a setting of Celery: {default}"
                yield Finding(own.at(name), f"{what}; write {meant}")
        yield from _mixed(own)


def _meant(name: str) -> str:
    """Return the setting that a name is meant for; "" for one that is read, or a program's own."""
    known: Mapping[str, str] = _table()["settings"]
    if name in known or name in known.values() or not _OWN.fullmatch(name):
        return ""
    by_sense: str = _table()["meant"].get(name, "")
    return by_sense or next((one for one in known if is_typo(name, one)), "")


def _mixed(own: PythonSettings) -> Iterator[Finding]:
    """Yield the names of the fewer, where Celery refuses old ones beside new ones."""
    known: Mapping[str, str] = _table()["settings"]
    renamed = {old: new for new, old in known.items()}
    new, old = ([one for one in own.values if one in names] for names in (known, renamed))
    if not new or not old:
        return
    wrong, instead, kind = (old, renamed, "old") if len(old) <= len(new) else (new, known, "new")
    for name in [one for one in wrong if instead[one] not in own.values][:1]:
        what = f"{name} is a name from {'before' if kind == 'old' else 'after'} Celery 4, and"
        others = "new" if kind == "old" else "old"
        said = f"{what} the other settings have {others} ones: Celery refuses to start with both"
        yield Finding(own.at(name), f"{said}; write {instead[name]}")


def _is_used(own: PythonSettings, name: str) -> bool:
    """Tell whether the file itself reads a name for something else."""
    return len(re.findall(rf"(?<![\w.\"']){name}\b", str(own.artifact.content))) > 1


def _read(path: str, content: object) -> Iterator[str]:
    """Yield what other modules read of one by its name: `celeryconfig.broker`."""
    if path.endswith(".py") and isinstance(content, str):
        yield from re.findall(r"config\.([a-z_]+)", content)


@cache
def _table() -> Any:
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


GATE = Gate(
    id="SRV052",
    title="Settings of Celery have the names by which it reads them",
    phase="services",
    source="https://docs.celeryq.dev/en/stable/userguide/configuration.html: names are in lower "
    "case since version 4, and old ones beside new ones are refused",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("settings of Celery", celery_settings),
    targets=("compose", "cluster"),
    reads="celeryconfig.py and app.conf of celery.py and others, which are parsed and not run, "
    "beside the names of assets/celery_settings.yaml.",
)
