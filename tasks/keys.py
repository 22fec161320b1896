"""Keys of artifacts: what they are about, in the letters that Prefect allows."""

import re


def artifact_key(topic: str, symbol: str | None = None) -> str:
    """Return a key of lower-case letters, digits and dashes: `backfill-okx-btc-usdt`."""
    return re.sub(r"[^a-z0-9]+", "-", f"{topic} {symbol or ''}".lower()).strip("-")
