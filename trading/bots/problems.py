"""What is wrong with the file of a bot: each field, what was expected there and what was found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath

from market.errors import InputError

_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        field: Path of the field: `stops.stop_loss`, `symbols[1]`; empty where it is the file as a whole.
        expected: What should be there, in words.
        found: What is there, in words.
        hint: What was meant, `; did you mean 'x'?`; empty where nothing is close.
    """

    field: str
    expected: str
    found: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.field}: " if self.field else ""
        return f"{place}expected {self.expected}, found {self.found}{self.hint}"


class ConfigError(InputError):
    """Raised when the file of a bot cannot be used.

    Attributes:
        file: Its path.
        problems: All that is wrong, one or more.
        id: Of the bot that the file means to be; None where that cannot be told.
    """

    def __init__(self, file: str, problems: Sequence[Problem], *, id: str | None = None) -> None:  # noqa: A002 - the field
        super().__init__(f"{file}: {'; '.join(map(str, problems))}")
        self.file, self.problems, self.id = file, list(problems), id

    @property
    def in_folder(self) -> str:
        """The same for who knows the folder of bots: with the file's place in it, and no path of this machine."""
        return f"{PurePath(self.file).name}: {'; '.join(map(str, self.problems))}"


def path_of(parts: Iterable[str | int]) -> str:
    """Return the path of a field as a person writes it: `symbols[1]`, `stops.stop_loss`."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """Return what was found as a person sees it in the file, shortened."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        return kind if value else f"{kind} without anything in it"
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
