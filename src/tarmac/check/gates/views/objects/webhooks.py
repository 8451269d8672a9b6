"""Webhooks among the files, which complete objects before an API server judges them."""

from __future__ import annotations

from tarmac.base.foreign.reading import items
from tarmac.check.gates.subject import Files


def completed_groups(files: Files) -> set[str]:
    """List the groups whose objects a webhook of these files completes before they are judged.

    "*" is all: one without rules gets them from its controller.
    """
    webhooks = [
        webhook
        for artifact in files.objects("MutatingWebhookConfiguration")
        for webhook in items(artifact.data, "webhooks")
    ]
    rules = [rule for webhook in webhooks for rule in items(webhook, "rules")]
    found = {str(group) for rule in rules for group in items(rule, "apiGroups")}
    return found | ({"*"} if any(not items(webhook, "rules") for webhook in webhooks) else set())
