"""What worker processes have in common: imported once, before they are forked."""

import pandas as pd
import talib

from research import local
from trading import registry
from trading.backtest import sweep, walk_forward

COMMON = (pd, talib, local, registry, sweep, walk_forward)
