"""The service chassis: everything a FastAPI service needs to run well, from environment variables.

Services import from here. `python -m tarmac_kit.serve <package>` runs them; `tarmac_kit_testing`
has what their tests need.
"""

from __future__ import annotations

from tarmac_kit.app import Application, create_app
from tarmac_kit.breaker import Breaker
from tarmac_kit.cache import Cache
from tarmac_kit.chassis import Chassis, Part
from tarmac_kit.client import CircuitOpen, Client, DeadlineExceeded, Response, Unavailable
from tarmac_kit.database import Database, DatabaseUnavailable
from tarmac_kit.documents import (
    BadCursorError,
    Collection,
    Document,
    Documents,
    DuplicateDocumentError,
    StaleDocumentError,
)
from tarmac_kit.idempotency import Answer, Idempotency, fingerprint, key_parameter, require_key
from tarmac_kit.inbox import Inbox
from tarmac_kit.jobs import Job, Jobs, LeaseLost, PermanentFailure, RetryLater, accepted
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Bus, Handler, Message, PoisonMessage
from tarmac_kit.middleware import set_route
from tarmac_kit.outbox import Outbox
from tarmac_kit.problems import Problem
from tarmac_kit.ratelimit import RateLimitDecision, RateLimiter, SharedRateLimiter
from tarmac_kit.repository import fetch_all, fetch_one
from tarmac_kit.saga import Saga, Sagas, Step, StepRejected
from tarmac_kit.settings import CommaSet, Settings, SettingsError
from tarmac_kit.sweep import Sweep
from tarmac_kit.tokens import (
    Claims,
    CurrentUser,
    TokenIssuer,
    TokenVerifier,
    require_role,
    require_user,
)

__all__ = [
    "Answer",
    "Application",
    "BadCursorError",
    "Breaker",
    "Bus",
    "Cache",
    "Chassis",
    "CircuitOpen",
    "Claims",
    "Client",
    "Collection",
    "CommaSet",
    "CurrentUser",
    "Database",
    "DatabaseUnavailable",
    "DeadlineExceeded",
    "Document",
    "Documents",
    "DuplicateDocumentError",
    "Handler",
    "Idempotency",
    "Inbox",
    "Job",
    "Jobs",
    "LeaseLost",
    "Message",
    "Outbox",
    "Part",
    "PermanentFailure",
    "PoisonMessage",
    "Problem",
    "RateLimitDecision",
    "RateLimiter",
    "Response",
    "RetryLater",
    "Saga",
    "Sagas",
    "Settings",
    "SettingsError",
    "SharedRateLimiter",
    "StaleDocumentError",
    "Step",
    "StepRejected",
    "Sweep",
    "TokenIssuer",
    "TokenVerifier",
    "Unavailable",
    "accepted",
    "create_app",
    "fetch_all",
    "fetch_one",
    "fingerprint",
    "get_logger",
    "key_parameter",
    "require_key",
    "require_role",
    "require_user",
    "set_route",
]
