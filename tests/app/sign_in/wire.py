"""A websocket to the real server, spoken as Streamlit's page speaks it, or as somebody who forges what it says."""

from contextlib import suppress
from types import TracebackType
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.app.sign_in.served import Client


class Wire:
    """A session of Streamlit.

    Args:
        client: Who is signed in, or nobody.
        page: Path of the page, without a slash; the first one without.
    """

    def __init__(self, client: Client, page: str = "") -> None:
        self._page = page
        self._wire = connect(
            client.url.replace("http", "ws", 1) + "/_stcore/stream",
            additional_headers={"Cookie": client.cookie()},
            origin=client.url,
            proxy=None,
            max_size=None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._wire.close()

    def run(self, *triggers: str, fragment: str = "", query: str = "") -> list[ForwardMsg]:
        """Run the script, as if the buttons of these ids had been pressed, and return all that comes of it.

        Args:
            triggers: Ids of buttons.
            fragment: The part that is run; all where it is empty.
            query: What the address says behind its question mark.
        """
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = self._page
        message.rerun_script.fragment_id = fragment
        for name in triggers:
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = name, True
        return self.tell(message)

    def tell(self, message: BackMsg) -> list[ForwardMsg]:
        """Send any message, and return what comes until the script has run."""
        with suppress(ConnectionClosed):  # what was sent before is read all the same
            self.send(message)
        found: list[ForwardMsg] = []
        while not found or found[-1].WhichOneof("type") not in {"script_finished", "auth_redirect"}:
            found.append(self.next())
        return found

    def send(self, message: BackMsg) -> None:
        """Send any message, and wait for nothing."""
        self._wire.send(message.SerializeToString())

    def next(self) -> ForwardMsg:
        """Return the next message that comes."""
        return ForwardMsg.FromString(self._wire.recv(timeout=30))


def buttons(messages: list[ForwardMsg]) -> dict[str, tuple[str, bool]]:
    """Return the buttons that a script showed: their ids and whether they are disabled, by label."""
    elements = [one.delta.new_element for one in messages if one.WhichOneof("type") == "delta"]
    return {each.button.label: (each.button.id, each.button.disabled) for each in elements if each.WhichOneof("type") == "button"}


def shown(messages: list[ForwardMsg]) -> str:
    """Return everything that a browser was sent, for what must not be in it."""
    return "\n".join(str(message) for message in messages)
