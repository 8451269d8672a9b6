"""Who is told: a real Alertmanager as it is rendered, and receivers that listen here."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import urllib.request
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from edited import until
from free_ports import free_port
from rendered import ENVIRONMENTS, artifact_of, plan_of

from tarmac.base.report import Skip
from tarmac.check.gates.views.programs import find
from tarmac.render.observability.alerting.routing import MOUNTED, config, secrets

FILE = "observability/alertmanager.yaml"
WATCHED = [environment for environment in ENVIRONMENTS if config(plan_of(*environment))]
#: How long a notification may take on a busy machine; it takes a second.
WITHIN_S = 60
#: Without it Debian's does not start: it is to be installed, not only unpacked.
DEBIANS = Path("/usr/share/prometheus/alertmanager/default.tmpl")


def program(*names):
    for name in names:
        with contextlib.suppress(Skip):
            return find(name)
    pytest.skip(f"{names[0]} is not on this machine; apt install prometheus-alertmanager")


@pytest.fixture(scope="module")
def amtool():
    return program("amtool")


def written(folder, system, environment):
    path = folder / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(dict(artifact_of(system, environment, FILE).data)))
    return path


@pytest.mark.parametrize(("system", "environment"), WATCHED)
def test_amtool_takes_the_configuration(amtool, tmp_path, system, environment):
    path = written(tmp_path, system, environment)
    argv = [amtool, "check-config", path]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stdout
    assert f"{1 + len(plan_of(system, environment).settings.observability.notify)} receivers" in (
        done.stdout
    )


@pytest.mark.parametrize(
    ("system", "environment", "severity", "receiver"),
    [
        ("shop", "production", "critical", "critical-pagerduty"),
        ("shop", "production", "warning", "warning-slack"),
        ("trading", "production", "critical", "critical-pagerduty"),
        ("trading", "production", "warning", "warning-email"),
        ("travel", "prod", "critical", "critical-pagerduty"),
        ("travel", "prod", "warning", "warning-slack"),
        ("starter", "production", "critical", "critical-slack"),
        ("starter", "production", "warning", "warning-email"),
        # A warning has no channel where the model names none.
        ("travel", "dev", "warning", "none"),
        ("shop", "production", "none", "none"),
        # An unknown severity of another's rule is not lost.
        ("shop", "production", "page", "warning-slack"),
    ],
)
def test_each_severity_goes_its_own_way(amtool, tmp_path, system, environment, severity, receiver):
    path = written(tmp_path, system, environment)
    labels = ["alertname=Any", "service=orders", f"severity={severity}"]
    argv = [amtool, "config", "routes", "test", f"--config.file={path}", *labels]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == receiver


class Receiver:
    """Listens as PagerDuty and Slack would, and keeps what it is told."""

    def __init__(self):
        self.told = queue.Queue()
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.put((self.path, json.loads(body)))
                # What PagerDuty answers is 202; Slack says ok.
                answer = b'{"status": "success"}' if "pagerduty" in self.path else b"ok"
                self.send_response(202 if "pagerduty" in self.path else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def next(self):
        return self.told.get(timeout=WITHIN_S)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver():
    listening = Receiver()
    yield listening
    listening.close()


@pytest.fixture
def alertmanager(tmp_path, receiver):
    """Start one with the shop's configuration; only where it sends, and how soon, is changed."""
    server = program("prometheus-alertmanager", "alertmanager")
    if "debian" in told_of(server) and not DEBIANS.exists():
        pytest.skip(f"Debian's has its templates in {DEBIANS}: apt install prometheus-alertmanager")
    plan = plan_of("shop", "production")
    given = json.dumps(artifact_of("shop", "production", FILE).data)
    given = given.replace(MOUNTED, str(tmp_path))
    changed = json.loads(given)
    changed["route"] |= {"group_wait": "100ms", "group_interval": "200ms"}
    for listed in changed["receivers"]:
        for way in listed.get("pagerduty_configs", []):
            way["url"] = f"{receiver.url}/pagerduty"
    folder = tmp_path / "shop-alertmanager"
    folder.mkdir()
    assert len(secrets(plan)) == 2
    for key in secrets(plan):
        content = f"{receiver.url}/slack" if key.endswith("url") else "key-of-the-test"
        (folder / key).write_text(content)
    path = tmp_path / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(changed))
    port = free_port()
    argv = [
        server,
        f"--config.file={path}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(argv, stdout=log, stderr=log) as it:
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: answers(f"{url}/-/ready"), bool, WITHIN_S)
            yield url
        finally:
            it.terminate()


def told_of(server):
    done = subprocess.run([server, "--version"], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def post(url, *alerts, over=False):
    now = datetime.now(UTC)
    ends = now - timedelta(seconds=1) if over else now + timedelta(minutes=5)
    body = [
        {
            "labels": labels,
            "annotations": {"description": "It is so.", "runbook_url": "https://r.example/x.md"},
            "startsAt": (now - timedelta(minutes=1)).isoformat(),
            "endsAt": ends.isoformat(),
        }
        for labels in alerts
    ]
    request = urllib.request.Request(
        f"{url}/api/v2/alerts",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def suppressed(url, service):
    """Ask which alerts of a service are held back, and by how many others."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=10) as answer:
        found = json.load(answer)
    return [
        len(seen["status"]["inhibitedBy"])
        for seen in found
        if seen["labels"].get("service") == service
    ]


def alert(name, service, severity):
    return {"alertname": name, "service": service, "severity": severity, "team": "platform-team"}


def test_what_is_critical_reaches_pagerduty_and_what_is_not_slack_and_both_hear_of_its_end(
    alertmanager, receiver
):
    burn = alert("SLOBurnRateHigh", "api-gateway", "critical")
    post(alertmanager, burn)
    path, told = receiver.next()
    assert path == "/pagerduty"
    assert told["event_action"] == "trigger"
    assert told["routing_key"] == "key-of-the-test"
    assert told["payload"]["severity"] == "critical"
    assert "shop production" in told["payload"]["summary"]
    assert "SLOBurnRateHigh" in told["payload"]["summary"]
    assert told["links"][0] == {"href": "https://r.example/x.md", "text": "Runbook"}
    key = told["dedup_key"]

    post(alertmanager, burn, over=True)
    path, told = receiver.next()
    assert (path, told["event_action"], told["dedup_key"]) == ("/pagerduty", "resolve", key)

    late = alert("OutboxLate", "order-service", "warning")
    post(alertmanager, late)
    path, told = receiver.next()
    assert path == "/slack"
    [shown] = told["attachments"]
    assert shown["title"] == "[shop production] FIRING order-service: OutboxLate"
    assert "https://r.example/x.md" in shown["text"]
    post(alertmanager, late, over=True)
    path, told = receiver.next()
    assert path == "/slack"
    assert "RESOLVED" in told["attachments"][0]["title"]


def test_a_services_alerts_are_held_back_while_its_store_is_down(alertmanager, receiver):
    down = alert("StoreDown", "orders-db", "critical")
    post(alertmanager, down)
    assert "StoreDown" in receiver.next()[1]["payload"]["summary"]
    post(alertmanager, alert("ServiceDown", "order-service", "critical"))
    until(lambda: suppressed(alertmanager, "order-service"), lambda found: found == [1], WITHIN_S)
    # Another's is told of, and comes after it; so it was not only on its way.
    post(alertmanager, alert("ServiceDown", "product-service", "critical"))
    assert "product-service" in receiver.next()[1]["payload"]["summary"]
    assert receiver.told.empty()

    post(alertmanager, down, over=True)
    said = [receiver.next()[1] for _ in range(2)]
    assert {(event["event_action"], event["payload"]["component"]) for event in said} == {
        ("resolve", "orders-db"),
        ("trigger", "order-service"),
    }


def test_a_warning_is_held_back_while_the_same_service_is_critical(alertmanager, receiver):
    post(alertmanager, alert("ServiceDown", "user-service", "critical"))
    assert receiver.next()[0] == "/pagerduty"
    post(alertmanager, alert("PodRestarts", "user-service", "warning"))
    until(
        lambda: sorted(suppressed(alertmanager, "user-service")),
        lambda found: found == [0, 1],
        WITHIN_S,
    )
    post(alertmanager, alert("PodRestarts", "product-service", "warning"))
    path, told = receiver.next()
    assert path == "/slack"
    assert "product-service" in told["attachments"][0]["title"]
    assert receiver.told.empty()
