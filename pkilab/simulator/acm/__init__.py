"""AWS Certificate Manager: requested, imported and private certificates from birth to end."""
