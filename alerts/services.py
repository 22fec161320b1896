"""The services that alerts are sent to: the only module that knows Apprise, which is not imported before one is configured.

An address is a secret, for most have a token or a password in them: no address, no part of one and no text of Apprise or of a
library below it leaves this module. What a service failed with is said in words of ours.
"""

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from alerts.messages import Message
from market.clock import monotonic
from market.errors import InputError

DEADLINE_SECONDS = 30.0
"""After which a service that still does not answer failed; each of its own requests ends after about 8 s."""

_NAME = "TCPDashboard"
_STATUS = re.compile(r"\berror=\s*\(?(\d{3})\b")
_UNREACHABLE = re.compile(r"connection error|I/O error|authenticat\w+ .*(?:failed|error)", re.IGNORECASE)
_FIXES = {
    400: "the address or the message is not what it wants",
    401: "check the token or the password",
    403: "check the token or the password",
    404: "check the address: what it names is not there",
    429: "it was sent too much",
}


class Services:
    """The services of the settings, each with a name that is no secret: its place among the addresses, and what it is.

    Args:
        urls: Addresses as Apprise wants them.
        deadline_seconds: How long `tell` waits at most for all of them.

    Raises:
        InputError: If Apprise cannot use one of them; it says which one, and not what it is.
    """

    def __init__(self, urls: Sequence[str], *, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self._deadline = deadline_seconds
        self._services = {service.name: service for service in (_Service(number, url) for number, url in enumerate(urls, 1))}

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in the order of the settings: `1 Telegram`."""
        return tuple(self._services)

    def tell(self, messages: Mapping[str, Message]) -> dict[str, str]:
        """Send each of some services its message, all at once; return what those failed with that did not take it.

        A service that is not done at the deadline counts as failed, though it may still take the message; none is sent another
        one while it still works on one.

        Args:
            messages: What to send, by name of the service.
        """
        until = monotonic() + self._deadline
        tries = {name: self._services[name].begin(message) for name, message in messages.items()}
        failed = {name: one.wait(max(0.0, until - monotonic())) for name, one in tries.items()}
        return {name: error for name, error in failed.items() if error}


class _Service:
    """One service; its requests are made by threads that die with the process, so that a hanging one keeps nothing waiting."""

    def __init__(self, number: int, url: str) -> None:
        self._apprise, what = _opened(number, url)
        self.name = f"{number} {what}"
        self._current: _Try | None = None

    def begin(self, message: Message) -> "_Try":
        if self._current is not None and self._current.is_alive():
            return _Busy(self._apprise, message)
        self._current = _Try(self._apprise, message)
        self._current.start()
        return self._current


class _Try(threading.Thread):
    """One message on its way to one service."""

    def __init__(self, apprise: Any, message: Message) -> None:
        super().__init__(name="alert", daemon=True)
        self._apprise, self._message = apprise, message
        self._error = "it was not sent"

    def run(self) -> None:
        try:
            with _said.listening() as words:
                taken = self._apprise.notify(
                    body=self._message.body, title=self._message.title, body_format="text", notify_type="warning"
                )
                self._error = "" if taken else _reason(words)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, with the address in its text
            self._error = f"it failed with {type(error).__name__}"

    def wait(self, seconds: float) -> str:
        """Return what it failed with; empty where the service took it."""
        self.join(seconds)
        return "it did not answer in time" if self.is_alive() else self._error


class _Busy(_Try):
    """A message that is not sent, for the one before still hangs."""

    def wait(self, seconds: float) -> str:  # noqa: ARG002 - nothing is waited for
        return "it still hangs on the message before"


class _Words(logging.Handler):
    """Takes what Apprise logs, which may have parts of addresses in it, and hands it to none but the thread that sends."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._here = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        words: list[str] | None = getattr(self._here, "words", None)
        if words is not None:
            words.append(record.getMessage())

    def listening(self) -> "_Listening":
        return _Listening(self._here)


class _Listening:
    def __init__(self, here: threading.local) -> None:
        self._here = here

    def __enter__(self) -> list[str]:
        self._here.words = words = list[str]()
        return words

    def __exit__(self, *_: object) -> None:
        self._here.words = None


_said = _Words()


def _opened(number: int, url: str) -> tuple[Any, str]:
    """Return Apprise with one service, and what that is called."""
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - half a second and 40 MB, for those who have alerts

    _keep_quiet()
    asset = AppriseAsset(app_id=_NAME, app_desc=_NAME, app_url="", storage_mode="memory", async_mode=False)
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        raise InputError(
            f"alerts.urls: address {number} is none that Apprise can use; expected one like tgram://TOKEN/CHAT, "
            "discord://ID/TOKEN, slack://A/B/C, mailto://USER:PASSWORD@HOST or jsons://HOST/PATH, with all its parts"
        )
    box = Apprise(asset=asset)
    box.add(service)
    return box, str(service.service_name)


def _keep_quiet() -> None:
    """Keep addresses out of all logs: Apprise's own go to us, and urllib3, which logs paths, says nothing below an error."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)  # below it there are whole addresses and answers
    if _said not in logger.handlers:
        logger.addHandler(_said)
    for name in ("urllib3", "requests_oauthlib", "oauthlib"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _reason(words: Sequence[str]) -> str:
    """Return why a service did not take a message: a status is the only thing that is taken over of what Apprise says."""
    text = " ".join(words)
    found = _STATUS.search(text)
    if found is None:
        return "it could not be reached, or refused the login" if _UNREACHABLE.search(text) else "it did not take the message"
    status = int(found[1])
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    fix = _FIXES.get(status, "it has trouble of its own; it is tried again" if status >= 500 else "")
    return f"it answered {phrase}" + (f": {fix}" if fix else "")
