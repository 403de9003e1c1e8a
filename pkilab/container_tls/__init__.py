"""Certificates for containers: six ways to bring one there, and what each gives away."""
