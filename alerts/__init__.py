"""Alerts: what a person is told of by mail, chat or webhook; found in the store, kept in an outbox, sent once."""
