"""Who may come in, and as what: the people in the settings, with a password or known to a provider."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from app.sign_in.passwords import decoy, is_password
from app.sign_in.user import Role, User
from settings.pages import App


class Identity(NamedTuple):
    """Who somebody is.

    Attributes:
        kind: How they proved it: by a password, or as an address or a subject of a provider.
        name: Their name here, or that address or subject.
        proof: What must be as it was for their session to go on; empty for people of a provider.
    """

    kind: Literal["password", "address", "subject"]
    name: str
    proof: str


class People:
    """Those whom the settings name.

    Args:
        settings: The section of the pages.
        secret: Key for the proofs that stand in cookies, so that they tell nothing of a hash.
    """

    def __init__(self, settings: App, secret: str) -> None:
        self._hashes = {name: person.password_hash.get_secret_value() for name, person in settings.users.items()}
        known = dict.fromkeys(settings.oidc.viewers, Role.VIEWER) | dict.fromkeys(settings.oidc.operators, Role.OPERATOR)
        self._roles = {
            "password": {name: Role(person.role) for name, person in settings.users.items()},
            "address": {name.lower(): role for name, role in known.items() if "@" in name},
            "subject": {name: role for name, role in known.items() if "@" not in name},
        }
        self._secret = secret.encode()
        self._decoy = decoy(next(iter(self._hashes.values()), None))

    def by_password(self, name: str, password: str) -> Identity | None:
        """Return who has this name and password; takes as long for a name that nobody has."""
        hashed = self._hashes.get(name)
        fits = is_password(password, hashed or self._decoy)
        return Identity("password", name, self._proof(hashed)) if fits and hashed is not None else None

    def by_claims(self, claims: Mapping[str, Any]) -> Identity | None:
        """Return who a provider says is there.

        An address counts only if the provider has verified it, and no subject passes for one, whatever it looks like.
        """
        mail, subject = claims.get("email"), claims.get("sub")
        if claims.get("email_verified") is True and isinstance(mail, str) and mail.lower() in self._roles["address"]:
            return Identity("address", mail.lower(), "")
        return Identity("subject", subject, "") if isinstance(subject, str) and subject in self._roles["subject"] else None

    def user(self, identity: Identity) -> User | None:
        """Return what somebody may do by the settings of now; None for who was removed or has another password since."""
        role = self._roles[identity.kind].get(identity.name)
        if role is None or (identity.kind == "password" and not self._is_as_before(identity)):
            return None
        return User(name=identity.name, role=role)

    def _is_as_before(self, identity: Identity) -> bool:
        return hmac.compare_digest(self._proof(self._hashes[identity.name]), identity.proof)

    def _proof(self, hashed: str) -> str:
        return hmac.new(self._secret, hashed.encode(), hashlib.sha256).hexdigest()[:32]
