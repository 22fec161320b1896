"""An exchange on localhost: plays a tape or a generated market over the venues' own websocket and REST protocols."""

from replay.core import ExchangeCore
from replay.exchange import LocalExchange, serve
from replay.faults import Fault, Faults, FaultScript
from replay.small import SmallMarket
from replay.source import Source
from replay.synthetic import SyntheticMarket
from replay.tape import Tape, read_tape
from replay.tape_writer import TapeWriter

__all__ = [
    "ExchangeCore",
    "Fault",
    "FaultScript",
    "Faults",
    "LocalExchange",
    "SmallMarket",
    "Source",
    "SyntheticMarket",
    "Tape",
    "TapeWriter",
    "read_tape",
    "serve",
]
