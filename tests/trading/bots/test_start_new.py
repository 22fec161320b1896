"""Which bots start by themselves when their files are first seen."""

import pytest

from tests.trading.bots.files import text
from trading.bots.config import read_config
from trading.bots.configs import put
from trading.bots.folder import Found
from trading.registry import Registry

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize(
    ("symbols", "said", "wanted"),
    [
        (["SYNTHETIC:BTC-USDT"], {}, "running"),
        (["OKX:BTC-USDT"], {}, "stopped"),
        (["OKX:BTC-USDT", "SYNTHETIC:BTC-USDT"], {}, "stopped"),
        (["OKX:BTC-USDT"], {"autostart": True}, "running"),
    ],
)
def test_bots_of_the_venues_that_are_named_and_those_whose_files_say_so(database, symbols, said, wanted):
    config = read_config(text(symbols=symbols, **said), Registry(), file="a.json")

    with database.transaction() as store:
        put(store, Found(file="a.json", config=config), start_new=["synthetic"])

    assert database.bots.get(config.id).wanted == wanted
