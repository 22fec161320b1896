"""A backtest, sweep or walk-forward that somebody asks for: checked, as parameters of its flow, and as a command."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from market.errors import InputError, did_you_mean
from research.lengths import length_words, read_length
from research.trials import trial_of
from trading.registry import Registry

BACKTEST, SWEEP, WALK_FORWARD = KINDS = ("backtest", "sweep", "walk-forward")
"""What can be asked for; each is the name of its command and of its deployment."""

SAMPLERS = ("grid", "random", "optuna")
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How sets of parameters are searched; what a single backtest does without.

    Attributes:
        ranges: By parameter, as people type them: `5:50:5`, `5,10,20`; what the strategy declares where there is none.
        sampler: One of `SAMPLERS`.
        sets: How many at most; None for what is usual.
        seed: Of chance.
        metric: What sets are ranked by.
        least_trades: Sets with fewer round trips come last.
        train: Length of the window in which sets are searched, `90d`; of a walk-forward only, as the next three.
        test: Length of what the best is tried on behind it.
        step: From one window to the next; empty for the length of `test`.
        anchored: Whether all windows begin with the first candle.
    """

    ranges: Mapping[str, str] = field(default_factory=dict)
    sampler: str = "grid"
    sets: int | None = None
    seed: int = 1
    metric: str = "sharpe_ratio"
    least_trades: int = 0
    train: str = ""
    test: str = ""
    step: str = ""
    anchored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to have tried, as plain values; see `research.trials.trial_of` for what is not told here.

    Attributes:
        kind: One of `KINDS`.
        parameters: Of the strategy; only those that differ from its defaults need be there. Of a search none.
        rules: Only those that differ from the usual ones.
        monte_carlo: How often trades and returns are drawn anew; of a single backtest only, as `inside`.
        seed: Of that chance.
        search: None of a single backtest.
    """

    kind: str
    strategy: str
    symbols: tuple[str, ...]
    timeframe: str = "1h"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    end: str | None = None
    balance: float = 10_000.0
    fee: float | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    allow_holes: bool = False
    inside: str | None = None
    monte_carlo: int = 0
    seed: int = 0
    search: Search | None = None


def check(asked: Asked, registry: Registry) -> int:
    """Return how many sets of parameters are tried, 1 of a single backtest, after all that can be checked without candles.

    Raises:
        InputError: If something of it cannot be; it says which, and what was expected.
    """
    if asked.kind not in KINDS:
        raise InputError(f"kind {asked.kind!r} is not one of {', '.join(KINDS)}{did_you_mean(asked.kind, list(KINDS))}")
    trial_of(registry, asked.strategy, **_tried(asked))
    if len(set(asked.symbols)) < len(asked.symbols):
        raise InputError(f"symbols have to be different ones, found {', '.join(asked.symbols)}")
    search = asked.search
    if asked.kind == BACKTEST:
        return 1
    if search is None:
        raise InputError(f"a {asked.kind} needs to know what is searched")
    if asked.kind == WALK_FORWARD:
        _lengths(search)
    return _sets(asked, search, registry)


def flow_parameters(asked: Asked) -> dict[str, Any]:
    """Return the parameters of the flow that does it; what is usual is left out.

    Raises:
        InputError: If a length is none.
    """
    told: dict[str, Any] = {"strategy": asked.strategy, "symbols": list(asked.symbols), "timeframe": asked.timeframe}
    told |= {"start": asked.start, "end": asked.end, "balance": asked.balance, "fee": asked.fee, "allow_holes": asked.allow_holes}
    told |= {"rules": dict(asked.rules) or None}
    search = asked.search
    if asked.kind == BACKTEST or search is None:
        more = {"inside": asked.inside, "monte_carlo": asked.monte_carlo, "seed": asked.seed}
        return _said({**told, "parameters": dict(asked.parameters), **more})
    told |= {"ranges": dict(search.ranges) or None, "sampler": search.sampler, "sets": search.sets, "seed": search.seed}
    told |= {"metric": search.metric, "least_trades": search.least_trades}
    if asked.kind == WALK_FORWARD:
        train_us, test_us, step_us = _lengths(search)
        told |= {"train_days": train_us / _DAY_US, "test_days": test_us / _DAY_US, "anchored": search.anchored}
        told |= {"step_days": None if step_us is None else step_us / _DAY_US}
    return _said(told)


def command(asked: Asked) -> str:
    """Return the command that does the same, as it is typed into a shell; what is usual is left out."""
    return " ".join(map(shlex.quote, ["tcpdash", asked.kind, *_options(asked)]))


def of_document(document: Mapping[str, Any], *, parameters: Mapping[str, Any] | None = None) -> Asked:
    """Return what was asked for to have a run, so that it can be asked for again, or changed.

    Args:
        document: Of a backtest, sweep or walk-forward; trades and curves do not matter.
        parameters: Those of one set of a search, to ask for a single backtest of it; None for the run itself.
    """
    kind = str(document["kind"]) if parameters is None else BACKTEST
    own = document.get("parameters") if parameters is None else parameters
    asked = Asked(
        kind=kind, strategy=str(document["strategy"]), symbols=tuple(document["symbols"]), timeframe=str(document["timeframe"]),
        parameters=dict(own or {}) if kind == BACKTEST else {}, start=document["start"], end=document["end"],
        balance=float(document["balance"]), rules=_changed(document.get("rules") or {}), allow_holes=bool(document["allow_holes"]),
        inside=document.get("inside"), monte_carlo=int(document.get("resamples") or 0),
        seed=int(document.get("seed") or 0) if parameters is None else 0,
    )  # fmt: skip
    return asked if kind == BACKTEST else replace(asked, search=_searched(document), seed=0)


def of_flow(kind: str, parameters: Mapping[str, Any]) -> Asked:
    """Return what a flow was asked for, so that it can be asked for again, or changed; the inverse of `flow_parameters`."""
    given = dict(parameters)
    lengths = {name: given.get(f"{name}_days") for name in ("train", "test", "step")}
    own = {name: given[name] for name in _OF_FLOWS if given.get(name) is not None}
    asked = Asked(
        kind=kind, strategy=str(given["strategy"]), symbols=tuple(given.get("symbols") or ()), fee=given.get("fee"),
        rules=given.get("rules") or {}, **own,
    )  # fmt: skip
    if kind == BACKTEST:
        return replace(asked, parameters=given.get("parameters") or {}, seed=int(given.get("seed") or 0))
    names = ("ranges", "sampler", "sets", "seed", "metric", "least_trades", "anchored")
    told: dict[str, Any] = {name: given[name] for name in names if given.get(name) is not None}
    told |= {name: length_words(round(days * _DAY_US)) for name, days in lengths.items() if days}
    search = Search(**told)
    return replace(asked, search=search)


_OF_FLOWS = ("timeframe", "start", "end", "balance", "allow_holes", "inside", "monte_carlo")


def _searched(document: Mapping[str, Any]) -> Search:
    lengths = {name: document.get(f"{name}_us") for name in ("train", "test", "step")}
    words = {name: length_words(length) if length else "" for name, length in lengths.items()}
    words["step"] = "" if words["step"] == words["test"] else words["step"]
    usual = {"grid": None}.get(str(document.get("sampler")), document.get("sets"))
    return Search(
        ranges={name: ",".join(map(_word, values)) for name, values in (document.get("space") or {}).items()},
        sampler=str(document.get("sampler", "grid")), sets=usual, seed=int(document.get("seed") or 1),
        metric=str(document["metric"]), least_trades=int(document.get("least_trades") or 0),
        anchored=bool(document.get("anchored")), **words,
    )  # fmt: skip


def _tried(asked: Asked) -> dict[str, Any]:
    names = ("symbols", "timeframe", "start", "end", "balance", "fee", "rules", "allow_holes", "inside", "parameters")
    return {name: getattr(asked, name) for name in names}


def _sets(asked: Asked, search: Search, registry: Registry) -> int:
    from trading.backtest.sweep import Sampler, space_of  # noqa: PLC0415 - a second that a single backtest does without
    from trading.backtest.sweep.evaluation import column_of  # noqa: PLC0415 - see above
    from trading.backtest.sweep.plan import wanted_sets  # noqa: PLC0415 - see above

    if search.sampler not in SAMPLERS:
        raise InputError(
            f"sampler {search.sampler!r} is not one of {', '.join(SAMPLERS)}{did_you_mean(search.sampler, list(SAMPLERS))}"
        )
    column_of(search.metric)
    return wanted_sets(space_of(registry.get(asked.strategy), search.ranges), Sampler(search.sampler), search.sets)


def _lengths(search: Search) -> tuple[int, int, int | None]:
    train_us, test_us = read_length(search.train, "train"), read_length(search.test, "test")
    return train_us, test_us, read_length(search.step, "step") if search.step.strip() else None


def _said(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _options(asked: Asked) -> Iterator[str]:
    usual = Asked(kind=asked.kind, strategy=asked.strategy, symbols=())
    yield from ("--strategy", asked.strategy)
    for symbol in asked.symbols:
        yield from ("--symbol", symbol)
    yield from ("--timeframe", asked.timeframe)
    yield from _given({"--start": asked.start, "--end": asked.end}, {})
    yield from _pairs("--param", asked.parameters if asked.search is None else asked.search.ranges)
    yield from _pairs("--rule", asked.rules)
    yield from _given({"--fee": asked.fee, "--balance": asked.balance}, {"--balance": usual.balance})
    yield from ["--allow-holes"] * asked.allow_holes
    if asked.search is None:
        own = {"--inside": asked.inside, "--monte-carlo": asked.monte_carlo, "--seed": asked.seed}
        yield from _given(own, {"--monte-carlo": 0, "--seed": 0})
        return
    yield from _search_options(asked.kind, asked.search)


def _search_options(kind: str, search: Search) -> Iterator[str]:
    usual = Search()
    if kind == WALK_FORWARD:
        yield from _given({"--train": search.train, "--test": search.test, "--step": search.step or None}, {})
        yield from ["--anchored"] * search.anchored
    names = ("sampler", "sets", "seed", "metric", "least_trades")
    given = {f"--{name.replace('_', '-')}": (getattr(search, name), getattr(usual, name)) for name in names}
    yield from _given({name: value for name, (value, _) in given.items()}, {name: like for name, (_, like) in given.items()})


def _given(options: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[str]:
    for name, value in options.items():
        if value is not None and value != usual.get(name):
            yield from (name, _word(value))


def _pairs(option: str, values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield from (option, f"{name}={_word(value)}")


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def _changed(rules: Mapping[str, Any]) -> dict[str, Any]:
    from trading.backtest.document import rules_document  # noqa: PLC0415 - see _sets
    from trading.rules import Rules  # noqa: PLC0415 - see _sets

    usual = rules_document(Rules())
    return {name: value for name, value in rules.items() if value != usual.get(name)}
