"""Signatures of SNS's messages, and the certificates by which they are verified.

Each Region has a key of its own, RSA of 2048 bits, made when it first signs. Its certificate is one
for ``sns.amazonaws.com`` by the world's Amazon CA, good for 198 days; another takes its place a
month before the end, and the old ones stay where they were. AWS publishes neither period. Version 1
signs SHA-1 digests, version 2 SHA-256 digests, both by RSASSA-PKCS1-v1_5.

Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.pki.keys import generate_key
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.world import World

#: What is signed of a message, in this order, by its type.
SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - as version 1 is
_LIFE, _RENEWED = timedelta(days=198), timedelta(days=30)
_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")


@dataclass(frozen=True, slots=True)
class _Signing:
    key: rsa.RSAPrivateKey = field(repr=False)
    url: str
    ends: datetime


class Signer:
    """Signs messages of every Region of a world.

    Args:
        world: whose clock and entropy count.
        amazon: who issues the certificates.
    """

    def __init__(self, world: World, amazon: Amazon) -> None:
        self._world, self._amazon = world, amazon
        self._signing: dict[str, _Signing] = {}  # by Region
        self._certificates: dict[str, bytes] = {}  # by URL, in PEM

    def signed(self, region: str, message: Mapping[str, str], version: str) -> dict[str, str]:
        """Return a message with its signature; to be called in a turn of the world.

        Args:
            region: the topic's.
            message: the members of a notification or a confirmation, as they are shown.
            version: the SignatureVersion, 1 or 2.
        """
        signing = self._of(region)
        signature = signing.key.sign(string_to_sign(message), padding.PKCS1v15(), _HASHES[version])
        return {
            **message,
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": signing.url,
        }

    def certificate(self, url: str) -> bytes | None:
        """Return the certificate at a URL, in PEM; None: there is none."""
        return self._certificates.get(url)

    def _of(self, region: str) -> _Signing:
        now = self._world.clock.now()
        found = self._signing.get(region)
        if found is None or now >= found.ends - _RENEWED:
            found = self._signing[region] = self._renewed(region, now)
        return found

    def _renewed(self, region: str, now: datetime) -> _Signing:
        begins = now.replace(hour=0, minute=0, second=0, microsecond=0)
        key = generate_key("RSA_2048", self._world.entropy("sns", "signing", region, f"{begins}"))
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - as asked
        ends = begins + _LIFE - timedelta(seconds=1)
        certificate = self._amazon.server_certificate(
            ["sns.amazonaws.com"], key.public_key(), begins, ends
        )
        # Amazon does not say what its 32 digits are.
        name = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()[:32]
        url = f"https://sns.{region}.amazonaws.com/SimpleNotificationService-{name}.pem"
        self._certificates[url] = certificate.public_bytes(Encoding.PEM)
        return _Signing(key, url, ends)


def is_certificate(path: str) -> bool:
    """Say whether a path is one of a signing certificate's."""
    return bool(_PATH.fullmatch(path))


def string_to_sign(message: Mapping[str, str]) -> bytes:
    """Return what is signed: names and values of a message, each ended by a line feed.

    Args:
        message: a notification or a confirmation; a Subject that is not there is left out.

    Raises:
        KeyError: it lacks a member, or is of another type.
    """
    parts = [
        f"{name}\n{message[name]}\n"
        for name in SIGNED[message["Type"]]
        if name != "Subject" or name in message
    ]
    return "".join(parts).encode()
