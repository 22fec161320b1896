"""What flows tell each other: events that prefect.yaml starts the next flow by."""

from typing import Any

from prefect.events import emit_event


def announce(event: str, symbol: str, **payload: Any) -> None:
    """Say that something happened to a symbol, for example `tcpdash.backfill.done`."""
    resource = {"prefect.resource.id": f"tcpdash.symbol.{symbol}", "prefect.resource.name": symbol}
    emit_event(event, resource=resource, payload=payload)
