"""Forged messages to the real server: nothing that a viewer's browser could send makes anything happen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from tests.app.sign_in.served import Client, Served, hashed
from tests.app.sign_in.wire import Wire, buttons, shown

ACTIONS = ["Greyed out", "With a callback", "Never shown", "In a part"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    environment = {
        "ACTED": str(folder / "acted"),
        "TCPDASH_APP__USERS__ADA__PASSWORD_HASH": hashed(),
        "TCPDASH_APP__USERS__VIC__PASSWORD_HASH": hashed(),
        "TCPDASH_APP__USERS__VIC__ROLE": "viewer",
    }
    server = Served(folder, Path(__file__).with_name("acting_page.py"), environment)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def acted(served: Served) -> Path:
    file = served.folder / "acted"
    file.write_text("")
    return file


@pytest.fixture
def ada(served: Served) -> Iterator[Client]:
    with Client(served.url) as client:
        assert client.sign_in("ada").status_code == 303
        yield client


@pytest.fixture
def vic(served: Served) -> Iterator[Client]:
    with Client(served.url) as client:
        assert client.sign_in("vic").status_code == 303
        yield client


def test_an_operator_acts(ada: Client, acted: Path):
    with Wire(ada) as wire:
        there = buttons(wire.run())
        for action in ACTIONS:
            wire.run(there[action][0])

    assert not any(disabled for _, disabled in there.values())
    assert acted.read_text().split() == ["pressed", "callback", "hidden", "part"]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_viewer_does_not_act_by_a_forged_message(ada: Client, vic: Client, served: Served, acted: Path, action: str):
    with Wire(ada) as wire:
        name = buttons(wire.run())[action][0]  # known to whoever reads the source
    before = len(served.log())

    with Wire(vic) as wire:
        seen = buttons(wire.run())
        answer = wire.run(name)
        wire.run(name)

    assert acted.read_text() == ""
    assert seen.get(action, ("", True))[1], "what cannot be pressed is greyed out"
    assert "vic: viewer" in shown(answer)
    assert f"pressed name='vic' role=viewer buttons=['{name[-80:]}'] from=127.0.0.1" in served.log()[before:]


def test_where_a_page_forgot_to_grey_a_button_out_the_wish_itself_is_refused(vic: Client, served: Served, acted: Path):
    before = len(served.log())

    with Wire(vic) as wire:
        answer = wire.run(buttons(wire.run())["Forgotten"][0])

    assert acted.read_text() == ""
    assert "may look, but not act" in shown(answer)
    assert "wish refused name='vic' role=viewer action='start bot' from=127.0.0.1" in served.log()[before:]


def test_a_session_of_somebody_else_is_no_way_to_act(ada: Client, vic: Client, acted: Path):
    with Wire(ada) as wire:
        there = wire.run()
        name = buttons(there)["Greyed out"][0]
        theirs = next(one.new_session.initialize.session_id for one in there if one.WhichOneof("type") == "new_session")
    vic.headers["Sec-WebSocket-Protocol"] = f"streamlit, x, {theirs}"

    with Wire(vic) as wire:
        answer = wire.run(name)

    assert "vic: viewer" in shown(answer)
    assert acted.read_text() == ""


@pytest.mark.parametrize("kind", ["clear_cache", "set_run_on_save"])
def test_a_viewer_does_not_touch_what_all_share(vic: Client, served: Served, kind: str):
    before = len(served.log())
    with Wire(vic) as wire:
        wire._wire.send(BackMsg(**{kind: True}).SerializeToString())
        wire.run()

    assert f"message refused name='vic' kind='{kind}'" in served.log()[before:]


def test_signing_out_ends_the_session_at_once_and_for_every_window(vic: Client, served: Served):
    with Wire(vic) as wire, Wire(vic) as other:
        other.run()
        last = wire.run(buttons(wire.run())["Sign out"][0])[-1]
        there = other.run()[-1]

        assert (last.auth_redirect.url, there.auth_redirect.url) == ("/sign-in", "/sign-in")
        with pytest.raises(ConnectionClosed):
            other.run()
    assert vic.get("/").headers["location"] == "/sign-in?next=%2F"
    with Wire(vic) as wire:
        assert [one.WhichOneof("type") for one in wire.run()] == ["auth_redirect"]
    assert "signed out name='vic'" in served.log()


def test_an_error_of_a_page_is_one_sentence_and_the_rest_is_in_the_log(ada: Client, served: Served):
    with Wire(ada) as wire:
        answer = shown(wire.run(buttons(wire.run())["Break"][0]))

    assert "Something went wrong here" in answer
    for secret in ("hunter2", "RuntimeError", "Traceback", "exception {"):
        assert secret not in answer
    word = answer.split("the word `")[1].split("`")[0]
    assert f"page failed error={word}" in served.log()
    assert "hunter2" in served.log()


def test_a_page_that_failed_is_tried_again_by_itself(ada: Client):
    with Wire(ada) as wire:
        broken = wire.run(buttons(wire.run())["Break"][0])
        timer = next(one.auto_rerun for one in broken if one.WhichOneof("type") == "auto_rerun")
        found = wire.run(fragment=timer.fragment_id)
        while "Break" not in buttons(found):
            found.append(wire.next())

    assert timer.interval == 15
    assert "Something went wrong here" not in shown(found)


def test_what_is_no_message_ends_the_connection_without_a_word(vic: Client):
    with Wire(vic) as wire:
        wire._wire.send(b"\xff" * 100)
        with pytest.raises(ConnectionClosed):
            wire._wire.recv(timeout=10)
        assert vic.get("/_stcore/health").text == "ok"


def test_files_of_the_server_are_not_served(vic: Client):
    for path in ("/app/static/x", "/static/../../../settings/tree.py", "/media/../server.log", "/component/x/../../y"):
        answer = vic.get(path)
        assert answer.status_code in {200, 303, 400, 403, 404}
        assert "import" not in answer.text or "<!DOCTYPE html>" in answer.text.replace("doctype", "DOCTYPE")
