"""securityhub."""
