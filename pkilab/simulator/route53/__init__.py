"""Amazon Route 53: hosted zones, the registry of domains, and what name servers make of both."""
