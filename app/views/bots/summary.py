"""One bot at a glance: how it is and why, what it is worth, what it holds, and whether its ledger adds up."""

from collections.abc import Iterator

import pandas as pd
import streamlit as st

from app.bots.seen import Seen
from app.bots.tables import amount, held, holding_table, order_table, percent
from app.charts.bots import fall_chart, worth_chart
from app.charts.zone import Zone
from app.data.bot_folder import place_of
from app.data.bots import ledger, one, worth
from app.markdown import escaped
from app.stores import Lost
from app.views.banner import show_lost
from app.views.labels import LABELS
from app.views.navigation import link
from app.views.sidebar import zone
from app.words import NOTHING, age
from market.clock import now_us
from market.timeframe import SECOND_US
from trading.bots.holdings import Audit, holdings_of
from trading.bots.words import has_runner, strategy_of

TICK_SECONDS, CURVE_SECONDS = 2.0, 20.0


def show_summary(bot: Seen) -> None:
    """Show what there is to know of a bot now."""
    _show_now(bot.id)
    _show_worth(bot.id)
    st.subheader("About", anchor=False)
    facts = pd.DataFrame(_facts(bot, zone(now_us())), columns=["what", "is"])
    st.dataframe(facts, hide_index=True, alt="What the bot does and who runs it")
    with st.container(horizontal=True):
        for symbol in bot.symbols:
            link("market", symbol, icon=":material/candlestick_chart:", symbol=symbol)


@st.fragment(run_every=TICK_SECONDS)
def _show_now(bot_id: str) -> None:
    lost: Lost = {}
    bot = one(bot_id, lost)
    show_lost(lost)
    if bot is None:
        return
    if bot.label:
        st.markdown(LABELS[bot.label])
    quote = bot.quote
    columns = st.columns(6)
    columns[0].metric("State", bot.state, help="What its runner says, and in brackets how it is where that is something else.")
    columns[1].metric(f"Equity in {quote}", amount(bot.equity), percent(bot.gain) if bot.gain is not None else None)
    columns[2].metric("P&L today", amount(bot.today, sign=True), help="Since the UTC day began, by the market's time; after fees.")
    columns[3].metric(
        "P&L", amount(bot.profit, sign=True), help="Since its account began; after fees, with what is held at its price."
    )
    columns[4].metric("Exposure", held(bot), help=f"Value of all that is held, in {quote}.")
    columns[5].metric("Heartbeat", NOTHING if bot.silent_us is None else f"{age(bot.silent_us)} ago")
    _say_why(bot)
    _show_holdings(bot)
    _show_ledger(bot, lost)


def _say_why(bot: Seen) -> None:
    wanted = f"Wanted: {bot.line.bot.wanted}."
    acted = "" if bot.acted_until_us is None else f" Acted until {zone(now_us()).told(bot.acted_until_us)}."
    st.caption(f"{wanted}{acted} {escaped(_sentence(bot.why))}")
    if bot.line.bot.problem:
        st.warning(f"It does what its file said last. {escaped(bot.line.bot.problem)}", icon=":material/warning:")


def _sentence(words: str) -> str:
    end = "" if not words or words.endswith((".", "?", "!")) else "."
    return f"{words[:1].upper()}{words[1:]}{end}"


def _show_holdings(bot: Seen) -> None:
    st.subheader("Positions", anchor=False)
    account = bot.line.bot.account
    holdings = [] if account is None else holdings_of(account)
    if account is None:
        start = "" if bot.line.bot.wanted == "running" else "; start it with the button above"
        st.write(f"Its account begins with the first candle that closes while it runs{start}.")
    elif holdings:
        st.dataframe(holding_table(holdings), hide_index=True, alt="What is held of each symbol")
        st.caption(f"As of {_moment(bot.line.bot.acted_until_us)}, at the last price; unrealised P&L before fees.")
    else:
        st.write("Nothing is held.")


def _show_ledger(bot: Seen, lost: Lost) -> None:
    if bot.line.bot.account is None or "database" in lost:
        return
    found = ledger(bot)
    if found.failed:
        st.caption(f"Whether its ledger adds up could not be found out: {escaped(found.failed)}.")
    elif found.answer is not None:
        st.caption(_ledger_words(found.answer, bot.quote))
    else:
        st.caption("Its ledger is being added up\N{HORIZONTAL ELLIPSIS}")


def _ledger_words(found: Audit, quote: str) -> str:
    if found.problems:
        return f":red-badge[:material/error: DOES NOT ADD UP] {escaped('; '.join(found.problems))}"
    fees, profit = (amount(found.accounts.get(name)) for name in ("fees", "profit"))
    sums = f"fees {fees}, realised P&L before fees {profit} {quote}, as the ledger has them"
    whole = f"{found.entries:,} entries, each comes to 0, and the accounts are their sums"
    return f":green-badge[:material/check: adds up] {whole}; {sums}."


@st.fragment(run_every=CURVE_SECONDS)
def _show_worth(bot_id: str) -> None:
    lost: Lost = {}
    bot = one(bot_id, lost)
    found = None if bot is None else worth(bot, lost)
    if bot is None or found is None:
        return
    st.subheader("Equity and drawdown", anchor=False)
    if found.curve.rows.empty:
        st.write("Nothing is noted yet; a point comes with each candle that closes and each execution.")
    else:
        place = zone(int(found.curve.rows["timestamp"].iloc[-1].timestamp() * SECOND_US))
        about = f"{bot.id}, account {bot.line.bot.run}" + (f" · {bot.label}" if bot.label else "")
        st.altair_chart(worth_chart(found.curve.rows, quote=bot.quote, zone=place, title=about), alt=f"Equity of {about}")
        st.altair_chart(fall_chart(found.curve.rows, zone=place), alt=f"Drawdown of {about}")
        if found.curve.span_us is not None:
            st.caption(f"Thinned: the last point of each {age(found.curve.span_us)}; between two of them it may have been lower.")
    st.subheader("Working orders", anchor=False)
    if found.orders:
        st.dataframe(order_table(found.orders, zone(now_us())), hide_index=True, alt="Orders that are neither filled nor ended")
    else:
        st.write("No order is working.")


def _facts(bot: Seen, place: Zone) -> Iterator[tuple[str, str]]:
    row, config = bot.line.bot, bot.config
    yield "strategy", f"{strategy_of(config)}, after each {config.get('timeframe', '1h')} candle of {', '.join(bot.symbols)}"
    yield "file", f"{place_of(row.config_file)}, taken over {place.told(row.config_us)}"
    yield "state since", place.told(row.state_us)
    if has_runner(row, bot.line.clock_us):
        until = NOTHING if row.lease_until_us is None else place.told(row.lease_until_us)
        yield "runner", f"{row.lease_owner}, lease {row.lease_epoch} until {until} and renewed every few seconds"
    else:
        yield "runner", "none has it"
    if row.account is None:
        yield "account", f"number {row.run}, begins with the first candle that closes"
    else:
        begun = place.told(int(row.account["begins_us"]))
        yield "account", f"number {row.run}, begun {begun}, with {amount(bot.line.begun_with)} {bot.quote}"
        yield "cash", f"{amount(row.cash)} {bot.quote}"
    yield "times in", place.name


def _moment(moment_us: int | None) -> str:
    return NOTHING if moment_us is None else zone(now_us()).told(moment_us)
