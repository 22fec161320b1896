"""The flow that looks after paper bots on all machines: a second line behind the runners, which look after their own."""

from collections import Counter
from typing import Any

from prefect import flow

from flows.results import show_table
from market.clock import isoformat
from tasks.bots import look_after, tell


@flow
async def bot_health() -> list[dict[str, Any]]:
    """Judge all bots, end what hangs or died so that it is started again within its budget, and send what people are told of."""
    judged = await look_after()
    rows = [
        {
            "bot": each.bot.id, "health": str(each.verdict.state), "reason": each.verdict.reason,
            "runner": each.bot.lease_owner or "",
            "acted until": "" if each.bot.acted_until_us is None else isoformat(each.bot.acted_until_us),
            "done": each.done,
        }
        for each in judged
    ]  # fmt: skip
    counts = Counter(row["health"] for row in rows)
    sentence = ", ".join(f"{count:,} {health}" for health, count in sorted(counts.items())) or "there are no bots"
    await show_table("bots", rows, sentence)
    await tell()
    return rows
