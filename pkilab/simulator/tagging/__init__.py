"""The Resource Groups Tagging API: what has which tags, over all services of a world."""
