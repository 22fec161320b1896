"""How the server is, on both kinds of server."""

import pytest
import sqlalchemy as sa

from db.operations import DatabaseOperations
from tests.db.candles import candle

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("kind", ["plain", pytest.param("timescale", marks=pytest.mark.timescale)])
def test_the_server_tells_of_itself_in_few_statements(kind, request):
    engine: sa.Engine = request.getfixturevalue(f"{kind}_engine")
    database = DatabaseOperations(engine)
    database.market_data.upsert_candles([candle(1), candle(2)])
    database.condition()
    sent: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *told: sent.append(told[2]))

    found = database.condition()

    assert len(sent) == 2
    assert found.storage == kind
    assert found.bytes > 1_000_000
    assert found.tables["market_data"][0] > 0
    assert 0 <= found.connections <= found.most_connections
    assert found.cache_hits is None or 0 <= found.cache_hits <= 1
    assert found.up_seconds > 0
