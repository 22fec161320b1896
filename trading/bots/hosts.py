"""Strategies of bots in processes of their own, so that one that hangs, crashes or eats memory harms its bot only."""

import logging
import selectors
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Self

from market.clock import monotonic
from trading.bots.process import HostProcess
from trading.bots.waiting import Asking, Waiting
from trading.bots.wire import Answer, Kind, Question, Reading, Said, to_asked, to_read, to_series

__all__ = ["Answer", "Hosts", "Question", "Reading"]

logger = logging.getLogger(__name__)

START_SECONDS = 60.0
"""A process that is not ready after so long hangs: in a user's file, most likely."""
PATIENCE_SECONDS = 0.3
"""When all processes have been busy with one question for so long, another is started for those that wait."""
SPARE = 4
"""So many are started besides, at most."""
IDLE_SECONDS = 60.0
"""Those end that had nothing to do for so long."""
_TRIES = 3
_LONGEST_WAIT_SECONDS = 5.0


class Hosts:
    """A pool of processes that answer questions about candles with signals; they are started when the first is asked.

    A process that does not answer within the limit of a question is killed and another started; what waits goes on waiting. All end
    with this process, however it ends. A bot that did harm (no answer in time, a process that died, memory, threads left behind) is
    asked for an hour in a process apart, where it delays only its like. While all processes hang, up to `SPARE` more are started.

    Args:
        folder: Of a user's own strategies; None for none.
        size: How many processes there are as long as none hangs.
        memory_mb: How much memory a strategy may take on top of what its process has.

    Attributes:
        problem: Why no process starts, while none does; the questions wait.
    """

    def __init__(self, folder: Path | None, *, size: int = 2, memory_mb: int = 1024) -> None:
        self._folder, self._size, self._memory_mb = folder, size, memory_mb
        self._hosts: list[HostProcess] = []
        self._waiting = Waiting()
        self._answers: list[Answer] = []
        self._selector = selectors.DefaultSelector()
        self._number = self._staff = self._failures = 0
        self._not_before, self._early = 0.0, True
        self.problem: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def ask(self, question: Question, *, limit_seconds: float, memory_mb: int | None = None) -> None:
        """Queue a question; those of one bot are answered in the order in which they are asked.

        Args:
            question: What is asked; changes to its arrays afterwards do not count.
            limit_seconds: How long the strategy may take, from when its process has the question.
            memory_mb: How much memory it may take, where that differs from others.

        Raises:
            InputError: If the arrays of the question are empty or of other shapes.
        """
        message = to_asked(question, number=self._number + 1, memory_mb=memory_mb or self._memory_mb)
        self._queue(question.bot, message, limit_seconds, symbol=question.symbol, timestamp_us=int(question.timestamps_us[-1]))

    def read(self, reading: Reading, *, limit_seconds: float) -> None:
        """Queue the question what a file of a bot says; its answer has no symbol."""
        self._queue(reading.bot, to_read(reading, number=self._number + 1, memory_mb=self._memory_mb), limit_seconds)

    def answers(self, wait_seconds: float) -> list[Answer]:
        """Return the answers that are there; where there are none, wait for the first, so long at most."""
        until = monotonic() + wait_seconds
        while True:
            now = monotonic()
            self._serve(now)
            left = 0.0 if self._answers else until - now
            self._listen(max(0.0, min(left, self._next(now) - now)))
            self._look_after(monotonic())
            if self._answers or monotonic() >= until:
                self._serve(monotonic())
                found, self._answers = self._answers, []
                return found

    def cancel(self, bot: str) -> None:
        """Forget the questions of a bot: none of them is answered any more."""
        self._waiting.drop(bot)
        for host in self._hosts:
            if host.asking is not None and host.asking.bot == bot:
                host.asking.cancelled = True
        self._answers = [answer for answer in self._answers if answer.bot != bot]

    def blocked(self, bot: str) -> str:
        """Return why no question of a bot is under way; empty where one is, and where there is none."""
        return (self.problem or "its strategy waits for a process") if self._waiting.waits(bot) else ""

    def renew(self) -> None:
        """Let all processes be replaced, each after its question: a user's file has changed.

        What is asked from now on is answered by what the files say now.
        """
        for host in list(self._hosts):
            host.retiring = True
            if host.asking is None:
                self._end(host)
        self._failures, self._not_before, self._early = 0, 0.0, True

    def close(self) -> None:
        """End all processes; what waits is forgotten."""
        for host in list(self._hosts):
            self._end(host)
        self._selector.close()

    @property
    def pids(self) -> list[int]:
        """Ids of the processes there are, as far as they are known."""
        return [host.pid for host in self._hosts if host.pid is not None]

    def _queue(self, bot: str, message: bytes, limit_seconds: float, *, symbol: str = "", timestamp_us: int = 0) -> None:
        self._number += 1
        asking = Asking(
            number=self._number, bot=bot, symbol=symbol, timestamp_us=timestamp_us, message=message, limit_seconds=limit_seconds
        )
        now = monotonic()
        self._waiting.add(asking, now)
        self._serve(now)

    def _serve(self, now: float) -> None:
        """Give questions to processes that are free, and see to it that there are enough of these."""
        for host in self._hosts:
            if host.free and (asking := self._waiting.next(secluded=host.secluded)) is not None:
                host.ask(asking, now)
                self._watch(host)
        if now < self._not_before:
            return
        healthy = [host for host in self._hosts if not host.secluded and not host.retiring]
        self._staff = max(self._staff, min(self._size, len(healthy) + self._waiting.count()))
        lacking = max(0, self._staff - len(healthy))
        if self._waiting.any(secluded=False) and len(healthy) < self._size + SPARE and all(_hangs(host, now) for host in healthy):
            lacking = max(1, lacking)
        for _ in range(lacking):
            self._start(now, secluded=False)
        if self._waiting.any(secluded=True) and not any(host.secluded and not host.retiring for host in self._hosts):
            self._start(now, secluded=True)

    def _start(self, now: float, *, secluded: bool) -> None:
        try:
            host = HostProcess(self._folder, early=self._early, secluded=secluded, now=now)
        except OSError as error:  # no more processes, descriptors or memory
            self._not_started(f"{error}", now, early=False)
            return
        self._hosts.append(host)
        self._selector.register(host.channel, selectors.EVENT_READ, host)

    def _watch(self, host: HostProcess) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if host.channel.unsent else 0)
        if self._selector.get_key(host.channel).events != wanted:
            self._selector.modify(host.channel, wanted, host)

    def _listen(self, seconds: float) -> None:
        if not self._hosts:
            sleep(seconds)  # until one may be started again
            return
        ready = [key for key, _ in self._selector.select(seconds)]
        ended = {key.data for key in ready if key.fileobj == key.data.pidfd}
        for host in dict.fromkeys(key.data for key in ready):
            if host.channel.unsent:
                host.channel.flush()
                self._watch(host)
            self._hear(host, monotonic(), ended=host in ended)

    def _hear(self, host: HostProcess, now: float, *, ended: bool = False) -> None:
        """Take over what a process said, and notice that it is gone; `ended` where that is known."""
        said, gone = host.receive(ended=ended)
        for each in said:
            if each.number < 0:
                host.born(-each.number)
                if host.pidfd is not None:
                    self._selector.register(host.pidfd, selectors.EVENT_READ, host)
            elif each.number == 0:
                host.ready, host.since = True, now
                self._failures, self.problem = 0, None
            elif host.asking is not None and each.number == host.asking.number:
                self._answered(host, each, now)
        if gone and host in self._hosts:
            self._lost(host, now)

    def _answered(self, host: HostProcess, said: Said, now: float) -> None:
        asking, host.asking, host.since = host.asking, None, now
        assert asking is not None, "who has no question is not listened to"
        if said.guilty or said.kind == "memory":
            self._waiting.seclude(asking.bot, now)
        self._waiting.done(asking, now)
        self._note(asking, said.kind, said.seconds, error=said.error, said=said)
        if said.worn or said.kind == "memory" or host.retiring:
            self._end(host)

    def _look_after(self, now: float) -> None:
        """End processes that hang, and those that are no longer needed."""
        for host in list(self._hosts):
            busy, for_seconds = host.asking, now - host.since
            if busy is not None and for_seconds >= busy.limit_seconds:
                self._hear(host, now)  # it may have answered while nobody listened
                if host in self._hosts and host.asking is busy:
                    self._overdue(host, busy, now)
            elif not host.ready and for_seconds >= START_SECONDS:
                self._end(host)
                self._not_started(f"not ready after {START_SECONDS:g} seconds", now, early=host.early)
            elif host.free and for_seconds >= IDLE_SECONDS and self._surplus(host):
                self._end(host)

    def _surplus(self, host: HostProcess) -> bool:
        return host.secluded or sum(not each.secluded for each in self._hosts) > self._size

    def _overdue(self, host: HostProcess, asking: Asking, now: float) -> None:
        if host.began:
            logger.warning("host killed bot=%s seconds=%g", asking.bot, asking.limit_seconds)
            why = f"no answer within the {asking.limit_seconds:g} seconds that it may take; its process was killed"
            self._charge(asking, "timeout", why, now - host.since, now)
        else:
            self._again(asking, "its process hung", now)
        self._end(host)

    def _lost(self, host: HostProcess, now: float) -> None:
        asking, began, ready = host.asking, host.began, host.ready
        how = self._end(host, patient=True)
        if not ready:
            self._not_started(how, now, early=host.early)
        elif asking is None:
            logger.info("host ended: %s", how)
        elif began:
            self._charge(asking, "died", how, now - host.since, now)
        else:
            self._again(asking, how, now)

    def _charge(self, asking: Asking, kind: Kind, why: str, seconds: float, now: float) -> None:
        self._waiting.seclude(asking.bot, now)
        self._waiting.done(asking, now)
        self._note(asking, kind, seconds, error=why)

    def _again(self, asking: Asking, how: str, now: float) -> None:
        """Let a question that nobody began with wait on; not for ever."""
        asking.tries += 1
        if asking.tries < _TRIES:
            self._waiting.back(asking, now)
        else:
            self._charge(asking, "died", f"{_TRIES} processes were lost before they began with it; {how}", 0.0, now)

    def _note(self, asking: Asking, kind: Kind, seconds: float, *, error: str | None, said: Said | None = None) -> None:
        if asking.cancelled:
            return
        told = said or Said(number=asking.number)
        self._answers.append(Answer(
            bot=asking.bot, symbol=asking.symbol, timestamp_us=asking.timestamp_us, signal=told.signal, error=error, kind=kind,
            seconds=seconds, read=told.read, series=to_series(told), lookback=told.lookback,
        ))  # fmt: skip

    def _not_started(self, why: str, now: float, *, early: bool) -> None:
        """Wait a little before the next start; if it is a user's file that hangs or ends the process, others need not suffer."""
        self._failures += 1
        self._early = self._early and not early
        self._not_before = now + min(_LONGEST_WAIT_SECONDS, 0.05 * 2**self._failures)
        self.problem = f"no process for strategies starts: {why}"
        logger.error("host not started failures=%d: %s", self._failures, why)

    def _end(self, host: HostProcess, *, patient: bool = False) -> str:
        self._selector.unregister(host.channel)
        if host.pidfd is not None:
            self._selector.unregister(host.pidfd)
        self._hosts.remove(host)
        return host.end(patient=patient)

    def _next(self, now: float) -> float:
        """Return when something has to be looked after, if nothing is heard until then."""
        moments = [self._not_before] + [
            host.since + (START_SECONDS if host.asking is None else host.asking.limit_seconds)
            for host in self._hosts
            if host.asking is not None or not host.ready
        ]
        if self._waiting.any(secluded=False):
            moments += [host.since + PATIENCE_SECONDS for host in self._hosts if host.asking is not None]
        return min((moment for moment in moments if moment > now), default=now + START_SECONDS)


def _hangs(host: HostProcess, now: float) -> bool:
    return host.asking is not None and now - host.since >= PATIENCE_SECONDS
