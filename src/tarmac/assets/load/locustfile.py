"""LOAD_TITLE: recorded once, and yours to edit.

    locust -f locustfile.py --headless
    URL_API_GATEWAY=https://staging.example.com locust -f locustfile.py --headless

Add `--processes 4`, or `--master` and `--worker` on several machines. Users begin visits at the
drill's rates, each visit as one of the recorded ones in turn; there are so many users that a slow
visit keeps no other from beginning until it takes longer than the drill's timeout. A request whose
status is of another kind than the recorded one has failed. What the journey chooses by an answer (a
product that is left) it does not choose again, and what it polls for is asked for once.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import time

from gevent.lock import Semaphore
from locust import FastHttpUser, LoadTestShape, constant_throughput, events, task
from locust.exception import StopUser

LOAD = json.loads(r"""
RECORDED_LOAD
""")

TIMEOUT_S = LOAD["timeout_s"]
#: Of the entry of whole visits in the statistics, beside those of requests.
VISIT = "visit"
#: Users that end per second.
AT_ONCE = 10_000
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_turns = itertools.cycle(LOAD["visits"])
_set_up = Semaphore()
#: What the set-up gave; each process makes its own.
_before = {}


def generated(sample):
    """Generate a value like a recorded one."""
    return re.sub("[0-9a-f]", lambda _: random.choice("0123456789abcdef"), sample)


def filled(text, known):
    """Put values in the place of variables."""
    return _VARIABLE.sub(lambda match: str(known.get(match[1], match[0])), text)


def url_of(service):
    """Say where a service is."""
    variable = "URL_" + re.sub(r"\W", "_", service.upper())
    return os.environ.get(variable, LOAD["urls"][service])


def send(client, request, known):
    """Send one request; returns whether its status was of the recorded kind."""
    known |= {name: generated(sample) for name, sample in request["fresh"].items()}
    sent = client.request(
        request["method"],
        url_of(request["service"]) + filled(request["path"], known),
        name=request["path"],
        headers={name: filled(value, known) for name, value in request["headers"].items()},
        data=filled(request["body"], known) or None,
        catch_response=True,
    )
    with sent as response:
        if response.status_code // 100 != request["status"] // 100:
            response.failure(f"{response.status_code} instead of {request['status']}")
            return False
        for name, path in request["save"].items():
            value = response.json()
            for key in path:
                value = value[key]
            known[name] = value
        response.success()
        return True


class Visitor(FastHttpUser):
    """A user who makes visits."""

    host = next(iter(LOAD["urls"].values()))
    wait_time = constant_throughput(1 / TIMEOUT_S)
    network_timeout = connection_timeout = TIMEOUT_S

    def on_start(self):
        """Make the set-up once in each process."""
        with _set_up:
            if _before:
                return
            known = {"": ""}
            for request in LOAD["before"]:
                if not send(self.client, request, known):
                    self.environment.process_exit_code = 1
                    self.environment.runner.quit()
                    raise StopUser(f"the set-up failed at {request['path']}")
            _before.update(known)

    @task
    def visit(self):
        """Make one of the recorded visits."""
        known, began = dict(_before), time.perf_counter()
        is_good = all(send(self.client, request, known) for request in next(_turns))
        self.environment.events.request.fire(
            request_type=VISIT,
            name=LOAD["journey"],
            response_time=1000 * (time.perf_counter() - began),
            response_length=0,
            exception=None if is_good else RuntimeError("a request failed"),
            context={},
        )


class Stages(LoadTestShape):
    """The rates of the drill, one after another."""

    def tick(self):
        """Say how many users there are now; None: it is over."""
        ends_s = before = 0.0
        for stage in LOAD["stages"]:
            ends_s += stage["seconds"]
            if self.get_run_time() < ends_s:
                # Begun at the rate that is added, users make their visits evenly.
                change = stage["rate"] - before
                return max(1, round(stage["rate"] * TIMEOUT_S)), change if change > 0 else AT_ONCE
            before = stage["rate"]
        return None


@events.init.add_listener
def let_visits_end(environment, **_):
    """Let users end their visits before they go."""
    environment.stop_timeout = TIMEOUT_S


@events.quitting.add_listener
def judge(environment, **_):
    """End with 1 where the drill's limits are not kept."""
    visits = environment.stats.get(LOAD["journey"], VISIT)
    wanted, longest_s = LOAD["success_percent"], LOAD["p99_s"]
    if wanted is not None and 100 * (1 - visits.fail_ratio) < wanted:
        environment.process_exit_code = 1
    if longest_s is not None and visits.get_response_time_percentile(0.99) > 1000 * longest_s:
        environment.process_exit_code = 1
