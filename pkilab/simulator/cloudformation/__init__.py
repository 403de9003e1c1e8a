"""AWS CloudFormation: stacks whose resources are created by the world's own services."""
