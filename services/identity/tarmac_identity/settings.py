"""Identity's settings, read from the environment by app.py."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from tarmac_identity.domain import check_password, normal_email
from tarmac_kit.addresses import NetworkList, Networks, parse_networks


class IdentitySettings(BaseSettings):
    """Every variable that identity reads besides the kit's own."""

    jwt_issuer: str
    jwt_audience: str
    key_encryption_secret: str = Field(min_length=16)
    admin_password: Annotated[str, AfterValidator(check_password)]
    admin_email: Annotated[str, AfterValidator(normal_email)] = "admin@example.com"
    bcrypt_cost: int = Field(default=12, ge=4, le=16)
    access_token_ttl_s: int = Field(default=900, ge=1)
    refresh_token_ttl_s: int = Field(default=30 * 86_400, ge=1)
    #: Hashes of passwords, for logins and registrations of one address; the gateway's is 600.
    login_rate_per_minute: float = Field(default=60.0, gt=0)
    login_rate_burst: int = Field(default=30, ge=1)
    login_max_failures: int = Field(default=5, ge=1)
    login_delay_s: float = Field(default=2.0, gt=0)
    login_delay_max_s: float = Field(default=300.0, gt=0)
    login_forget_s: float = Field(default=900.0, gt=0)
    login_account_max_failures: int = Field(default=50, ge=1)
    login_device_ttl_s: float = Field(default=180 * 86_400.0, gt=0)
    trusted_proxies: NetworkList = ""
    #: How long a signing key signs before the next one takes its place.
    key_rotation_s: float = Field(default=30 * 86_400.0, gt=0)
    #: How long a new key is published before it signs: longer than the key set may be cached.
    key_announce_s: float = Field(default=600.0, ge=0)
    #: How often replicas look for keys that another one has made.
    key_reload_s: float = Field(default=10.0, gt=0)
    profile_cache_ttl_s: float = Field(default=60.0, gt=0)

    @cached_property
    def proxies(self) -> Networks:
        """Return TRUSTED_PROXIES as networks."""
        return parse_networks(self.trusted_proxies)
