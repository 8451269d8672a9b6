"""What the dashboard can do to a running system; each action is written to its log.

POST /api/restart/NAME  restart a service or store, as `tarmac restart` does
POST /api/scale/NAME  run another number of instances, as `tarmac up --scale` does (instances)
POST /api/stop/NAME and /api/start/NAME   stop a service, or run it again
POST /api/dead-letters/replay and /drop   change those of these ids (id, several times)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tarmac.base.errors import BadInput, Problem
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Restart

if TYPE_CHECKING:
    from tarmac.run.dashboard.model_pages import ModelPages

Question = Callable[[Request], Any]


def routes(
    home: Home,
    of_model: Callable[[], ModelPages],
    answered: Callable[[Question], Callable[[Request], Awaitable[Response]]],
) -> list[BaseRoute]:
    """Return the routes of what changes something.

    Args:
        of_model: loads what knows the system's file.
        answered: makes a handler of a function, which checks access and answers in JSON.
    """

    def restart(request: Request) -> Any:
        name = request.path_params["name"]
        _log(f"restart of {name}")
        return {"failed": client.ask(home, Restart((name,)))}

    def scale(request: Request) -> Any:
        name, text = request.path_params["name"], request.query_params.get("instances", "")
        if text not in map(str, range(1, client.MOST_INSTANCES + 1)):
            wrong = f"not a number from 1 to {client.MOST_INSTANCES}; give one of them"
            raise BadInput([Problem(f"instances of {name} ({text[:20]!r})", wrong)])
        _log(f"{text} instances of {name}")
        return asdict(client.scale(home, name, int(text)))

    def manage(request: Request, *, run: bool) -> Any:
        name = request.path_params["name"]
        _log(f"{'start' if run else 'stop'} of {name}")
        change_to = client.start_services if run else client.stop_services
        return asdict(change_to(home, (name,)))

    def change(request: Request, *, drop: bool) -> Any:
        ids = request.query_params.getlist("id")
        _log(f"dead letters {', '.join(ids)} {'deleted' if drop else 'replayed'}")
        return {"changed": of_model().change_dead_letters(ids, drop=drop)}

    return [
        Route(path, answered(action), methods=["POST"])
        for path, action in (
            ("/api/restart/{name}", restart),
            ("/api/scale/{name}", scale),
            ("/api/stop/{name}", partial(manage, run=False)),
            ("/api/start/{name}", partial(manage, run=True)),
            ("/api/dead-letters/replay", partial(change, drop=False)),
            ("/api/dead-letters/drop", partial(change, drop=True)),
        )
    ]


def _log(what: str) -> None:
    print(f"requested on the dashboard: {what}", flush=True)
