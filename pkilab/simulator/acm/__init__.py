"""AWS Certificate Manager, as far as API Gateway's custom domain names need it."""
