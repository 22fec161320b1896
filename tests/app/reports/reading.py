"""Reads a report as a browser would, without one."""

from html.parser import HTMLParser

VOID = {"meta", "br"}


class Reading(HTMLParser):
    """What is in a page: all tags with their attributes, and the text outside styles.

    Raises:
        AssertionError: If an element is closed that is not open.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += f"{data}\n"

    def all(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of a kind."""
        return [attributes for tag, attributes in self.tags if tag == name]
