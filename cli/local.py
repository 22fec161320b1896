"""The verbs around tapes: play one as an exchange on localhost, record one from a venue."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer

from cli.options import GENERATED, Exchange, Faults, Seed, Speed, Symbols, load, read_faults, refuse_venue_of_generated
from market.errors import InputError

if TYPE_CHECKING:
    import ssl

    from replay import LocalExchange, Source


def replay(
    tape: Annotated[str, typer.Argument(help="Files to play one after the other, A,B; or 'synthetic' for a generated market.")],
    *,
    exchange: Annotated[
        str | None,
        typer.Option("--exchange", "-e", help="Venue to play, where the files hold trades of several, as bybit and bybitlinear."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8765,
    speed: Speed = 1.0,
    shift: Annotated[bool, typer.Option("--shift", help="Move the recorded times to now.")] = False,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate (PEM), for clients that insist on wss:// and https://.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key (PEM), if it is not in the same file.")] = None,
    fault: Faults = None,
    seed: Seed = 0,
) -> None:
    """Run an exchange on localhost that plays a tape over the protocols of OKX, Binance, Bybit, Coinbase and Kraken.

    Point any client at it: ws://127.0.0.1:8765 and http://127.0.0.1:8765 instead of the venue's addresses.

    For example: tcpdash replay monday.jsonl.gz --speed 50 --fault drop:every=30,for=5
    """
    import asyncio
    import logging
    from functools import partial

    from replay import serve

    script, source = read_faults(fault, seed), _source(tape, exchange)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # a client that goes away is no news
    tls = _tls(tls_cert, tls_key)
    say = partial(_say_open, source)
    try:
        asyncio.run(serve(source, port=port, speed=speed, shift_to_now=shift, tls=tls, faults=script, on_open=say, on_end=_say_end))
    finally:
        if script is not None:
            click.echo(f"faults: {', '.join(f'{kind} {count}' for kind, count in script.strikes.items()) or 'none struck'}")


def _source(tape: str, exchange: str | None) -> "Source":
    from exchanges import find_venue
    from replay import SyntheticMarket, read_tape

    if tape == GENERATED:
        refuse_venue_of_generated(exchange)
        return SyntheticMarket()
    return read_tape(*tape.split(","), venue=None if exchange is None else find_venue(exchange).name)


def _say_open(source: "Source", exchange: "LocalExchange") -> None:
    from replay import Tape

    tape = source if isinstance(source, Tape) else None
    channel = f", channel {tape.channel}" if tape else ""
    symbols = ", ".join(source.symbols)
    click.echo(f"{source.label} market of {symbols} at {exchange.ws_url} and {exchange.rest_url}{channel}; Ctrl-C ends it")
    for sentence in tape.report.sentences() if tape else ():
        click.echo(f"tape: {sentence}")


def _say_end() -> None:
    click.echo("the tape is over; the exchange stays open, and its clock stands still", err=True)


def _tls(certificate: Path | None, key: Path | None) -> "ssl.SSLContext | None":
    if certificate is None:
        if key is not None:
            raise InputError("--tls-key needs --tls-cert")
        return None
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # also what ssl raises for a file that holds no certificate
        raise InputError(f"--tls-cert {certificate} with --tls-key {key or certificate} cannot be used: {error}") from error
    return context


def record(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, NAME.jsonl.gz; appended to if it exists.")],
    exchange: Exchange = None,
    symbols: Symbols = None,
    seconds: Annotated[float | None, typer.Option("--for", min=0.1, help="Stop by itself after so many seconds.")] = None,
) -> None:
    """Record a venue's raw frames to a tape that `replay` and `up --tape` play; Ctrl-C ends it.

    For example: tcpdash record --exchange binance --symbols BTC-USDT --out monday.jsonl.gz
    """
    import asyncio

    from cli.recorder import record_frames
    from tasks.resources import provider_from

    settings = load(exchange, symbols)
    if settings.stream.exchange.upper() == "SYNTHETIC":
        raise InputError("the generated market needs no recording: `tcpdash replay synthetic` plays it at any time")
    provider = provider_from(settings, settings.stream.exchange).following(settings.stream.symbols)
    try:
        asyncio.run(record_frames(provider, out, seconds))
    finally:
        if out.exists() and out.stat().st_size == 0:
            out.unlink()  # nothing was recorded
