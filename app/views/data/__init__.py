"""The sections of the page of data, a module each."""
