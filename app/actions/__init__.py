"""All wishes of the pages, a module a subject: who may act is asked here again, inputs are checked, and each is recorded."""
