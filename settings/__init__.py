"""One typed tree of settings: config/tcpdash.toml, then the environment (TCPDASH_…)."""

from settings.load import load_settings
from settings.tree import Settings

__all__ = ["Settings", "load_settings"]
