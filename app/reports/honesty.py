"""What somebody has to know before believing a run: holes, bars that tell nothing of their order, and invented markets."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.reports.figures import plural

Document = Mapping[str, Any]


def is_synthetic(document: Document) -> bool:
    """Return whether prices of a run were generated."""
    return any(str(symbol).startswith("SYNTHETIC:") for symbol in document.get("symbols") or ())


def warnings(document: Document) -> list[str]:
    """Return sentences about what the figures of a run do not say by themselves; none when there is nothing to say."""
    return list(_warnings(document))


def _warnings(document: Document) -> Iterator[str]:
    if is_synthetic(document):
        yield "SYNTHETIC: the prices were generated; no venue ever printed them."
    holes = [hole for each in document.get("coverage") or () for hole in each.get("holes") or ()]
    counts = document.get("counts") or {}
    if holes:
        touching = counts.get("touching_holes", 0)
        touched = (
            f"{plural(touching, 'trade')} {'touches' if touching == 1 else 'touch'} one" if touching else "no trade touches one"
        )
        yield (
            f"{plural(len(holes), 'hole')} in the candles, {plural(sum(hole['bars'] for hole in holes), 'bar')} in all; {touched}. "
            "What was open before a hole was left at the last known close, and nothing was earned inside."
        )
    elif document.get("allow_holes"):
        yield "Holes were allowed; there is none in the candles."
    if counts.get("both"):
        yield (
            f"{plural(counts['both'], 'bar')} reached stop and target: which came first cannot be known of a bar, and the worse, "
            "the stop, was taken."
        )
    if counts.get("refused"):
        were = "was" if counts["refused"] == 1 else "were"
        share = "; each position takes all of it, where no rule `size` says less" if len(document.get("symbols") or ()) > 1 else ""
        yield f"{plural(counts['refused'], 'order')} {were} refused: too small, or nothing to pay with{share}."
    yield from _unlike_what_was_meant(document)


def _unlike_what_was_meant(document: Document) -> Iterator[str]:
    counts, figures, rules = (document.get(name) or {} for name in ("counts", "metrics", "rules"))
    if counts.get("short_left_out") or (not rules.get("short") and _wants_short(document)):
        yield "The strategy wants to be short, and the rules do not allow it: it was out instead. `--rule short=true` allows it."
    windows = [each for each in document.get("windows") or () if each.get("failed")]
    if windows:
        sets = plural(sum(each["failed"] for each in windows), "set")
        yield f"{sets} failed in the search of {plural(len(windows), 'window')}; the first said: {windows[0]['error']}"
    if document.get("signals") == 0 and "lookback" in document:
        candles = sum(each["present"] for each in document.get("coverage") or ())
        yield (
            f"No position was wanted in {plural(candles, 'candle')}; the strategy decides on the last "
            f"{plural(document['lookback'], 'candle')} without a hole."
        )
    if (figures.get("max_drawdown") or 0.0) >= 1.0:
        yield (
            "The account lost all that it had. Nothing is liquidated here as a venue would: figures from there on mean little, and "
            "below 0 it owes."
        )


def _wants_short(document: Document) -> bool:
    """Return whether a search was told to try being short."""
    tried = [*(document.get("results") or ()), *(document.get("windows") or ())]
    return any((each.get("parameters") or {}).get("short") is True for each in tried)


def coverage_words(document: Document) -> str:
    """Return how much of the candles is there, in one line."""
    rows = list(document.get("coverage") or ())
    expected, present = (sum(each[name] for each in rows) for name in ("expected", "present"))
    if not rows or not expected:
        return "coverage is not known"
    holes = sum(len(each.get("holes") or ()) for each in rows)
    unproven = sum(each.get("unproven") or 0 for each in rows)
    doubt = f", {unproven:,} of them unproven" if unproven else ""
    if present == expected and not holes:
        return f"complete: {'all ' if present > 1 else ''}{plural(present, 'candle')}{doubt}"
    # Rounded down: what lacks a candle is not 100 %.
    return f"{present * 10_000 // expected / 100:g} %: {present:,} of {expected:,} candles{doubt}, {plural(holes, 'hole')}"


def luck_words(document: Document) -> list[str]:
    """Return sentences about a sweep: how much of the best can be luck, which sets have no result, and which do not count."""
    told, deflated, trials = [], document.get("deflated_sharpe_ratio"), document.get("trials") or {}
    if deflated is not None:
        told.append(
            f"The deflated Sharpe ratio of the best is {deflated:.3f}: the probability that it is better than the luck of the best "
            f"of {trials.get('count', 0):,} sets (Bailey and Lopez de Prado 2014)."
        )
    without = (
        (document.get("left_out"), "left out because they break a relation between parameters"),
        (document.get("failed"), "that failed"),
        ((document.get("undefined") or 0) - (document.get("failed") or 0), "that never gained or lost anything"),
    )
    counted = [f"{plural(count, 'set')} {words}" for count, words in without if count]
    told += [f"Without a result: {', '.join(counted)}."] if counted else []
    least = document.get("least_trades")
    return [*told, *([f"Sets with fewer than {plural(least, 'trade')} come last."] if least else [])]
