"""DNS validation: proving to ACM that a domain is yours, by a record in it.

Request a certificate, put the records it names into the zone, wait, and keep them there: ACM looks
again at every renewal. Where it does not go through, `diagnose` says why.
"""

from pkilab.dns_validation.diagnosis import diagnose
from pkilab.dns_validation.findings import Cause, Finding
from pkilab.dns_validation.lookups import Answer, LookUp, resolver
from pkilab.dns_validation.records import (
    Renewal,
    ValidationRecord,
    ValidationRecords,
    records,
    renewal,
    request,
    wait_issued,
)
from pkilab.dns_validation.zones import Delegation, Placed, delegate, remove, to_route53

__all__ = [
    "Answer",
    "Cause",
    "Delegation",
    "Finding",
    "LookUp",
    "Placed",
    "Renewal",
    "ValidationRecord",
    "ValidationRecords",
    "delegate",
    "diagnose",
    "records",
    "remove",
    "renewal",
    "request",
    "resolver",
    "to_route53",
    "wait_issued",
]
