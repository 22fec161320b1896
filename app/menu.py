"""The pages, in the order of the menu."""

PAGES = {
    "overview": ("Overview", ":material/dashboard:"),
    "market": ("Market", ":material/candlestick_chart:"),
    "data": ("Data", ":material/fact_check:"),
    "bots": ("Bots", ":material/smart_toy:"),
    "backtests": ("Backtests", ":material/science:"),
    "system": ("System", ":material/monitor_heart:"),
}
"""Title and icon of each page by its name, which is its file, and its path in the URL; the first is at `/`."""
