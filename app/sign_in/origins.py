"""Which web pages may talk to ours: our own only, and under a name that is ours."""

import re
from urllib.parse import urlsplit

from settings.pages import App, is_loopback

_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")


class Origins:
    """Judges the headers Host and Origin, which a page of another origin cannot choose.

    Args:
        settings: The section of the pages.
    """

    def __init__(self, settings: App) -> None:
        self._public = urlsplit(settings.public_url) if settings.public_url else None
        self._any_name = settings.asks and not is_loopback(settings.address)

    def wrong_host(self, host: str | None) -> str | None:
        """Return what is wrong with the name under which we were called; None if nothing is.

        On loopback only this computer's own names do: another one was made to lead here (DNS rebinding).
        """
        if host is None or not _HOST.fullmatch(host):
            return "the request names no host"
        name = re.sub(r":\d+$", "", host)
        if is_loopback(name) or (self._public is not None and host.lower() == self._public.netloc):
            return None
        if self._public is not None:
            return f"these pages are at {self._public.geturl()}; a proxy in front has to hand on the header Host"
        return None if self._any_name else "these pages are at 127.0.0.1; under another name app.public_url has to be set"

    def wrong_origin(self, origin: str | None, host: str, *, needed: bool) -> str | None:
        """Return what is wrong with the page that makes a request; None if nothing is.

        Args:
            origin: The header; browsers send it with all but plain visits.
            host: The name under which we were called.
            needed: Whether the request does something, so that there has to be one.
        """
        if origin is None:
            return "the request does not say which page it comes from" if needed else None
        try:
            parts = urlsplit(origin)
        except ValueError:
            return "the request comes from a page of no origin that there can be"
        ours = (
            parts.scheme in {"http", "https"}
            and parts.netloc.lower() == host.lower()
            and origin == f"{parts.scheme}://{parts.netloc}"
        )
        if ours and self._public is not None and host.lower() == self._public.netloc:
            ours = parts.scheme == self._public.scheme
        return None if ours else "the request comes from a page of another origin"


def safe_path(wanted: str | None) -> str:
    """Return where to go on after signing in: a path of ours, else the first page."""
    if wanted is None or not re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,1000}", wanted):
        return "/"
    first = wanted.split("?", 1)[0]
    return "/" if first.startswith(("/sign-in", "/auth/", "/oauth2callback")) else wanted
