"""The live worker: from the socket to the store, and nothing lost without a note of it."""
