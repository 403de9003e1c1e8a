"""Resource types: one class each, with a table of properties."""
