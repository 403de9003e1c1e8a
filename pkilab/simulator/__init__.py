"""The simulated AWS: faithful services of its own, moto for what moto does well.

Only ``Lab.simulated`` and ``pkilab serve`` open it; nothing else in the package imports it.
"""
