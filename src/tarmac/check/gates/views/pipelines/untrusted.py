"""Texts of a workflow's event that an outsider writes."""

from __future__ import annotations

import re

#: Fields of an event that the author of an issue or a pull request chooses.
CHOSEN = re.compile(
    r"github\.(?:head_ref"
    r"|event\.(?:issue|pull_request|discussion|comment|review|review_comment)"
    r"\.(?:title|body)"
    r"|event\.pull_request\.head\.(?:ref|label|repo\.default_branch)"
    r"|event\.(?:head_commit|commits\[?[^\]]*\]?)\.(?:message|author\.(?:name|email))"
    r"|event\.workflow_run\.(?:head_branch|display_title|head_commit\.message))"
)
