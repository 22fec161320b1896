"""Timers of a page that was left: what they still ask for would lead a window back to that page."""

from streamlit.proto.ClientState_pb2 import ClientState


class LeftPage:
    """Knows which page a window left, and so which timers ask too late.

    A window goes on asking for the parts of a page that refresh alone until the first of the next page arrives. Streamlit joins
    requests that wait, and takes the page of the newest: on a busy server a click or the back button would come to nothing.
    """

    def __init__(self) -> None:
        self._asked = self._left = ""

    def is_over(self, request: ClientState) -> bool:
        """Return whether a request is a timer's of the page that was left; any other is taken note of."""
        page = request.page_script_hash
        if request.is_auto_rerun:
            if page == self._left != self._asked:
                return True
            self._left = ""  # the window shows another page by now
        elif page != self._asked:
            self._left = self._asked
        self._asked = page
        return False
