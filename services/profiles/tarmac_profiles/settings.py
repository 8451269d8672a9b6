"""The settings of profiles, read from the environment by app.py."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from tarmac_profiles.domain import normal_email


class ProfilesSettings(BaseSettings):
    """Every variable that profiles reads besides the kit's own."""

    jwt_issuer: str
    jwt_audience: str
    key_encryption_secret: str = Field(min_length=16)
    admin_key: str = Field(min_length=32)
    admin_email: Annotated[str, AfterValidator(normal_email)] = "admin@example.com"
    access_token_ttl_s: int = Field(default=900, ge=1)
