"""Starts Streamlit on our page: loopback unless the settings say otherwise, no telemetry, no watcher."""

import os
import sys
from pathlib import Path

OPTIONS = {
    "server.headless": "true",
    "server.address": "127.0.0.1",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
}


def command(port: int, address: str = OPTIONS["server.address"]) -> list[str]:
    """Return the command line that serves the page on a port."""
    page = Path(__file__).with_name("entry.py")
    options = [f"--{name}={value}" for name, value in {**OPTIONS, "server.address": address, "server.port": str(port)}.items()]
    return [sys.executable, "-m", "streamlit", "run", str(page), *options]


def exec_page(port: int, address: str) -> None:
    """Replace this process by the page's."""
    arguments = command(port, address)
    os.execv(arguments[0], arguments)  # noqa: S606 - our own command, no shell
