"""Many containers that start at once, each with a key and a certificate of its own.

Private CA takes 25 requests for certificates a second. Whoever is throttled waits and asks again,
longer each time and at random, so that they do not all come back together.

Sources: AWS General Reference, "AWS Private Certificate Authority endpoints and quotas"; AWS
Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.errors import LabError
from pkilab.pki.entropy import RandomSource
from pkilab.pki.keys import PrivateKey
from pkilab.pki.requests import build_request

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient

_Answer = TypeVar("_Answer")
THROTTLED = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded"})
_LOST = frozenset({"InternalFailure", "ServiceUnavailable", "ServiceUnavailableException"})
_POLL_SECONDS = 1.0  # as the waiter certificate_issued does
_WHOLE = 2**32


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long whoever was refused waits: anything up to a bound that doubles each time.

    Attributes:
        base: the first bound, in seconds.
        cap: the largest bound, in seconds.
        attempts: how often is asked in all.
        jitter: whether the wait is drawn at random; without, it is the bound, for everybody.
    """

    base: float = 0.5
    cap: float = 20.0
    attempts: int = 30
    jitter: bool = True

    def bound(self, attempt: int) -> float:
        """Return the longest wait after so many attempts, in seconds."""
        return min(self.cap, self.base * 2.0 ** min(attempt - 1, 32))


@dataclass(frozen=True, slots=True)
class Container:
    """A container that has started.

    Attributes:
        name: its DNS name.
        certificate: as Private CA issued it, with its ARN.
        public_key: SHA-256 of the certified key (SubjectPublicKeyInfo), hexadecimal.
        attempts: how often it asked for the certificate.
        waited: from the fleet's start to the certificate.
    """

    name: str
    arn: str
    certificate: x509.Certificate = field(repr=False)
    public_key: str
    attempts: int
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Fleet:
    """What became of a start.

    Attributes:
        containers: those that have a certificate, in the order in which they got it.
        refused: by name, why a container gave up.
        throttled: how many requests were.
    """

    containers: tuple[Container, ...]
    refused: Mapping[str, str]
    throttled: int

    @property
    def seconds(self) -> float:
        """How long the last one waited."""
        return max((each.waited.total_seconds() for each in self.containers), default=0.0)

    @property
    def issued_per_second(self) -> float:
        """Certificates by that time; infinite if nobody waited."""
        return len(self.containers) / self.seconds if self.seconds else math.inf

    def each_second(self) -> tuple[int, ...]:
        """Return how many containers got their certificate in each second since the start."""
        waits = [int(each.waited.total_seconds()) for each in self.containers]
        counts = [0] * (max(waits, default=-1) + 1)
        for second in waits:
            counts[second] += 1
        return tuple(counts)

    def percentile(self, share: float) -> float:
        """Return in how many seconds a share (0 to 1) of the containers had their certificate.

        Raises:
            LabError: none had one, or it is no share.
        """
        waits = sorted(each.waited.total_seconds() for each in self.containers)
        if not waits or not 0 < share <= 1:
            raise LabError(f"percentile: found {share} of {len(waits)} containers")
        return waits[math.ceil(share * len(waits)) - 1]


def start(
    pca: ACMPCAClient,
    authority_arn: str,
    names: Iterable[str],
    *,
    make_key: Callable[[str], PrivateKey],
    entropy: RandomSource,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    signing_algorithm: str = "SHA256WITHECDSA",
    template_arn: str = "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1",
    days: int = 1,
    backoff: Backoff | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Fleet:
    """Start containers at one moment; each makes a key, asks for its certificate and fetches it.

    Each has an idempotency token of its own and of this start: whoever asks again, because no
    answer came, is not issued a second certificate; in another start it is. One after the other is
    served, as its turn comes by ``now``; they are concurrent in the time that ``sleep`` passes, and
    not in threads.

    Args:
        pca: the client; its own retries only add to these.
        authority_arn: the CA.
        names: of the containers, each once.
        make_key: gives a container its key, by its name.
        entropy: what the waits are drawn from.
        now: the time.
        sleep: how to wait, in seconds: the lab's clock, or `time.sleep`.
        signing_algorithm: of the CA's key.
        template_arn: what the certificates are for.
        days: their validity.
        backoff: how to wait after a refusal.
        progress: told how many of all are done, each time.

    Raises:
        LabError: two containers have one name. What refuses a single container is in ``refused``.
    """
    wanted = list(names)
    if len(set(wanted)) != len(wanted):
        raise LabError("a fleet's names must be distinct: each container has a key of its own")
    began, done, refused = now(), list[Container](), dict[str, str]()
    chosen = backoff or Backoff()
    order = _Order(pca, authority_arn, signing_algorithm, template_arn, days, chosen, began)
    turns = {name: order.turns(name, make_key(name), entropy) for name in wanted}
    waiting = [(began, number, name) for number, name in enumerate(wanted)]
    while waiting:
        when, number, name = heapq.heappop(waiting)
        if (ahead := (when - now()).total_seconds()) > 0:
            sleep(ahead)
        try:
            delay = next(turns[name])
        except StopIteration as finished:
            arn, certificate, attempts = finished.value
            done.append(
                Container(name, arn, certificate, _key_of(certificate), attempts, now() - began)
            )
            progress(len(done), len(wanted))
        except (ClientError, BotoCoreError, LabError) as error:
            refused[name] = str(error)
        else:
            heapq.heappush(waiting, (now() + timedelta(seconds=delay), number, name))
    return Fleet(tuple(done), refused, order.throttled)


@dataclass
class _Order:
    """What every container of a fleet asks for."""

    pca: ACMPCAClient
    authority_arn: str
    signing_algorithm: str
    template_arn: str
    days: int
    backoff: Backoff
    began: datetime
    throttled: int = 0

    def turns(
        self, name: str, key: PrivateKey, entropy: RandomSource
    ) -> Generator[float, None, tuple[str, x509.Certificate, int]]:
        """Yield the seconds to wait before going on; return ARN, certificate and attempts."""
        csr = build_request(key, f"CN={name}", dns_names=[name]).public_bytes(Encoding.PEM)
        issue = functools.partial(
            self.pca.issue_certificate,
            CertificateAuthorityArn=self.authority_arn,
            Csr=csr,
            SigningAlgorithm=self.signing_algorithm,  # type: ignore[arg-type]  # AWS's words
            TemplateArn=self.template_arn,
            Validity={"Type": "DAYS", "Value": self.days},
            IdempotencyToken=hashlib.sha256(self.began.isoformat().encode() + csr).hexdigest()[:32],
        )
        issued, attempts = yield from self._until_answered(issue, entropy)
        arn = issued["CertificateArn"]
        fetch = functools.partial(
            self.pca.get_certificate,
            CertificateAuthorityArn=self.authority_arn,
            CertificateArn=arn,
        )
        answer, _ = yield from self._until_answered(fetch, entropy)
        certificate = x509.load_pem_x509_certificate(answer["Certificate"].encode())
        if certificate.public_key() != key.public_key():
            raise LabError(f"{name}: the certificate {arn} is for another key")
        return arn, certificate, attempts

    def _until_answered(
        self, call: Callable[[], _Answer], entropy: RandomSource
    ) -> Generator[float, None, tuple[_Answer, int]]:
        for attempt in itertools.count(1):
            try:
                return call(), attempt
            except (ClientError, BotoCoreError) as error:
                yield self._wait(error, attempt, entropy)
        raise AssertionError  # the count does not end

    def _wait(
        self, error: ClientError | BotoCoreError, attempts: int, entropy: RandomSource
    ) -> float:
        """Return how long to wait after an error, in seconds.

        Raises:
            ClientError: asking again would not help, or there were enough attempts.
            BotoCoreError: there were enough attempts.
        """
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else "no answer"
        if code == "RequestInProgressException":
            return _POLL_SECONDS
        passing = code in THROTTLED | _LOST or code == "no answer"
        if code in THROTTLED:
            self.throttled += 1
        if not passing or attempts >= self.backoff.attempts:
            raise error
        bound = self.backoff.bound(attempts)
        if not self.backoff.jitter:
            return bound
        return bound * int.from_bytes(entropy.bytes(4)) / _WHOLE


def _key_of(certificate: x509.Certificate) -> str:
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()
