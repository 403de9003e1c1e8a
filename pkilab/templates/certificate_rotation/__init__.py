"""Rotates a certificate and its key in Secrets Manager, from AWS Private CA.

`handler` is the Lambda function, ``template.yaml`` its rights.
"""
