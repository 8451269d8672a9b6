"""Alertmanager's configuration, as data: receivers, routes, inhibitions.

Read by what renders it as a file, and as the values of the chart that installs Alertmanager. It
holds no secret: each is a file that a Secret is mounted as.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.model.observability import Severity
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.subjects import services_of

#: Where the operator mounts the Secrets that an Alertmanager names
#: (prometheus-operator.dev/docs/api-reference/api: AlertmanagerSpec.secrets).
MOUNTED = "/etc/alertmanager/secrets"
#: The receiver without a channel: such alerts are on Alertmanager's page only.
NO_CHANNEL = "none"
#: What the chart's own rules send that says nothing: the first always fires, the second goes with
#: alerts of severity `info`.
SILENT = 'alertname=~"Watchdog|InfoInhibitor"'
#: The alert on a store, which inhibits those of the services that use it.
STORE_DOWN = "StoreDown"

#: Alertmanager's own defaults (prometheus.io/docs/alerting/latest/configuration: route); what needs
#: a person at once is not delayed for others of its group longer than a scrape takes.
GROUP_WAIT, GROUP_INTERVAL = "30s", "5m"
#: PagerDuty repeats a page until it is acknowledged, Alertmanager as the default says;
#: what can wait for the morning is repeated the next one.
REPEAT: Mapping[Severity, str] = {"critical": "4h", "warning": "24h"}
#: By the cloud: the server that takes email with a password, over TLS
#: (docs.aws.amazon.com/general/latest/gr/ses.html).
SMARTHOSTS = {"aws": "email-smtp.{region}.amazonaws.com:587"}

_TITLE = (
    "{{ .GroupLabels.service }}: "
    "{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ $a.Labels.alertname }}{{ end }}"
)
_MESSAGE = (
    "{{ range .Alerts }}*{{ .Labels.alertname }}* ({{ .Labels.severity }}, {{ .Status }}): "
    "{{ .Annotations.description }}\n"
    "<{{ .Annotations.runbook_url }}|Runbook> - <{{ .Annotations.dashboard_url }}|Dashboard>\n"
    "{{ end }}"
)


@dataclass(frozen=True)
class Channel:
    """One channel of notifications."""

    #: The receiver's key for it.
    key: str
    #: What its Secret must hold, by the key's end there.
    secret: tuple[str, str]
    #: (plan, the file with the secret) -> one entry.
    entry: Callable[[ClusterPlan, str], dict[str, Any]]
    #: What an operator has to configure besides.
    needs: str = ""


def _where(plan: ClusterPlan) -> str:
    return f"{plan.system} {plan.environment}"


def _pagerduty(plan: ClusterPlan, file: str) -> dict[str, Any]:
    return {
        "routing_key_file": file,
        "send_resolved": True,
        "description": f"[{_where(plan)}] {_TITLE}",
        "severity": "{{ .CommonLabels.severity }}",
        "component": "{{ .GroupLabels.service }}",
        "group": _where(plan),
        "details": {
            "alerts": "{{ range .Alerts }}{{ .Labels.alertname }} ({{ .Status }}): "
            "{{ .Annotations.description }} {{ end }}",
            "team": "{{ .CommonLabels.team }}",
        },
        "links": [
            {"href": "{{ (index .Alerts 0).Annotations.runbook_url }}", "text": "Runbook"},
            {"href": "{{ (index .Alerts 0).Annotations.dashboard_url }}", "text": "Dashboard"},
        ],
    }


def _slack(plan: ClusterPlan, file: str) -> dict[str, Any]:
    return {
        # The webhook's own channel is where it goes.
        "api_url_file": file,
        "send_resolved": True,
        "title": f"[{_where(plan)}] {{{{ .Status | toUpper }}}} {_TITLE}",
        "title_link": "{{ (index .Alerts 0).Annotations.runbook_url }}",
        "text": _MESSAGE,
    }


def _email(plan: ClusterPlan, file: str) -> dict[str, Any]:
    known = SMARTHOSTS.get(plan.settings.cloud or "", f"smtp.{plan.domain}:587")
    return {
        "to": f"{plan.owner}@{plan.domain}",
        "from": f"alerts@{plan.domain}",
        "smarthost": known.format(region=plan.settings.region),
        "auth_username": f"{plan.system}-alertmanager",
        "auth_password_file": file,
        "require_tls": True,
        "send_resolved": True,
        "headers": {"Subject": f"[{_where(plan)}] {{{{ .Status | toUpper }}}} {_TITLE}"},
    }


CHANNELS: Mapping[str, Channel] = {
    "pagerduty": Channel(
        "pagerduty_configs",
        ("routing-key", "the integration key of a PagerDuty service (Events API v2)"),
        _pagerduty,
    ),
    "slack": Channel(
        "slack_configs",
        ("url", "the address of an incoming webhook of Slack"),
        _slack,
        "it decides the channel",
    ),
    "email": Channel(
        "email_configs",
        ("password", "the password at the mail server"),
        _email,
        "auth_username is its user, whose name a server may generate: put that in",
    ),
}


def secret_name(plan: ClusterPlan) -> str:
    """Name the Secret that Alertmanager's pods have mounted, in the namespace of monitoring."""
    return f"{plan.system}-alertmanager"


def secrets(plan: ClusterPlan) -> dict[str, tuple[str, str]]:
    """List the keys of that Secret: what each is, and what else is needed there."""
    found = {}
    for severity, how in _notify(plan).items():
        channel = CHANNELS[how]
        end, what = channel.secret
        found[f"{severity}-{how}-{end}"] = (f"{what}, for what is {severity}", channel.needs)
    return found


def config(plan: ClusterPlan) -> dict[str, Any]:
    """Write Alertmanager's configuration: routes by severity, receivers, inhibitions.

    Empty where the environment has no Alertmanager.
    """
    notify = _notify(plan)
    if not notify:
        return {}
    by_severity = {
        severity: f"{severity}-{notify[severity]}" if severity in notify else NO_CHANNEL
        for severity in REPEAT
    }
    # Alerts of others have severities of their own; one that none of ours fits is not lost.
    rest = by_severity["warning"] if "warning" in notify else by_severity["critical"]
    return {
        "route": {
            "receiver": rest,
            # One page for a service, however many of its alerts fire.
            "group_by": ["service"],
            "group_wait": GROUP_WAIT,
            "group_interval": GROUP_INTERVAL,
            "repeat_interval": REPEAT["warning"],
            "routes": [
                {"receiver": NO_CHANNEL, "matchers": [SILENT]},
                {"receiver": NO_CHANNEL, "matchers": ['severity=~"info|none"']},
                *(
                    {
                        "receiver": receiver,
                        "matchers": [f'severity="{severity}"'],
                        "repeat_interval": REPEAT[severity],
                    }
                    for severity, receiver in by_severity.items()
                ),
            ],
        },
        "inhibit_rules": list(_inhibitions(plan)),
        "receivers": [
            {"name": NO_CHANNEL},
            *(_receiver(plan, severity, how) for severity, how in notify.items()),
        ],
    }


def values(plan: ClusterPlan) -> dict[str, Any]:
    """Write the same as the values of the chart kube-prometheus-stack, below `alertmanager`."""
    if not (written := config(plan)):
        return {}
    return {
        "config": {**written, "global": {"resolve_timeout": "5m"}, "templates": []},
        "alertmanagerSpec": {"secrets": [secret_name(plan)]},
    }


def _notify(plan: ClusterPlan) -> Mapping[Severity, str]:
    watched = plan.settings.observability
    return watched.notify if watched and watched.metrics == "prometheus" else {}


def _receiver(plan: ClusterPlan, severity: Severity, how: str) -> dict[str, Any]:
    channel = CHANNELS[how]
    file = f"{MOUNTED}/{secret_name(plan)}/{severity}-{how}-{channel.secret[0]}"
    return {"name": f"{severity}-{how}", channel.key: [channel.entry(plan, file)]}


def _inhibitions(plan: ClusterPlan) -> Iterator[dict[str, Any]]:
    """Return the inhibitions: an alert on a cause silences those on its effects."""
    yield {
        "source_matchers": ['severity="critical"', 'service!=""'],
        "target_matchers": ['severity="warning"', 'service!=""'],
        "equal": ["service"],
    }
    for store, asked in plan.asked.items():
        if users := services_of(plan, store):
            # What a service can do without does not explain that it fails.
            lesser = [] if asked.needed else ['severity="warning"']
            yield {
                "source_matchers": [f'alertname="{STORE_DOWN}"', f'service="{store}"'],
                "target_matchers": [f'service=~"{"|".join(users)}"', *lesser],
            }
