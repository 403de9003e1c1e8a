"""AWS Resource Access Manager: who shares which private CA with whom."""
