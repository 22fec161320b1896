"""Hashes of passwords: scrypt of the standard library, in a text without a sign that shells and Docker Compose read as theirs."""

import base64
import hashlib
import hmac
import secrets
import unicodedata

from market.errors import InputError

SHORTEST, LONGEST = 12, 1024
"""Characters of a password."""
_LOG_N, _R, _P = 15, 8, 3  # 32 MB and a fifth of a second: what OWASP asks of scrypt at least
_SALT_BYTES, _HASH_BYTES = 16, 32


def hash_password(password: str) -> str:
    """Return the hash of a new password, with a salt of its own: `scrypt:15:8:3:SALT:HASH`.

    Raises:
        InputError: If the password is too short, or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"a password has {SHORTEST} to {LONGEST} characters, this one has {len(password)}; four words do well")
    salt = secrets.token_bytes(_SALT_BYTES)
    found = _scrypt(password, salt, _LOG_N, _R, _P)
    return f"scrypt:{_LOG_N}:{_R}:{_P}:{_text(salt)}:{_text(found)}"


def is_password(password: str, hashed: str) -> bool:
    """Return whether a password is the one of a hash; takes the same time for every password.

    Args:
        password: As somebody typed it.
        hashed: What `hash_password` made; anything else is an error of ours.
    """
    _, log_n, r, p, salt, expected = hashed.split(":")
    found = _scrypt(password[:LONGEST], _bytes(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(found, _bytes(expected))


def decoy(like: str | None) -> str:
    """Return a hash that no password has, and that takes as long to try as another one."""
    parameters = ":".join((like or f"scrypt:{_LOG_N}:{_R}:{_P}:").split(":")[:4])
    return f"{parameters}:{_text(secrets.token_bytes(_SALT_BYTES))}:{_text(secrets.token_bytes(_HASH_BYTES))}"


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    plain = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    most = 128 * r * (2**log_n + p + 4)
    return hashlib.scrypt(plain, salt=salt, n=2**log_n, r=r, p=p, maxmem=most, dklen=_HASH_BYTES)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
