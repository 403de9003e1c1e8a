"""Small real certificates for the pictures to be made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.pki.names import subject

START = datetime(2026, 1, 1, tzinfo=UTC)
Make = Callable[..., x509.Certificate]


@pytest.fixture
def make() -> Make:
    """``make("CN=a", by="CN=b", ca=True)``: a name stands for its key, too."""

    def certificate(
        name: str,
        by: str | None = None,
        *,
        ca: bool = False,
        path_length: int | None = None,
        days: int = 365,
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    ) -> x509.Certificate:
        issuer = by or name
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject(name))
            .issuer_name(subject(issuer))
            .public_key(generate_key("EC_prime256v1", Entropy(name)).public_key())
            .serial_number(77)
            .not_valid_before(START)
            .not_valid_after(START + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, path_length), critical=True)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        key = generate_key("EC_prime256v1", Entropy(issuer))
        return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)

    return certificate
