"""``python -m pkilab``."""

from pkilab.cli import main

main()
