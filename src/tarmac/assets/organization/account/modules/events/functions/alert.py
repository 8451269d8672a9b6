"""Tells of an event by the topic: what, where and how bad. Called by rules of EventBridge."""

from __future__ import annotations

import json
import os

import boto3


def summary(event):
    """Write an event for a person: a line, and the whole of it below."""
    detail = event.get("detail", {})
    what = (
        detail.get("title")
        or detail.get("alarmName")
        or " ".join(filter(None, (detail.get("state"), detail.get("resourceArn"))))
        or "no details"
    )
    line = f"{event['detail-type']}: {what}"
    return f"{line} ({event['account']} {event['region']})", json.dumps(event, indent=2)


def handler(event, _context):
    """Publish one event; with DRY_RUN print it."""
    line, whole = summary(event)
    print(line)
    if os.environ.get("DRY_RUN") == "true":
        return {"published": False}
    # A subject has one line of 100 characters of ASCII.
    subject = line.encode("ascii", "replace").decode()[:99]
    boto3.client("sns").publish(TopicArn=os.environ["TOPIC"], Subject=subject, Message=whole)
    return {"published": True}
