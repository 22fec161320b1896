"""Rows of the overview: the worst first, a sign with each state, and never more than fit."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.charts.zone import UTC, zone_at
from app.glance import BOT_SIGNS, FEED_SIGNS, amount, bot_rows, feed_rows, recent_rows
from db.bot_rows import StoredBot
from db.repositories.bot_sums import BotGlance
from db.repositories.happenings import Recent
from tests.app.samples import START_US, feed
from trading.bots.health import Health, Verdict
from trading.bots.rescue import Judged

AT_US = START_US + 10**9


def feeds(**states: str) -> dict[str, dict]:
    """Return feeds by symbol; names are like `OKX_A`."""
    found = {}
    for name, state in states.items():
        venue, _, base = name.partition("_")
        symbol = f"{venue}:{base}-USDT"
        found[symbol] = feed(AT_US, symbol=symbol, venue=venue, state=state)
    return found


def bots(**states: str) -> tuple[list[BotGlance], dict[str, Judged]]:
    glances, judged = [], {}
    for name, state in states.items():
        bot = StoredBot(id=name, config={"symbols": ["OKX:A-USDT"]}, config_digest="", config_file="", equity=Decimal(1010))
        glances.append(BotGlance(bot=bot, at_us=AT_US, owed_us=None, day_us=START_US, base=1000.0, ended=0.0))
        judged[name] = Judged(bot=bot, verdict=Verdict(state=Health(state), reason=f"as {state}"), at_us=AT_US)
    return glances, judged


class TestFeeds:
    def test_the_worst_venue_and_in_it_the_worst_feed_come_first(self):
        rows = feed_rows(feeds(OKX_A="live", OKX_B="stale", BYBIT_C="live", BYBIT_D="down", KRAKEN_E="quiet"), AT_US, most=9)

        assert rows.table["symbol"].str.partition("=")[2].tolist() == [
            "BYBIT:D-USDT", "BYBIT:C-USDT", "OKX:B-USDT", "OKX:A-USDT", "KRAKEN:E-USDT",
        ]  # fmt: skip
        assert rows.table["state"].tolist() == ["✖ down", "● live", "▲ stale", "● live", "○ quiet"]
        assert rows.counts == "BYBIT: 1 down, 1 live · KRAKEN: 1 quiet · OKX: 1 stale, 1 live"
        assert rows.more == ""

    def test_of_hundreds_the_bad_ones_are_shown_and_the_rest_is_counted(self):
        many = feeds(**{f"OKX_C{number}": "live" for number in range(298)}, OKX_X="down", BYBIT_Y="stale")

        rows = feed_rows(many, AT_US, most=20)

        assert len(rows.table) == 20
        assert sorted(rows.table["state"]) == sorted(["▲ stale", "✖ down", *["● live"] * 18])
        assert rows.more == "and 280 live more"

    def test_a_row_says_price_age_and_what_is_known_of_its_completeness(self):
        told = feeds(OKX_A="healing", OKX_B="live", BYBIT_C="live")
        told["OKX:A-USDT"]["open_holes"] = 2
        told["BYBIT:C-USDT"]["provable"] = False

        rows = feed_rows(told, AT_US, most=9).table.set_index("symbol")

        assert rows.loc["./market?symbol=OKX:A-USDT"].tolist() == ["◐ healing", "102.5", "0.4 s", "2 holes open"]
        assert rows["completeness"].tolist() == ["2 holes open", "no hole open", "unprovable"]

    def test_what_is_no_live_market_is_named_where_its_symbol_does_not_say_so(self):
        replayed = feeds(OKX_A="live", OKX_B="live")
        replayed["OKX:A-USDT"]["tape"] = "recorded"

        assert feed_rows(replayed, AT_US, most=9).table["data"].tolist() == ["REPLAY", "live"]
        assert "data" not in feed_rows(feeds(SYNTHETIC_A="live"), AT_US, most=9).table

    def test_a_worker_that_says_nothing_is_silent(self):
        assert feed_rows(feeds(OKX_A="live"), AT_US + 10**8, most=9).table["state"].tolist() == ["? silent"]

    @pytest.mark.parametrize("signs", [FEED_SIGNS, BOT_SIGNS])
    def test_what_is_well_has_a_sign_that_nothing_ill_has(self, signs):
        well = {"live", "quiet", "healing", "running", "waiting", "starting", "stopped"}

        assert not {signs[state] for state in signs if state in well} & {signs[state] for state in signs if state not in well}
        assert set(BOT_SIGNS) == {str(state) for state in Health}


class TestBots:
    def test_the_worst_come_first_and_only_so_many(self):
        rows = bot_rows(*bots(a="running", b="stopped", c="stuck", d="late"), {"a": {"equity": 990.0}}, most=3)

        assert rows.table["bot"].tolist() == ["./bots?bot=c", "./bots?bot=d", "./bots?bot=a"]
        assert rows.table["state"].tolist() == ["✖ stuck", "▲ late", "● running"]
        assert rows.table["today"].tolist() == ["+10.0000", "+10.0000", "-10.0000"]
        assert rows.table["equity"].tolist() == ["1,010.00", "1,010.00", "990.00"]
        assert rows.table["why"].tolist()[0] == "as stuck"
        assert (rows.counts, rows.more) == ("1 stuck, 1 late, 1 running, 1 stopped", "and 1 stopped more")
        assert "in" not in rows.table

    def test_what_each_reckons_in_is_told_where_that_differs(self):
        glances, judged = bots(a="running", b="running")
        glances[1] = replace(glances[1], bot=replace(glances[1].bot, config={"symbols": ["SYNTHETIC:A-BTC"]}))

        assert bot_rows(glances, judged, {}, most=9).table["in"].tolist() == ["USDT", "BTC SYNTHETIC"]


def test_what_happened_is_told_in_the_zone_of_the_screen_with_a_link_to_more():
    events = [
        Recent(source="wish", id=1, at_us=START_US, subject="a", kind="start bot", text="ann"),
        Recent(source="hole", id=2, at_us=START_US, subject="OKX:A-USDT", kind="never_existed", text="sequence"),
        Recent(source="alert", id=3, at_us=START_US, subject=None, kind="sent", text="a hole"),
        Recent(source="bot", id=4, at_us=START_US, subject=None, kind="daily-loss", text="all lost"),
        Recent(source="feed", id=None, at_us=START_US, subject="OKX:A-USDT", kind="down", text=""),
    ]

    rows = recent_rows(events, UTC)

    assert rows["when"].tolist() == ["08 Aug 23:54:00"] * 5
    assert recent_rows(events, zone_at("Europe/Berlin", START_US))["when"][0] == "09 Aug 01:54:00"
    assert rows["what"].tolist() == ["wish start bot", "hole never existed", "alert sent", "bot daily-loss", "feed down"]
    assert rows["more"].tolist() == [
        "./system?view=wishes", "./data?view=holes&symbols=OKX:A-USDT", "./system", "./bots", "./market?symbol=OKX:A-USDT",
    ]  # fmt: skip
    assert rows["in words"][0] == "by ann"


def test_links_take_the_time_zone_along():
    carried = {"tz": "Asia/Tokyo"}
    wish = Recent(source="wish", id=1, at_us=START_US, subject="a", kind="start bot", text="ann")

    assert recent_rows([wish], UTC, carried=carried)["more"].tolist() == ["./system?view=wishes&tz=Asia%2FTokyo"]
    assert feed_rows(feeds(OKX_A="live"), AT_US, most=9, carried=carried).table["symbol"].tolist() == [
        "./market?symbol=OKX:A-USDT&tz=Asia%2FTokyo"
    ]


def test_a_name_cannot_lead_elsewhere():
    nasty = Recent(source="feed", id=None, at_us=START_US, subject="x&tz=../..#?y=https://evil", kind="down", text="")

    assert recent_rows([nasty], UTC)["more"][0] == "./market?symbol=x%26tz%3D..%2F..%23%3Fy%3Dhttps:%2F%2Fevil"


@pytest.mark.parametrize(
    ("value", "told"), [(None, "–"), (0.0, "0.00"), (12345.678, "12,345.68"), (-1.5, "-1.5000"), (0.00012, "0.00012000")]
)
def test_an_amount_has_the_decimals_that_its_size_asks_for(value, told):
    assert amount(value) == told
