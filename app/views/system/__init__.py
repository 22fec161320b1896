"""Parts of the system page, a section each."""
