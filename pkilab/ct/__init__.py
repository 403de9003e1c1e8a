"""Certificate Transparency, pure: RFC 6962's trees, structures, signatures, and browsers' rules.

No log, no network, no clock: bytes, keys and times come in as arguments. Version 1 (RFC 6962) and
the static API of tiled logs (C2SP static-ct-api), which is what public logs speak; version 2
(RFC 9162) is used by no browser and is not built, except that proofs are checked by its algorithms,
which are version 1's put better.
"""
