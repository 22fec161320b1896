"""What `tcpdash up` follows: a venue as the settings have it, or what is on a tape."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from cli.options import GENERATED, refuse_venue_of_generated
from exchanges import DataProvider, find_venue
from market.errors import InputError, did_you_mean
from tasks.resources import provider_from

if TYPE_CHECKING:
    from settings import Settings

_NAMED = 10


class Feed(msgspec.Struct, frozen=True):
    """What is followed.

    Attributes:
        provider: The venue, its channel and its symbols.
        warnings: Sentences on what of a tape is not played.
    """

    provider: DataProvider
    warnings: Sequence[str] = ()


def choose_feed(settings: "Settings", tape: str | None, *, exchange: str | None, symbols: str | None) -> Feed:
    """Return what is to be followed.

    Args:
        settings: All settings, with what the command line says of venue and symbols.
        tape: Files for the local exchange, comma-separated, or `synthetic`; None for a venue.
        exchange: What the command line says of the venue; without it a tape decides.
        symbols: What the command line says of the symbols; without it all of a tape are followed.

    Raises:
        InputError: If there is no such venue, symbol or tape.
    """
    stream = settings.stream
    if tape is None:
        return Feed(provider_from(settings, stream.exchange).following(stream.symbols))
    wanted = stream.symbols if symbols is not None else None
    return _generated(settings, exchange, wanted) if tape == GENERATED else _recorded(settings, tape, exchange, wanted)


def _generated(settings: "Settings", exchange: str | None, wanted: Sequence[str] | None) -> Feed:
    from replay import SyntheticMarket

    refuse_venue_of_generated(exchange)
    return Feed(_following(provider_from(settings, GENERATED), SyntheticMarket().symbols, wanted))


def _recorded(settings: "Settings", tape: str, exchange: str | None, wanted: Sequence[str] | None) -> Feed:
    from replay import read_tape

    source = read_tape(*tape.split(","), venue=None if exchange is None else find_venue(exchange).name)
    provider = provider_from(settings, source.venue, channel=source.channel)
    return Feed(_following(provider, source.symbols, wanted), source.report.sentences())


def _following(provider: DataProvider, there: Sequence[str], wanted: Sequence[str] | None) -> DataProvider:
    followed = provider.following(there if wanted is None else wanted)
    for symbol in followed.symbols:
        if symbol not in there:
            more = f" and {len(there) - _NAMED:,} more" if len(there) > _NAMED else ""
            guess = did_you_mean(symbol, list(there))
            raise InputError(f"{symbol} is not on the tape; it holds {', '.join(there[:_NAMED])}{more}{guess}")
    return followed
