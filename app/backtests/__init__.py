"""Runs of research as the pages have them: their links, their rows, and several beside each other; pure."""
