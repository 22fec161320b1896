"""Bots as the pages have them: their files, what is seen of them, and their tables; what trades is `trading/bots`."""
