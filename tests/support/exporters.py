"""Exporters of stores as they are rendered, run beside a server: what they tell is catalogued."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping

from free_ports import free_port
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tarmac.base import signals
from tarmac.base.launch import Secret, Text
from tarmac.catalog.stores.kind import StoreContext, StoreKind

PASSWORD = "5ecre7"
TARGETS = {"job", "instance", "namespace", "pod", "container", "endpoint", "service"}


def said(text: Text) -> str:
    return "".join(PASSWORD if isinstance(part, Secret) else part for part in text)


@contextlib.contextmanager
def exporting(
    kind: StoreKind,
    program: str,
    view: StoreContext,
    moved: Mapping[str, int],
    *listen: str,
    password: str = PASSWORD,
) -> Iterator[int]:
    """Run an exporter as it is rendered, but where its server and it itself listen.

    Args:
        moved: the server's port in its pod, and the one here.
    """
    own, port = kind.exporter, free_port()
    assert own is not None
    argv = list(own.args)
    given = {key: value.format(database=view.database) for key, value in own.env.items()}
    given |= {own.password: password} if own.password else {}
    for inside, here in moved.items():
        argv = [word.replace(inside, f":{here}") for word in argv]
        given = {key: value.replace(inside, f":{here}") for key, value in given.items()}
    argv = [program, *(address.replace("PORT", str(port)) for address in listen), *argv]
    process = subprocess.Popen(
        argv, env={**os.environ, **given}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).close()
                break
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def families(port: int) -> Iterator[Metric]:
    """Read what an exporter tells."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    yield from text_string_to_metric_families(text)


def told(port: int) -> dict[str, set[str]]:
    """Read the names of an exporter's samples, each with its labels."""
    found: dict[str, set[str]] = {}
    for family in families(port):
        for sample in family.samples:
            # Its counters have no `_total`; the reader puts one there.
            for name in {sample.name, sample.name.removesuffix("_total")}:
                found.setdefault(name, set()).update(sample.labels)
    return found


def catalogued(exporter: str) -> dict[str, signals.Signal]:
    return {name: signal for name, signal in signals.read().items() if signal.exporter == exporter}


def check_catalogue(
    found: dict[str, set[str]], exporter: str, absent: frozenset[str] = frozenset()
) -> None:
    """Hold what an exporter tells against the catalogue: names, and no label that is not there."""
    wanted = catalogued(exporter)
    assert wanted.keys() - found.keys() <= absent
    for name in wanted.keys() & found.keys():
        assert found[name] <= wanted[name].labels - TARGETS, name
