"""How often somebody may try a password: in memory, and in little of it."""

import ipaddress
import threading
from collections import OrderedDict, deque

OF_ONE_NAME, OF_ALL_NAMES = 5, 30
"""Vain attempts from one address within the window, under one name and under all of them."""
WINDOW_SECONDS = 900.0
_MOST_KEYS = 20_000  # the address that tried longest ago is forgotten first


class Attempts:
    """Vain attempts of late. An attempt counts as vain until it succeeds, so that many at once are no way around.

    Nothing is counted over all addresses: that would let a stranger lock out the people of this system.
    """

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, str | None], deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, address: str, name: str, now: float) -> float:
        """Return 0 and count an attempt, or for how long there may be none.

        Args:
            address: Where it comes from; the 2^64 addresses of one IPv6 network are one.
            name: Whom they say they are.
            now: Seconds of a clock that never goes back.
        """
        one, all_names = self._keys(address, name)
        with self._lock:
            wait = max(self._wait(one, OF_ONE_NAME, now), self._wait(all_names, OF_ALL_NAMES, now))
            if wait == 0:
                for key in (one, all_names):
                    self._tries.setdefault(key, deque(maxlen=OF_ALL_NAMES)).append(now)
                    self._tries.move_to_end(key)
                while len(self._tries) > _MOST_KEYS:
                    self._tries.popitem(last=False)
            return wait

    def succeeded(self, address: str, name: str) -> None:
        """Forget the attempts under a name from an address, and the last one under all names."""
        one, all_names = self._keys(address, name)
        with self._lock:
            self._tries.pop(one, None)
            if self._tries.get(all_names):
                self._tries[all_names].pop()

    def _wait(self, key: tuple[str, str | None], most: int, now: float) -> float:
        tries = self._tries.get(key)
        while tries and tries[0] <= now - WINDOW_SECONDS:
            tries.popleft()
        return 0.0 if not tries or len(tries) < most else tries[-most] + WINDOW_SECONDS - now

    @staticmethod
    def _keys(address: str, name: str) -> tuple[tuple[str, str | None], tuple[str, str | None]]:
        network = _network(address)
        return (network, name[:64]), (network, None)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
