"""A window that leaves a page gets to the next one, whatever timers of the first one say meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState

from tests.app.sign_in.served import Client, Served, behind_the_door, settings_of
from tests.app.sign_in.wire import Wire


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path, Path(__file__).with_name("two_pages.py"), {"SLOW": str(tmp_path / "slow")})
    server.start()
    yield server
    server.stop()


def _request(page: str, timer: str = "") -> BackMsg:
    """Return what a window asks for: a page, or by a timer of that page a part of it."""
    return BackMsg(rerun_script=ClientState(page_script_hash=page, fragment_id=timer, is_auto_rerun=bool(timer)))


def test_a_timer_of_the_page_that_is_left_does_not_lead_back_to_it(served: Served):
    slow = served.folder / "slow"
    with Client(served.url) as client, Wire(client) as wire:
        there = wire.run()
        first, second = [page.page_script_hash for one in there for page in one.navigation.app_pages][:2]
        part = next(one.delta.fragment_id for one in there if one.delta.fragment_id)
        slow.touch()
        wire.send(_request(first, timer=part))
        while "the part of the first page" not in str(wire.next()):
            pass

        wire.send(_request(second))
        found = wire.tell(_request(first, timer=part))
        slow.unlink()
        part = next(one.delta.fragment_id for one in found if one.delta.fragment_id)
        found += wire.tell(_request(second, timer=part))

    assert {one.new_session.page_script_hash for one in found if one.WhichOneof("type") == "new_session"} == {second}


@pytest.mark.parametrize(
    ("asked", "over"),
    [
        ("first", "-"),
        ("first first. first.", "---"),
        ("first second first. second second.", "--x--"),
        ("first second first. first. second. first.", "--xx--"),
        ("first second first first.", "----"),
        ("first second first second.", "---x"),
        ("first. second. first.", "---"),  # a page that leads on to another one by itself
    ],
)
def test_only_timers_of_the_page_that_was_left_are_over(tmp_path: Path, asked: str, over: str):
    """A word with a dot is what a timer asks; what is let through comes back."""
    with behind_the_door(settings_of(tmp_path)) as (client, _):
        client.sign_in()
        with Wire(client) as wire:
            for number, word in enumerate(asked.split()):
                request = _request(word.rstrip("."), timer="part" * word.endswith("."))
                request.rerun_script.query_string = str(number)
                wire.send(request)
            wire.send(BackMsg(app_heartbeat=True))

            through = set[str]()
            while (answer := BackMsg.FromString(wire._wire.recv(timeout=30))).WhichOneof("type") == "rerun_script":
                through.add(answer.rerun_script.query_string)

    assert "".join("-x"[str(number) not in through] for number in range(len(asked.split()))) == over
