"""What a page shows of Prefect while that does not answer as it should; with a server that does: tests/flows."""

import socket

import pytest

from app.scheduler import standings as scheduled


@pytest.mark.parametrize(
    ("configured", "running", "found"),
    [
        (None, None, (None, "off")),
        (None, {"pids": {}}, (None, "off")),
        (None, {"scheduler": {"url": None, "state": "starting"}}, (None, "starting")),
        (None, {"scheduler": {"url": "http://here/api", "state": "ready"}}, ("http://here/api", "ready")),
        ("http://there/api", {"scheduler": {"url": None, "state": "off"}}, ("http://there/api", "ready")),
    ],
)
def test_the_settings_say_where_prefect_is_before_the_running_system_does(configured, running, found):
    assert scheduled.address(configured, running) == found


def test_a_server_that_accepts_and_says_nothing_does_not_hold_up_the_page():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        found = scheduled.look(f"http://127.0.0.1:{mute.getsockname()[1]}/api", "ready", page=None)

    assert (found.page, found.flows) == (None, [])
    assert "Prefect does not answer at" in found.said
