"""Files of bots, read by a process apart: a strategy looks at its parameters there, and may hang over it."""

from market.clock import monotonic
from trading.bots.config import BotConfig, from_dict
from trading.bots.hosts import START_SECONDS, Answer, Hosts, Reading
from trading.bots.problems import ConfigError, Problem

READ_SECONDS = 30.0
"""So long a strategy may look at its parameters."""


class NotReadError(ConfigError):
    """Raised when nobody said what is wrong with a file: its strategy took too long or ended its process, or none answers."""


def read_apart(hosts: Hosts, data: bytes, file: str, *, limit_seconds: float = READ_SECONDS) -> BotConfig:
    """Return what the file of a bot says; like `trading.bots.config.read_config`, but for where a user's code runs.

    Args:
        hosts: The processes; nobody else may ask them meanwhile.
        data: The file, JSON in UTF-8.
        file: Its path, for what is said of it.
        limit_seconds: How long the strategy may take; a process may have to be started before.

    Raises:
        ConfigError: If it cannot be used.
        NotReadError: If there is no answer.
    """
    hosts.read(Reading(bot=file, data=data, file=file), limit_seconds=limit_seconds)
    until = monotonic() + limit_seconds + START_SECONDS
    while monotonic() < until:
        for answer in hosts.answers(1.0):
            return _config_of(answer, file)
    hosts.cancel(file)
    raise NotReadError(file, [Problem(field="", expected="a process to read it in", found=hosts.problem or "none in time")])


def _config_of(answer: Answer, file: str) -> BotConfig:
    """Return what a file says.

    Raises:
        ConfigError: If it cannot be used.
        NotReadError: If there is no answer.
    """
    read = answer.read
    if read is None:
        found = f"{answer.kind}: {answer.error}"
        error = ConfigError if answer.kind == "raised" else NotReadError
        raise error(file, [Problem(field="strategy", expected="one that can be made", found=found)])
    if read.config is None:
        problems = [
            Problem(field=field, expected=expected, found=found, hint=hint) for field, expected, found, hint in read.problems
        ]
        raise ConfigError(file, problems, id=read.id)
    return from_dict(read.config)
