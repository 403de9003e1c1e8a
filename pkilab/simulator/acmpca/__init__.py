"""AWS Private CA (service id acm-pca), with state of its own and nothing of moto's."""
