"""A Lambda authorizer for API Gateway that refuses revoked client certificates.

`authorizer` is the handler, `events` what API Gateway sends and expects, `settings` the
configuration, `sources` the CRLs and OCSP answers that are kept, `fetching` the way to them.
"""
