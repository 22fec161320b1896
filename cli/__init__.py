"""The `tcpdash` command: thin verbs; what is heavy is imported by the verb that needs it."""
