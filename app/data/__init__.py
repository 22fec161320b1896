"""All reads of the pages, a module a subject: connections are cached, and a lost store is a value, not an exception."""
