"""Channels of notifications, read from assets/observability/channels.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.assets import asset

FILE = "observability/channels.yaml"
#: By the cloud: the server that takes email with a password, over TLS
#: (docs.aws.amazon.com/general/latest/gr/ses.html).
SMARTHOSTS = {"aws": "email-smtp.{region}.amazonaws.com:587"}


@dataclass(frozen=True)
class Channel:
    """One channel of notifications."""

    #: The receiver's key for it.
    key: str
    #: The end of its secret's key, and what that secret is.
    secret: tuple[str, str]
    #: What an operator has to configure besides.
    needs: str
    #: With placeholders, for `entry`.
    template: dict[str, Any]


def channel(name: str) -> Channel:
    """Read a channel."""
    found = texts.parsed(asset(FILE))["channels"][name]
    (secret,) = found["secret"].items()
    return Channel(found["key"], secret, found["needs"], found["entry"])


def entry(plan: ClusterPlan, to: Channel, file: str) -> dict[str, Any]:
    """Write an entry of a receiver.

    Args:
        file: where the secret is mounted.
    """
    known = SMARTHOSTS.get(plan.settings.cloud or "", f"smtp.{plan.domain}:587")
    data = texts.parsed(asset(FILE))
    values = {
        "file": file,
        "where": f"{plan.system} {plan.environment}",
        "title": data["title"],
        "message": data["message"],
        "system": plan.system,
        "owner": plan.owner,
        "domain": plan.domain,
        "smarthost": known.format(region=plan.settings.region),
    }
    written: dict[str, Any] = texts.filled(to.template, values, FILE)
    return written
