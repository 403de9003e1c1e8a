"""The world's CT logs: several operators, their HTTP APIs, and what is kept of them on disk."""
