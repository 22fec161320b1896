"""The generated market of the local exchange: OKX's protocol under a name that nobody can take for a real venue."""

from typing import ClassVar

from exchanges.base import Endpoints
from exchanges.okx import OKX


class Synthetic(OKX):
    """Invented trades. The label is the first part of every symbol, so it stands wherever the symbol does."""

    name: ClassVar[str] = "SYNTHETIC"
    home: ClassVar[Endpoints] = Endpoints("ws://127.0.0.1:8765", "http://127.0.0.1:8765")
