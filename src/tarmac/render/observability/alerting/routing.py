"""Alertmanager's configuration, as data: receivers, routes, inhibitions.

Read by what renders it as a file, and as the values of the chart that installs Alertmanager. It
holds no secret: each is a file that a Secret is mounted as.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.model.observability import Severity
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.observability.alerting.channels import channel, entry
from tarmac.render.observability.alerting.inhibitions import inhibitions

#: Where the operator mounts the Secrets that an Alertmanager names
#: (prometheus-operator.dev/docs/api-reference/api: AlertmanagerSpec.secrets).
MOUNTED = "/etc/alertmanager/secrets"
#: The receiver without a channel: such alerts are on Alertmanager's page only.
NO_CHANNEL = "none"
#: What the chart's own rules send that says nothing: the first always fires, the second goes with
#: alerts of severity `info`.
SILENT = 'alertname=~"Watchdog|InfoInhibitor"'

#: Alertmanager's own defaults (prometheus.io/docs/alerting/latest/configuration: route); what needs
#: a person at once is not delayed for others of its group longer than a scrape takes.
GROUP_WAIT, GROUP_INTERVAL = "30s", "5m"
#: PagerDuty repeats a page until it is acknowledged, Alertmanager as the default says;
#: what can wait for the morning is repeated the next one.
REPEAT: Mapping[Severity, str] = {"critical": "4h", "warning": "24h"}


def secret_name(plan: ClusterPlan) -> str:
    """Name the Secret that Alertmanager's pods have mounted, in the namespace of monitoring."""
    return f"{plan.system}-alertmanager"


def secrets(plan: ClusterPlan) -> dict[str, tuple[str, str]]:
    """List the keys of that Secret: what each is, and what else is needed there."""
    found = {}
    for severity, how in _notify(plan).items():
        to = channel(how)
        end, what = to.secret
        found[f"{severity}-{how}-{end}"] = (f"{what}, for what is {severity}", to.needs)
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
        "inhibit_rules": list(inhibitions(plan)),
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
    to = channel(how)
    file = f"{MOUNTED}/{secret_name(plan)}/{severity}-{how}-{to.secret[0]}"
    return {"name": f"{severity}-{how}", to.key: [entry(plan, to, file)]}
