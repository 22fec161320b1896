"""Puts a runner of bots together from the settings."""

import os
import signal
import socket
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import typer

from cli.worker import addresses
from db import schema
from db.operations import get_database_operations
from market.errors import StoreUnreachable
from tasks.resources import alerts
from trading.bots.configs import Configs
from trading.bots.hosts import Hosts
from trading.bots.leases import Leases
from trading.bots.portfolio import PortfolioLimits
from trading.bots.rescue import free_bots_of_the_dead
from trading.bots.runner import Runner
from trading.bots.telling import Teller
from trading.bots.waking import Waker

if TYPE_CHECKING:
    from db.operations import DatabaseOperations
    from settings import Settings


def run_bots(settings: "Settings", *, owner: str | None, most: int | None) -> None:
    """Run bots until SIGINT or SIGTERM.

    Args:
        settings: All settings.
        owner: Name of this runner; None for one of machine and process.
        most: So many bots at most; None for what the settings say.
    """
    database_url, redis_url = addresses(settings)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    db = get_database_operations(database_url)
    with suppress(StoreUnreachable):  # it is waited for
        schema.check(db.engine)
        free_bots_of_the_dead(db)
    with ExitStack() as stack:
        stack.callback(db.close)
        name = owner or f"{socket.gethostname()}-{os.getpid()}"
        runner = _runner(stack, db, settings, redis_url, name, most or settings.bots.most)
        told = alerts(db, settings)
        typer.echo(f"runner {name} looks for bots to run, and for their files in {settings.bots.folder}")
        threading.Thread(target=told.watch, args=(stop,), name="alerts", daemon=True).start()
        runner.run(stop)


def _runner(
    stack: ExitStack, db: "DatabaseOperations", settings: "Settings", redis_url: str, owner: str, most: int
) -> Runner:  # fmt: skip
    hosts = stack.enter_context(Hosts(settings.strategies))
    teller = Teller(redis_url)
    stack.callback(teller.close)
    bots = settings.bots
    limits = PortfolioLimits(exposure=bots.max_exposure, symbol_exposure=bots.max_symbol_exposure, daily_loss=bots.max_daily_loss)
    runner = Runner(db, hosts, Leases(db, owner, most=most), teller, limits=limits)
    configs = Configs(db, bots.folder, settings.strategies, on_strategies=runner.renew_strategies, start_new=bots.start_new)
    waker = Waker(redis_url, lambda: runner.symbols, runner.wake)
    for part in (configs, waker):
        stack.callback(part.close)
        part.start()
    return runner
