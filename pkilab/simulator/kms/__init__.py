"""AWS Key Management Service (service id kms), with state of its own and nothing of moto's."""
