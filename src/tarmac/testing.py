"""A whole system for tests: a copy of its own, started once, asked, disturbed and reset.

Used by the pytest plugin; `running` serves any other test runner. `run.copies` starts the copy and
deletes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.cookiejar import CookieJar
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.model.conventions import CALLER_HEADER, CALLER_JWKS_FILE
from tarmac.plan.callers import DEVELOPER
from tarmac.run.copies import NotHealthy, temporary_copy, wait_healthy
from tarmac.run.local.state import state
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import NodeState
from tarmac.run.local.supervisor import client, requests
from tarmac.run.local.supervisor.status import Status

if TYPE_CHECKING:
    from tarmac.run.local.stores.invariants import InvariantResult

POLL_S = 0.02
#: Lines of a service that a failing test shows.
SHOWN_LINES = 40
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_TROUBLE = re.compile(
    r'"level": ?"(?:error|critical)"|\b(?:ERROR|CRITICAL|FATAL|Traceback|panic:|Unhandled)\b'
)


@dataclass(frozen=True)
class Answer:
    """What a service answered; every status is one."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Read the body as JSON."""
        return loads(self.content)


class Client:
    """A small HTTP client for one service: the standard library's, so tests need no other.

    It keeps cookies, follows redirects of a GET and raises nothing for a status. An asynchronous
    test that wants more uses its own client with `system.url`.
    """

    def __init__(
        self,
        url: str,
        timeout_s: float = 10.0,
        caller_token: Callable[[], str] | None = None,
    ) -> None:
        self.url = url
        #: Gives the caller token of a request that may change something.
        self._caller_token = caller_token
        #: Sent with every request.
        self.headers: dict[str, str] = {}
        self._timeout_s = timeout_s
        # Loopback needs no proxy, whatever the environment says.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; `json` is sent as JSON. Raises OSError if nothing answers."""
        sent = {**self.headers, **(headers or {})}
        if self._caller_token is not None and method not in _SAFE_METHODS:
            sent = {CALLER_HEADER: self._caller_token(), **sent}
        if json is not None:
            data = dumps(json).encode()
            sent = {"Content-Type": "application/json", **sent}
        request = urllib.request.Request(  # noqa: S310 - a service's own address
            f"{self.url}{path}", data, sent, method=method
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s) as found:
                return Answer(found.status, dict(found.headers), found.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def get(self, path: str, **options: Any) -> Answer:
        """Send a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """Send a POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        """Send a PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        """Send a PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """Send a DELETE."""
        return self.request("DELETE", path, **options)


class System:
    """A system that runs for tests."""

    def __init__(self, home: Home, stays: Collection[str] = ()) -> None:
        #: Its folder, ports and state.
        self.home = home
        self._stays = stays
        #: By store, why `fresh` leaves it as it is.
        self.left: dict[str, str] = {}

    @property
    def namespace(self) -> str:
        """The name of this copy, for `tarmac ps -n`."""
        return self.home.root.name

    def nodes(self) -> tuple[NodeState, ...]:
        """List every process as it stands now."""
        found = self._status()
        return found.nodes

    def node(self, name: str) -> NodeState:
        """Find one process as it stands now. Raises BadInput."""
        nodes = {node.name: node for node in self.nodes()}
        if name not in nodes:
            hint = did_you_mean(name, nodes)
            raise BadInput([Problem(name, f"not part of the system; {hint}")])
        return nodes[name]

    def url(self, service: str, port: str = "") -> str:
        """Return where a service answers; `port` is the name of one that is not its first.

        Raises:
            BadInput: there is no such service, or it has no such port.
        """
        url = self.node(service).url
        if port:
            wires = self._ask(requests.Edges()).edges
            listens = {w["port"]: w["listen"] for w in wires if _public(w, service)}
            if port not in listens:
                hint = did_you_mean(port, listens)
                raise BadInput([Problem(service, f"has no port '{port}'; {hint}")])
            return f"http://localhost:{listens[port]}"
        if not url:
            raise BadInput([Problem(service, "listens on no port, so it has no URL")])
        return url

    def client(self, service: str) -> Client:
        """Make an HTTP client for a service, with cookies of its own.

        It presents a developer's caller token, which every service accepts.
        """
        token = partial(self.caller_token, service)
        return Client(self.url(service), caller_token=token if self._checks(service) else None)

    def caller_token(self, service: str, caller: str = DEVELOPER) -> str:
        """Return a fresh token for calls of a service, as the developer or as another service.

        Raises:
            TarmacError: there is no such service, or it checks none.
        """
        return self._ask(requests.Token(caller, service))

    def env(self, service: str) -> dict[str, str]:
        """Read the environment that a service has of Tarmac, secrets included."""
        return dict(self._ask(requests.Export(service, other_ports=False)).env)

    def store_url(self, store: str, service: str = "") -> str:
        """Return how to get into a store: as its administrator, or as a service that uses it."""
        return client.store_url(self.home, store, service)

    def emails(self, to: str = "", *, store: str = "mail") -> list[dict[str, Any]]:
        """List the newest 50 emails that the sink took, newest first; `to` is a whole address.

        Each has `id`, `from`, `to`, `subject`, `message_id`, `received_at`, `text` and `html`.
        """
        address, _, token = self.node(store).page.partition("?token=")
        query = urllib.parse.urlencode({"token": token, "to": to})
        found: list[dict[str, Any]] = Client(address).get(f"messages?{query}").json()
        return found

    def logs(self, name: str) -> str:
        """Read what a process has printed, a line each with its time."""
        self.node(name)
        path = self.home.logs / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def restart(self, *names: str, within_s: float = 60.0) -> None:
        """Restart these processes, or all, and wait until all is healthy.

        Services are replaced without a gap, as by `tarmac restart`.

        Raises:
            NotHealthy: a new instance does not start, or something is not healthy in time.
        """
        failed = self._ask(requests.Restart(names))
        self.wait(within_s)
        if failed:
            raise NotHealthy("\n".join(f"{name}: {why}" for name, why in failed.items()))

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL and return when it is gone; `wait` awaits its return."""
        node = self.node(name)
        if node.pid is None:
            raise TarmacError(f"{name}: not running (state {node.state})")
        os.kill(node.pid, signal.SIGKILL)
        while self.node(name).pid == node.pid:
            time.sleep(POLL_S)

    def wait(self, within_s: float | None = 60.0) -> None:
        """Wait until everything is healthy.

        Raises:
            NotHealthy: it is not within the time; says what is wrong with what.
        """
        wait_healthy(self.home, within_s)

    def keep(self) -> None:
        """Take what the stores hold now for what `fresh` goes back to."""
        left = self._ask(requests.Snapshot()).left
        self.left = {store: why for store, why in left.items() if store not in self._stays}

    def fresh(self) -> None:
        """Put the stores back to what they held, once everything is healthy.

        Rows, keys, messages and mails: not tables, and nothing of what a process has in memory.
        """
        self.wait()
        self._ask(requests.Restore())

    def invariants(self) -> tuple[InvariantResult, ...]:
        """Ask whether the system's `invariants` hold now; each result says which rows break it."""
        from tarmac.project.reading import load  # noqa: PLC0415
        from tarmac.run.local.stores.invariants import ask  # noqa: PLC0415 - few tests ask

        options = client.last_options(self.home)
        assert options is not None  # noqa: S101 - it runs
        return ask(load(options.file, sources=options.sources), self.store_url)

    def mark(self) -> Mapping[str, tuple[int, int]]:
        """Note how much everything has printed and how often it was restarted."""
        return {node.name: (self._printed(node.name), node.restarts) for node in self.nodes()}

    def troubles(self, since: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, str]]:
        """Yield the name and the last lines of what failed, was restarted or complained."""
        for node in self.nodes():
            offset, restarts = since.get(node.name, (0, 0))
            path = self.home.logs / f"{node.name}.log"
            text = ""
            with contextlib.suppress(OSError), path.open("rb") as file:
                file.seek(offset if offset <= path.stat().st_size else 0)
                text = file.read().decode("utf-8", "replace")
            unwell = node.state not in state.WELL or node.restarts > restarts
            if unwell or _TROUBLE.search(text):
                lines = [f"{node.state}: {node.detail}"] if node.detail else [node.state]
                lines += [f"likely cause: {node.cause}"] if node.cause else []
                yield node.name, "\n".join([*lines, *text.splitlines()[-SHOWN_LINES:]])

    def _checks(self, service: str) -> bool:
        return CALLER_JWKS_FILE in self.env(service)

    def _printed(self, name: str) -> int:
        try:
            return (self.home.logs / f"{name}.log").stat().st_size
        except OSError:
            return 0

    def _status(self) -> Status:
        found = client.status(self.home)
        if found is None or not found.running:
            raise TarmacError(f"{self.home.root}: the system has stopped")
        return found

    def _ask(self, request: requests.Request[requests.Answer]) -> requests.Answer:
        return client.ask(self.home, request)


@contextlib.contextmanager
def running(
    file: Path,
    *,
    name: str = "",
    within_s: float | None = None,
    stays: Collection[str] = (),
    **options: Any,
) -> Iterator[System]:
    """Bring a copy of a system up, wait until it is healthy, and end and delete it afterwards.

    Args:
        file: its `tarmac.yaml`.
        name: tells it from other copies that this process has.
        within_s: how long to wait for health; None: as long as its own probes may take.
        stays: stores that `fresh` may leave as they are where it cannot put them back.
        options: what `tarmac up` takes: fast_stores, without, scale, providers, direct.

    Raises:
        TarmacError: it does not come up; says what is wrong with what.
    """
    with temporary_copy(file, name=name, within_s=within_s, **options) as home:
        system = System(home, stays)
        system.keep()
        yield system


def _public(wire: Mapping[str, Any], service: str) -> bool:
    return (wire["source"], wire["target"]) == ("world", service)
