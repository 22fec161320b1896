"""The recorded Binance tape under a hundred disconnects."""

from itertools import pairwise
from pathlib import Path

import pytest

from market.errors import InputError
from market.timeframe import SECOND_US
from replay import read_tape
from simulation.disconnects import Cuts, draw_cuts, run
from simulation.servers import Servers

DATA = Path(__file__).parents[3] / "shared" / "data"
TAPES = [DATA / "ws" / "binance" / name for name in ("hft_spot_btcusdt_20240808.gz", "hft_spot_btcusdt_20240809.gz")]
KLINES = DATA / "pairs" / "binance_spot_BTCUSDT_20240808_klines_1m.csv"
FIRST_US, LAST_US = 0, 650 * SECOND_US


@pytest.mark.postgres
@pytest.mark.redis
async def test_a_hundred_disconnects_cost_no_trade_and_no_minute(postgres_server, redis_server):
    if not all(path.exists() for path in (*TAPES, KLINES)):
        pytest.skip(f"the recorded data is not at {DATA}")
    source = read_tape(*TAPES)
    cuts = Cuts(draw_cuts(source.first_us, source.last_us, 100, seed=1))
    servers = Servers(postgres_server, redis_server.url)

    report = await run(source, cuts, servers, speed=10.0, wait=0.05, klines=KLINES)  # twice as fast, a busy machine comes back late
    servers.close()

    assert report.wrong == []
    assert report.trades == 19_904
    assert len(cuts.cut) == 100
    assert report.disconnects >= 90, "the others began before the worker had come back"
    assert report.recovered == report.lost > 5_000
    assert len(report.heal_seconds) + len(report.again_seconds) >= 90


@pytest.mark.parametrize("seed", range(20))
def test_disconnects_last_1_to_30_s_and_leave_time_between_them(seed: int):
    cuts = draw_cuts(FIRST_US, LAST_US, 100, seed)

    assert len(cuts) == 100
    assert all(SECOND_US <= cut.end_us - cut.start_us <= 30 * SECOND_US for cut in cuts)
    assert all(behind.start_us - cut.end_us >= 1.5 * SECOND_US for cut, behind in pairwise(cuts))
    assert cuts[0].start_us > FIRST_US
    assert cuts[-1].end_us < LAST_US


def test_the_same_seed_draws_the_same_disconnects_and_another_one_others():
    assert draw_cuts(FIRST_US, LAST_US, 100, 1) == draw_cuts(FIRST_US, LAST_US, 100, 1) != draw_cuts(FIRST_US, LAST_US, 100, 2)


def test_more_disconnects_than_fit_are_refused():
    with pytest.raises(InputError, match="do not fit in 650 s"):
        draw_cuts(FIRST_US, LAST_US, 300, 1)
