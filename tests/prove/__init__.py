"""Proofs that take their time: `make prove-...` runs them, the quick tests run them in small."""
