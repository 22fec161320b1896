"""What stands beside prices that are no venue's live ones."""

LABELS = {
    "SYNTHETIC": ":orange-badge[:material/science: SYNTHETIC] :small[an invented market: no venue ever printed these prices]",
    "REPLAY": ":violet-badge[:material/replay: REPLAY] :small[a tape is played: these trades are not happening now]",
}
"""In Markdown, by what `words.tape_label` says."""
