"""The flow that looks after paper bots on all machines: a second line behind the runners, which look after their own."""

from collections import Counter
from typing import Any

from prefect import flow

from flows.results import show_table
from market.clock import isoformat
from tasks.bots import look_after, tell
from trading.bots.rescue import Judged


@flow
async def bot_health() -> list[dict[str, Any]]:
    """Judge all bots, end what hangs or died so that it is started again within its budget, and send what people are told of."""
    rows = [_row(each) for each in await look_after()]
    counts = Counter(row["health"] for row in rows)
    sentence = ", ".join(f"{count:,} {health}" for health, count in sorted(counts.items())) or "there are no bots"
    await show_table("bots", rows, sentence)
    await tell()
    return rows


def _row(judged: Judged) -> dict[str, Any]:
    bot, acted_us = judged.bot, judged.bot.acted_until_us
    return {
        "bot": bot.id, "health": str(judged.verdict.state), "reason": judged.verdict.reason, "runner": bot.lease_owner or "",
        "acted until": "" if acted_us is None else isoformat(acted_us), "done": judged.done,
    }  # fmt: skip
