"""Which ports the servers of one system take that people open in a browser: the usual ones, unless somebody has them."""

import errno
import socket

from db import child
from market.errors import InputError


class Ports:
    """The ports that this process has chosen, claimed from the choice until `release` or its end.

    Its servers listen seconds later, so another system that starts meanwhile cannot see them there. A claim is the UDP port of
    the same number, which nothing else uses: the kernel gives it to one process of the machine, and frees it with that.
    """

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def claim(self, usual: int, *, named: int | None, setting: str) -> int:
        """Return the port of a setting, else the usual one, or a free one if somebody has that.

        Args:
            usual: Where people look for it.
            named: What the setting says; None or 0 if nothing.
            setting: How it is called.

        Raises:
            InputError: If somebody has the one of the setting: what answers there would be taken for ours.
        """
        if self._is_ours(named or usual):
            return named or usual
        if named:
            raise InputError(f"port {named} of setting '{setting}' is taken; end what listens there, or set it to 0")
        return child.free_port()

    def release(self) -> None:
        """Give all of them back."""
        for claim in self._claims:
            claim.close()
        self._claims.clear()

    def _is_ours(self, port: int) -> bool:
        if listens(port):
            return False
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
        except OSError as error:
            claim.close()
            return error.errno != errno.EADDRINUSE  # what else forbids it, such as a port below 1024, the server will say
        self._claims.append(claim)
        return True


def listens(port: int) -> bool:
    """Return whether somebody answers at a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
