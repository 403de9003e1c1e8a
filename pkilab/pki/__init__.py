"""Pure PKI: no AWS, no clock and no randomness of its own; all three come in as arguments."""
