"""Sessions of people who signed in: what stands in their cookie, signed, and which of them have ended."""

import hashlib
import logging
import os
import secrets
import threading
from pathlib import Path
from typing import Any, NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer

from app.sign_in.people import Identity, People
from app.sign_in.user import User

logger = logging.getLogger(__name__)

_US = 1_000_000


class Session(NamedTuple):
    """A session that goes on.

    Attributes:
        key: Its random name.
        user: Whose it is, by the settings of now.
        until_s: When it ends by itself, UTC epoch seconds.
    """

    key: str
    user: User
    until_s: int


class Sessions:
    """Begins, finds and ends sessions.

    Args:
        people: Who they are of.
        secret: Key of the signature.
        ended: Those that ended before their time.
        length_seconds: How long one goes on.
    """

    def __init__(self, people: People, *, secret: str, ended: "Ended", length_seconds: int) -> None:
        self._people, self._ended, self.length_seconds = people, ended, length_seconds
        self._signer = URLSafeSerializer(
            secret, salt="tcpdash session", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    def begin(self, identity: Identity, now_us: int) -> str:
        """Return the cookie of a new session."""
        until_s = now_us // _US + self.length_seconds
        return str(self._signer.dumps([*identity, secrets.token_urlsafe(16), until_s]))

    def find(self, cookie: str | None, now_us: int) -> Session | None:
        """Return the session of a cookie; None for one that is not ours, is over, was ended, or of who was removed."""
        content = self._content(cookie)
        if content is None:
            return None
        kind, name, proof, key, until_s = content
        if until_s <= now_us // _US or key in self._ended:
            return None
        user = self._people.user(Identity(kind, name, proof))
        return None if user is None else Session(key, user, until_s)

    def is_ours(self, cookie: str | None) -> bool:
        """Return whether a cookie was made here, also if its session is over."""
        return self._content(cookie) is not None

    def _content(self, cookie: str | None) -> tuple[Any, ...] | None:
        if not cookie:
            return None
        try:
            return tuple(self._signer.loads(cookie))
        except (BadSignature, ValueError, TypeError):
            return None

    @property
    def ended_so_far(self) -> int:
        """How many were ended, for who looks only when there is news."""
        return self._ended.added

    def end(self, session: Session, now_us: int) -> None:
        """End a session for good, also for who has a copy of its cookie."""
        self._ended.add(session.key, session.until_s, now_us // _US)


class Ended:
    """Sessions that were ended; those that would be over by now are forgotten.

    They stand in a file, too, so that a restart revives none.

    Attributes:
        added: How many were added.

    Args:
        file: Where; made when missing, for nobody else to read. None where nobody signs in.
        now_s: UTC epoch seconds.
    """

    def __init__(self, file: Path | None, now_s: int) -> None:
        self._file, self._lock = file, threading.Lock()
        self.added = 0
        self._until: dict[str, int] = {}
        for line in [] if file is None else _lines(file):
            key, _, until = line.partition(" ")
            if until.isdecimal() and int(until) > now_s:
                self._until[key] = int(until)
        self._keep()

    def __contains__(self, key: str) -> bool:
        return key in self._until

    def add(self, key: str, until_s: int, now_s: int) -> None:
        """Add a session that would go on until then."""
        with self._lock:
            self._until[key] = until_s
            self.added += 1
            for over in [old for old, until in self._until.items() if until <= now_s]:
                del self._until[over]
            self._keep()

    def _keep(self) -> None:
        if self._file is None:
            return
        text = "".join(f"{key} {until}\n" for key, until in self._until.items())
        fresh = self._file.with_suffix(".new")
        try:
            write_private(fresh, text)
            fresh.replace(self._file)
        except OSError as error:  # a full disk: it has ended for as long as this process runs
            logger.error("ended sessions are not kept file=%s error=%s", self._file, error)  # noqa: TRY400 - no traceback needed


def secret_in(file: Path) -> str:
    """Return the secret that a file has; made at first, for nobody else to read."""
    if not (found := "".join(_lines(file))):
        write_private(file, found := secrets.token_urlsafe(48))
    return found


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
        os.fchmod(opened.fileno(), 0o600)
        opened.write(text)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
