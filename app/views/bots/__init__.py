"""The parts of the page of bots."""
