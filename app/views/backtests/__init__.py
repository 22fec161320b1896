"""Parts of the page of backtests: the list, the form, how a run goes, what came of it, and several beside each other."""
