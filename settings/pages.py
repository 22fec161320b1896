"""The settings of the pages: where they are served, and who may see them."""

import ipaddress
import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from settings.section import Section

PASSWORD_HASH = re.compile(r"scrypt:(1[4-9]|20):8:([1-9]|1[0-6]):[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}")
"""What `tcpdash app password` prints: log2 of N, r, p, salt and hash of scrypt (docs/decisions/0015)."""
_NAME = re.compile(r"[a-z0-9._@+-]{1,64}")


class Person(Section):
    """Somebody who signs in with a password; their name is that of the section."""

    role: Literal["viewer", "operator"] = Field("operator", description="viewer looks, operator also starts, stops and edits")
    password_hash: SecretStr = Field(description="what `tcpdash app password` prints; never the password itself")

    @field_validator("password_hash")
    @classmethod
    def _is_hash(cls, text: SecretStr) -> SecretStr:
        if not PASSWORD_HASH.fullmatch(text.get_secret_value()):
            raise ValueError("expected what `tcpdash app password` prints, scrypt:15:8:3:SALT:HASH")
        return text


class Oidc(Section):
    """A provider of OpenID Connect that knows who people are."""

    client_id: str | None = Field(None, min_length=1, description="what the provider calls this app; without it there is none")
    client_secret: SecretStr | None = Field(None, min_length=1, description="what the provider gave along with it")
    server_metadata_url: str | None = Field(None, description="https://PROVIDER/.well-known/openid-configuration")
    operators: tuple[str, ...] = Field(
        (), description="who may act: addresses that the provider has verified, or subjects (`sub`) of it"
    )
    viewers: tuple[str, ...] = Field((), description="who may look, likewise; all others are refused")

    @property
    def configured(self) -> bool:
        """Whether there is a provider."""
        return self.client_id is not None

    @field_validator("server_metadata_url")
    @classmethod
    def _is_safe(cls, url: str | None) -> str | None:
        if url is not None and not (url.startswith("https://") or _on_loopback(url)):
            raise ValueError("expected an address like https://PROVIDER/.well-known/openid-configuration")
        return url

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = (self.client_id, self.client_secret, self.server_metadata_url)
        if any(given) and not all(given):
            raise ValueError("expected client_id, client_secret and server_metadata_url, or none of them")
        if all(given) and not (self.operators or self.viewers):
            raise ValueError("expected operators or viewers: without them nobody gets in")
        return self


class App(Section):
    """The Streamlit app."""

    port: int = Field(0, ge=0, le=65_535, description="port of the pages; 0 takes 8501, or a free one where that is taken")
    address: str = Field(
        "127.0.0.1", description="address to listen on; any but loopback publishes the pages, which needs app.users or app.oidc"
    )
    public_url: str | None = Field(
        None, description="https://HOST as browsers reach the pages through a proxy; it publishes them, too"
    )
    proxies: tuple[str, ...] = Field(
        ("127.0.0.1",), description="addresses of proxies in front whose X-Forwarded-For and -Proto are believed"
    )
    users: dict[str, Person] = Field(default_factory=dict, description="people who sign in with a password, by name in lower case")
    oidc: Oidc = Oidc()
    session_hours: float = Field(12.0, ge=0.05, le=720.0, description="hours after which people sign in again")
    cookie_secret: SecretStr | None = Field(
        None, min_length=32, description="key that signs sessions; without it one is made and kept in the home"
    )
    time_zone: str = Field(
        "UTC", min_length=1, max_length=64, description="of all times on the page, until somebody chooses another"
    )

    @property
    def published(self) -> bool:
        """Whether others than this computer can reach the pages."""
        return not is_loopback(self.address) or (self.public_url is not None and not _on_loopback(self.public_url))

    @property
    def asks(self) -> bool:
        """Whether people have to sign in."""
        return bool(self.users) or self.oidc.configured

    @field_validator("address")
    @classmethod
    def _is_address(cls, text: str) -> str:
        if text == "localhost":
            return "127.0.0.1"
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            raise ValueError("expected an IP address of this computer, 127.0.0.1 or 0.0.0.0 for example") from None

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?/?", url):
            raise ValueError("expected an address without path, like https://dash.example.org")
        return None if url is None else url.rstrip("/").lower()

    @field_validator("users", mode="before")
    @classmethod
    def _by_name(cls, users: object) -> object:
        if not isinstance(users, dict):
            return users
        found = {str(name).strip().lower(): person for name, person in users.items()}
        wrong = [name for name in found if not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"expected names of letters, digits and . _ @ + -, at most 64 of them; {wrong[0]!r} is none")
        return found

    @model_validator(mode="after")
    def _can_come_back(self) -> Self:
        if self.oidc.configured and self.public_url is None:
            raise ValueError("app.oidc needs app.public_url: the provider sends people back to app.public_url/oauth2callback")
        return self


def is_loopback(address: str) -> bool:
    """Return whether an IP address, or `localhost`, is this computer."""
    try:
        return address.lower() == "localhost" or ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _on_loopback(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")
