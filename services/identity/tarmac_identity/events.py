"""The event that identity publishes: an account was made.

Used by the service. A test holds the committed JSON Schema in `schemas/` equal to the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from tarmac_identity.domain import User

REGISTERED = "user.registered"


class UserRegistered(BaseModel):
    """An account was made by registration: not the administrator's, which is made at start."""

    model_config = ConfigDict(extra="forbid")

    user_id: UUID
    email: str
    registered_at: datetime


#: Topic to model; each has its JSON Schema in schemas/<topic>.json.
PUBLISHED: Mapping[str, type[BaseModel]] = {REGISTERED: UserRegistered}


def registered(user: User) -> dict[str, Any]:
    """Build the payload of user.registered."""
    return UserRegistered(
        user_id=user.id, email=user.email, registered_at=user.created_at
    ).model_dump(mode="json")
