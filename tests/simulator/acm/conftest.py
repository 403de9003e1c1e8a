"""Certificates to import: made by hand, each detail open to being wrong."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pkilab.pki import names
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key


class Maker:
    """Makes certificates at a time."""

    def __init__(self, now):
        self.now = now

    def key(self, name, algorithm="EC_prime256v1"):
        """Return the key of a name: the same one each time."""
        return generate_key(algorithm, Entropy("import").child(f"{name} {algorithm}"))

    def __call__(
        self, name, issuer=None, *, algorithm="EC_prime256v1", by="EC_prime256v1", dns=None,
        subject=None, start=0, end=90, more=(),
    ):  # fmt: skip
        """Make a certificate; without an issuer it signs itself.

        ``algorithm`` is of its own key, ``by`` of its issuer's.
        """
        key = self.key(name, algorithm)
        signer = self.key(issuer, by) if issuer else key
        alternatives = [name] if dns is None else dns
        builder = (
            x509.CertificateBuilder()
            .subject_name(names.subject(f"CN={name}") if subject is None else subject)
            .issuer_name(names.subject(f"CN={issuer or name}"))
            .public_key(key.public_key())
            .serial_number(9)
            .not_valid_before(self.now + timedelta(days=start))
            .not_valid_after(self.now + timedelta(days=end))
        )
        if alternatives:
            san = x509.SubjectAlternativeName(map(x509.DNSName, alternatives))
            builder = builder.add_extension(san, critical=False)
        for value in more:
            builder = builder.add_extension(value, critical=False)
        deterministic = True if isinstance(signer, ec.EllipticCurvePrivateKey) else None
        return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=deterministic)


@pytest.fixture
def maker():
    """Make certificates at any time."""
    return Maker
