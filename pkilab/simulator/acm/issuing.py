"""From a request to a certificate: the public CA signs, or a private one through acm-pca.

Sources: ACM User Guide, "ACM certificate characteristics", "Requesting a private certificate" and
"Handling exceptions"; API Reference, FailureReason; for who asks the private CA, acceptance tests
of hashicorp/terraform-provider-aws that run on AWS (internal/service/acm/certificate_test.go).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.iam.arns import account_in
from pkilab.pki import pem
from pkilab.pki.keys import PrivateKey, generate_key
from pkilab.pki.requests import build_request
from pkilab.simulator.acm import rules
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.acmpca.creation import partition_of
from pkilab.simulator.acmpca.policies import ACM
from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.iam.linked_roles import ServiceRoles
from pkilab.simulator.service import AwsError, Call, Json, run
from pkilab.simulator.world import World

_PRIVATE_DAYS = 395
_SESSION = "acm"
_TEMPLATE = "EndEntityCertificate"
# acm-pca's errors, as ACM tells them. ValidationException: the CA ends before the certificate
# would, or issues short-lived certificates alone.
_REASONS = {
    "AccessDeniedException": "PCA_ACCESS_DENIED",
    "InvalidArgsException": "PCA_INVALID_ARGS",
    "InvalidArnException": "PCA_INVALID_ARN",
    "InvalidStateException": "PCA_INVALID_STATE",
    "LimitExceededException": "PCA_LIMIT_EXCEEDED",
    "MalformedCSRException": "PCA_INVALID_ARGS",
    "RequestFailedException": "PCA_REQUEST_FAILED",
    "ResourceNotFoundException": "PCA_RESOURCE_NOT_FOUND",
    "ValidationException": "PCA_INVALID_DURATION",
}


class IssuanceError(Exception):
    """ACM could not issue; ``reason`` is one of its failure reasons."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate with its key and its chain."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """A certificate that a private CA was asked for."""

    call: Call
    arn: str
    key: PrivateKey = field(repr=False)


class Issuance:
    """ACM's ways to the CAs: Amazon's own, and private ones.

    Args:
        world: whose clock and entropy count.
        amazon: the public CA.
        private_ca: the service that keeps the private ones.
        roles: the service-linked roles of accounts; None: there are none.
    """

    def __init__(
        self,
        world: World,
        amazon: Amazon,
        private_ca: AcmPca,
        roles: ServiceRoles | None = None,
    ) -> None:
        self._world, self._amazon, self._private = world, amazon, private_ca
        self._roles = roles

    def public(self, wanted: AcmCertificate) -> Made:
        """Issue a public certificate, whole days from today on, under the rules of today."""
        now = self._world.clock.now()
        today = rules.at(now)
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        key = self._new_key(wanted)
        certificate = self._amazon.server_certificate(
            wanted.names,
            key.public_key(),
            start,
            start + today.lifetime - timedelta(seconds=1),
            logged=_is_logged(wanted, today),
            clients=today.client_authentication,
        )
        return Made(certificate, self._amazon.chain(key.public_key()), key)

    def order(self, wanted: AcmCertificate, *, requester: Call | None = None) -> Order:
        """Ask the CA for a certificate of 395 days.

        ACM asks in its own name if the CA's owner lets it. Otherwise, and of a CA of another
        account always, it asks at a request in the name of whoever requested, who must then be
        allowed to issue and to fetch certificates; and it renews from a CA of another account in
        the service-linked role that it has in the certificate's. That role is made at the first
        request that succeeds, if the requester may.

        Args:
            wanted: names, key algorithm and CA.
            requester: the call that requests it; None for a renewal.

        Raises:
            IssuanceError: the CA refuses.
        """
        assert wanted.authority is not None  # noqa: S101 - goes with PRIVATE
        now = self._world.clock.now()
        authority = self._find(wanted.authority)
        call = self._call(wanted, authority, requester, now)
        key = self._new_key(wanted)
        common_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, wanted.names[0])])
        request = build_request(key, common_name, dns_names=wanted.names)
        try:
            answer = self._ask(
                call,
                "IssueCertificate",
                CertificateAuthorityArn=wanted.authority,
                Csr=request.public_bytes(Encoding.PEM),
                SigningAlgorithm=_signing_algorithm(wanted, authority),
                Validity={"Type": "DAYS", "Value": _PRIVATE_DAYS},
                TemplateArn=_template(wanted.region),
            )
        except AwsError as error:
            raise IssuanceError(_REASONS.get(error.code, "OTHER")) from error
        if self._roles and requester is not None and _is_foreign(wanted):
            self._roles.ensure(ACM, requester)
        return Order(call, answer["CertificateArn"], key)

    def collect(self, wanted: AcmCertificate, order: Order) -> Made:
        """Fetch what was ordered, once the world's latency has passed.

        Raises:
            IssuanceError: the CA could not issue it after all.
        """
        assert wanted.authority is not None  # noqa: S101 - goes with PRIVATE
        try:
            answer = self._ask(
                replace(order.call, now=self._world.clock.now()),
                "GetCertificate",
                CertificateAuthorityArn=wanted.authority,
                CertificateArn=order.arn,
            )
        except AwsError as error:
            if "Name Constraints" in error.message:
                raise IssuanceError("PCA_NAME_CONSTRAINTS_VALIDATION") from error
            raise IssuanceError(_REASONS.get(error.code, "OTHER")) from error
        chain = answer["CertificateChain"]
        return Made(
            pem.load_certificate(answer["Certificate"]),
            pem.load_certificates(chain) if chain else (),
            order.key,
        )

    def _ask(self, call: Call, operation: str, **members: Any) -> Json:  # noqa: ANN401
        """Call an operation of the private CA's, as whoever is behind it may.

        Raises:
            AwsError: as the service answers.
        """
        answer: Json = run(self._private, operation, members, call)
        return answer

    def _new_key(self, wanted: AcmCertificate) -> PrivateKey:
        """Make the key pair of a certificate: another one at each renewal."""
        again = (str(wanted.issues),) if wanted.issues else ()
        entropy = self._world.entropy("acm", "key", wanted.arn, *again)
        return generate_key(wanted.key_algorithm, entropy)

    def _find(self, arn: str) -> Authority | None:
        return next((each for each in self._private.authorities() if each.arn == arn), None)

    def _call(
        self,
        wanted: AcmCertificate,
        authority: Authority | None,
        requester: Call | None,
        now: datetime,
    ) -> Call:
        """Return in whose name ACM asks."""
        foreign = _is_foreign(wanted)
        granted = not foreign and authority is not None and ACM in authority.permissions
        if requester is not None and not granted:
            return replace(requester, now=now, via=(*requester.via, ACM))
        if not foreign:
            return Call(wanted.account, wanted.region, now, ACM)
        roles = self._roles
        call = roles.call(ACM, wanted.account, wanted.region, _SESSION) if roles else None
        if call is None:
            raise IssuanceError("SLR_NOT_FOUND")
        return call


def _is_foreign(wanted: AcmCertificate) -> bool:
    """Whether the CA is another account's, by its ARN."""
    return account_in(wanted.authority or "") not in {"", wanted.account}


def _is_logged(wanted: AcmCertificate, today: rules.Rules) -> bool:
    """Whether a public certificate that is issued today is logged."""
    if today.transparency == "unless opted out":
        return wanted.transparency == "ENABLED"
    return today.transparency == "always"


def _signing_algorithm(wanted: AcmCertificate, authority: Authority | None) -> str:
    """Return the CA's own algorithm, if it is of the family that the certificate's key is of."""
    family = "RSA" if wanted.key_algorithm.startswith("RSA") else "ECDSA"
    own = authority.configuration["SigningAlgorithm"] if authority else ""
    return own if own.endswith(f"WITH{family}") else f"SHA256WITH{family}"


def _template(region: str) -> str:
    return f"arn:{partition_of(region)}:acm-pca:::template/{_TEMPLATE}/V1"
