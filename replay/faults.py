"""The one seam through which all that the exchange says passes, so that it can be made to misbehave."""

from collections.abc import Sequence

from replay.answer import Answer, Question


class Faults:
    """What an exchange does to its own words; this one does nothing. A script of faults overrides what it needs."""

    def frames(self, client: int, frames: Sequence[bytes]) -> Sequence[bytes]:  # noqa: ARG002
        """Return what is sent to a client instead of some frames; `client` is its number, the first one 1."""
        return frames

    def answer(self, question: Question, answer: Answer) -> Answer:  # noqa: ARG002
        """Return what is answered over REST instead."""
        return answer

    def refusal(self, question: Question) -> Answer | None:  # noqa: ARG002
        """Return the answer to a websocket handshake that is refused, None to accept it."""
        return None
