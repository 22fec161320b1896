"""Prints one bot: what it is, what is wanted of it, what it does, its account, and what it wrote last."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cli.bot_words import (
    NOTHING,
    age,
    amount,
    event_text,
    exact,
    fields_of,
    gain,
    has_runner,
    iso,
    moment,
    percent,
    shortened,
    state_of,
    strategy_of,
    why_of,
)
from cli.table import print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.bot_account import Shown
    from db.bot_rows import EventRow, OrderRow, SignalRow, TradeRow
    from trading.bots.holdings import Audit

_HOLDINGS = ("symbol", "size", "entry", "mark", "value", "unrealised")
_ORDERS = ("order", "symbol", "kind", "side", "limit", "filled", "made (UTC)", "why")
_SIGNALS = ("candle (UTC)", "symbol", "action", "wants", "price", "acted", "outcome", "reason")
_TRADES = ("minute (UTC)", "number", "symbol", "side", "size", "price", "fee", "profit", "why")
_EVENTS = ("written (UTC)", "kind", "what")


def print_bot(shown: "Shown") -> None:
    """Print it for people."""
    bot = shown.bot
    name = bot.config.get("name")
    click.echo(bot.id + (f": {name}" if name else "") + "   (all times are UTC)")
    for word, text in _facts(shown):
        click.echo(f"  {word:<10} {text}")
    holdings = [
        (each.symbol, exact(each.size), f"{each.entry:.8g}", f"{each.mark:.8g}", amount(each.value), amount(each.profit, sign=True))
        for each in shown.holdings
    ]
    _print("positions", _HOLDINGS, holdings, right=_HOLDINGS[1:], none="nothing is held")
    _print("working orders", _ORDERS, list(map(_order, shown.orders)), right=("order", "limit", "filled"), none="none")
    _print("newest signals", _SIGNALS, list(map(_signal, shown.signals)), right=("wants", "price"), none="none yet")
    _print("newest trades", _TRADES, list(map(_trade, shown.trades)), right=_TRADES[1:2] + _TRADES[4:8], none="none yet")
    _print("newest events", _EVENTS, list(map(_event, shown.events)), none="none yet")


def as_json(shown: "Shown") -> dict[str, Any]:
    """Return it as JSON has it: amounts of the ledger are texts, so that they stay exact."""
    bot, wished, worth, audit = shown.bot, shown.wished, shown.worth, shown.audit
    return {
        **fields_of(bot, shown.clock_us, begun_with=shown.begun_with),
        "health": str(shown.health.state),
        "health_reason": shown.health.reason,
        "config": bot.config,
        "wished_at": None if wished is None else iso(wished.at_us),
        "wished": None if wished is None else wished.text,
        "begun_at": iso(shown.begun_us),
        "fees": None if worth is None else worth.fees,
        "profit": None if worth is None else worth.profit,
        "drawdown": None if worth is None else worth.drawdown,
        "positions": [asdict(each) for each in shown.holdings],
        "ledger": None if audit is None else {"adds_up": not audit.problems, **asdict(audit)},
        "orders": [row(each) for each in shown.orders],
        "signals": [row(each) for each in shown.signals],
        "trades": [row(each) for each in shown.trades],
        "events": [row(each) for each in shown.events],
    }


def row(each: Any) -> dict[str, Any]:
    """Return a row as JSON has it: its moments as text."""
    return {(name.removesuffix("_us") + "_at" if name.endswith("_us") and name != "timestamp_us" else name.removesuffix("_us")): (
        iso(value) if name.endswith("_us") else value
    ) for name, value in asdict(each).items()}  # fmt: skip


def _facts(shown: "Shown") -> "Iterator[tuple[str, str]]":
    bot = shown.bot
    config = bot.config
    yield "strategy", f"{strategy_of(config)}, after each {config.get('timeframe', '1h')} candle of {', '.join(config['symbols'])}"
    yield "rules", _rules(config)
    yield "file", f"{bot.config_file}, taken over {moment(bot.config_us)}"
    if bot.problem is not None:
        yield "problem", bot.problem
    yield "wanted", bot.wanted + _since(shown)
    reason = why_of(bot, shown.health, shown.clock_us)
    yield "state", f"{state_of(bot, shown.health)} since {moment(bot.state_us)}" + (f": {reason}" if reason else "")
    if has_runner(bot, shown.clock_us):
        yield "runner", f"{bot.lease_owner}, found it well {age(shown.clock_us - (bot.heartbeat_us or 0))} ago"
    if shown.begun_us is None:
        yield "account", f"number {bot.run}, begins with {config.get('balance')} when the first candle closes"
        return
    yield from _account(shown)


def _since(shown: "Shown") -> str:
    if shown.wished is not None:
        return f" since {moment(shown.wished.at_us)} ({shown.wished.text})"
    if shown.bot.wanted != "running":
        return ""
    why = "its file has autostart" if shown.bot.config.get("autostart") else "new bots of its venue are started (bots.start_new)"
    return f" since it was created, as {why}"


def _account(shown: "Shown") -> "Iterator[tuple[str, str]]":
    bot, worth = shown.bot, shown.worth
    begun = f"begun {moment(shown.begun_us)} with {amount(shown.begun_with)}"
    yield "account", f"number {bot.run}, {begun}, acted until {moment(bot.acted_until_us)}"
    yield "equity", f"{amount(bot.equity)} ({percent(gain(bot.equity, shown.begun_with))}), of it cash {amount(bot.cash)}"
    if worth is not None:
        yield (
            "so far",
            (
                f"realised {amount(worth.profit, sign=True)} before fees, fees {amount(worth.fees)}, "
                f"{percent(worth.drawdown, sign=False)} below its highest"
            ),
        )
    if shown.audit is not None:
        yield "ledger", _ledger(shown.audit)


def _ledger(audit: "Audit") -> str:
    if audit.problems:
        return "DOES NOT ADD UP: " + "; ".join(audit.problems)
    return f"adds up: {audit.entries:,} entries, each comes to 0, and the accounts are their sums"


def _rules(config: dict[str, Any]) -> str:
    """Return what of the rules is not what a file without them says."""
    from trading.bots.config import as_dict, from_dict

    whole = as_dict(from_dict(config))
    plain = as_dict(from_dict({name: whole[name] for name in ("id", "strategy", "symbols", "balance")}))
    said = []
    for section, values in whole.items():
        if isinstance(values, dict) and section != "parameters":
            before = plain[section] or {}
            said += [f"{section}.{name}={value}" for name, value in values.items() if value != before.get(name)]
    return " ".join(said) or "the usual ones"


def _print(title: str, header: tuple[str, ...], rows: list[Any], *, none: str, right: tuple[str, ...] = ()) -> None:
    if not rows:
        click.echo(f"\n{title}: {none}")
        return
    click.echo(f"\n{title}")
    print_table(header, rows, right=right)


def _order(each: "OrderRow") -> tuple[str, ...]:
    limit = NOTHING if each.price is None else exact(each.price)
    return f"{each.number}", each.symbol, each.kind, each.side, limit, exact(each.filled), moment(each.made_us), each.reason


def _signal(each: "SignalRow") -> tuple[str, ...]:
    wants = NOTHING if each.target is None else f"{each.target:g}"
    price = NOTHING if each.price is None else f"{each.price:.8g}"
    acted = "yes" if each.acted else "no"
    return moment(each.timestamp_us), each.symbol, each.action, wants, price, acted, each.outcome or NOTHING, shortened(each.reason)


def _trade(each: "TradeRow") -> tuple[str, ...]:
    profit = NOTHING if each.profit is None else amount(each.profit, sign=True)
    late = " (caught up)" if each.caught_up else ""
    return (
        moment(each.timestamp_us), f"{each.number}", each.symbol, each.side, exact(each.size), exact(each.price), amount(each.fee),
        profit, each.reason + late,
    )  # fmt: skip


def _event(each: "EventRow") -> tuple[str, ...]:
    return moment(each.at_us), each.kind, shortened(event_text(each))
