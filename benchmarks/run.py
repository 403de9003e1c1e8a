"""Measures pkilab against a floor or a peer in the same run; prints a table and writes JSON.

Run with ``make bench``. Every figure is the best of several rounds, on one core where it matters;
ratios are what to compare between machines.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. ``ratio`` is ours divided by the peer's; ``met`` is the target's."""

    what: str
    ours: str
    peer: str
    ratio: float | None
    target: str
    met: bool | None


def best(work: Callable[[], object], times: int = 1, rounds: int = ROUNDS) -> float:
    """Return the least mean seconds of one ``work`` over several rounds."""
    means = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(times):
            work()
        means.append((time.perf_counter() - start) / times)
    return min(means)


def ms(seconds: float) -> str:
    """Write a duration readably."""
    return f"{seconds * 1000:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


KEY = ec.derive_private_key(7, ec.SECP256R1())
CSR = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench.example")]))
    .sign(KEY, hashes.SHA256())
    .public_bytes(serialization.Encoding.PEM)
)
SUBJECT = {"CommonName": "Bench Root"}
CREATE = {
    "CertificateAuthorityType": "ROOT",
    "CertificateAuthorityConfiguration": {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": SUBJECT,
    },
}


def issue_and_get(pca: object, arn: str, signing: str = "SHA256WITHECDSA") -> Callable[[], None]:
    """Return the work of issuing one certificate and fetching it, through boto3."""

    def work() -> None:
        issued = pca.issue_certificate(
            CertificateAuthorityArn=arn,
            Csr=CSR,
            SigningAlgorithm=signing,
            Validity={"Type": "DAYS", "Value": 30},
        )
        pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=issued["CertificateArn"])

    return work


def build_and_sign() -> None:
    """Build and sign one P-256 certificate of the same shape with cryptography alone."""
    request = x509.load_pem_x509_csr(CSR)
    now = datetime(2026, 1, 5, tzinfo=UTC)
    (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(request.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(KEY.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, True, False, False, False, False, False, False),
            critical=True,
        )
        .add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)
    )


def in_process() -> list[Measure]:
    """Issue and get: ours, bare moto's, and the floor of two moto calls and one signature."""
    from moto import mock_aws

    from pkilab.ca_hierarchy import create_root
    from pkilab.lab import Lab

    with mock_aws():
        peer = boto3.client("acm-pca", region_name="us-east-1")
        arn = peer.create_certificate_authority(**CREATE)["CertificateAuthorityArn"]
        moto = best(issue_and_get(peer, arn), times=5)
        call = best(lambda: peer.describe_certificate_authority(CertificateAuthorityArn=arn), 50)
    floor = 2 * call + best(build_and_sign, 100)
    with Lab.simulated(seed="bench") as lab:
        pca = lab.client("acm-pca")
        ours = best(issue_and_get(pca, create_root(pca, SUBJECT)), times=50)
    return [
        Measure("issue + get, P-256, in-process; against bare moto", ms(ours), ms(moto),
                ours / moto, "at most 1/30", ours / moto <= 1 / 30),
        Measure("the same against the floor: 2 bare moto calls + build and sign", ms(ours),
                ms(floor), ours / floor, "at most 1.5", ours / floor <= 1.5),
    ]  # fmt: skip


def served() -> list[Measure]:
    """Issue and get over HTTP: ours against moto's own server, each in its own process."""
    from pkilab.ca_hierarchy import create_root

    ready = Path("build/bench-ready.json")
    ready.parent.mkdir(exist_ok=True)
    ours_process = subprocess.Popen(
        [sys.executable, "-m", "pkilab", "serve", "--port", "0", "--ready-file", str(ready)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    line = ours_process.stdout.readline()
    exports = dict(word.split("=", 1) for word in line.split("export ", 1)[1].split())
    pca = boto3.client(
        "acm-pca",
        endpoint_url=exports["AWS_ENDPOINT_URL"],
        region_name=exports["AWS_DEFAULT_REGION"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        ours = best(issue_and_get(pca, create_root(pca, SUBJECT)), times=20)
    finally:
        ours_process.terminate()
        ours_process.wait()
    peer_process = subprocess.Popen(
        [sys.executable, "-c", "import moto.server as s; s.main(['-p', '5057'])"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    peer = boto3.client(
        "acm-pca", endpoint_url="http://127.0.0.1:5057", region_name="us-east-1",
        aws_access_key_id="x", aws_secret_access_key="x",  # noqa: S106 - opens nothing
    )  # fmt: skip
    try:
        for _ in range(100):
            try:
                arn = peer.create_certificate_authority(**CREATE)["CertificateAuthorityArn"]
                break
            except Exception:  # noqa: BLE001 - not up yet
                time.sleep(0.2)
        moto = best(issue_and_get(peer, arn), times=5)
    finally:
        peer_process.terminate()
        peer_process.wait()
    return [Measure("issue + get, P-256, served; against moto's server", ms(ours), ms(moto),
                    ours / moto, "faster", ours < moto)]  # fmt: skip


def hierarchy() -> list[Measure]:
    """A root and a subordinate, created, signed and installed."""
    from pkilab.ca_hierarchy import create_root, create_subordinate
    from pkilab.lab import Lab

    measures = []
    for algorithm in ("EC_prime256v1", "RSA_2048"):
        seconds = []
        for number in range(3):
            with Lab.simulated(seed=f"bench {number}") as lab:
                pca = lab.client("acm-pca")
                start = time.perf_counter()
                root = create_root(pca, SUBJECT, key_algorithm=algorithm)
                create_subordinate(
                    pca, {"CommonName": "Sub"}, parent_arn=root, key_algorithm=algorithm
                )
                seconds.append(time.perf_counter() - start)
        middle = statistics.median(seconds)
        measures.append(
            Measure(f"a two-level hierarchy, {algorithm}", ms(middle), "10 minutes (the post)",
                    middle / 600, "under 1 s", middle < 1)
        )  # fmt: skip
    return measures


def import_time() -> list[Measure]:
    """What ``import pkilab`` adds to ``import boto3``, each in fresh interpreters."""

    def seconds(code: str) -> float:
        return best(
            lambda: subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
        )

    ours, floor = seconds("import boto3, pkilab"), seconds("import boto3")
    door = seconds("import boto3; from pkilab import Lab")
    return [
        Measure("import pkilab beyond import boto3", ms(max(0.0, ours - floor)), ms(floor), None,
                "under 100 ms", ours - floor < 0.1),
        Measure("from pkilab import Lab beyond import boto3", ms(door - floor), ms(floor), None,
                "-", None),
    ]  # fmt: skip


def growth(top: int) -> list[Measure]:
    """Cost of issue and get when a CA has few certificates, and when it has many."""
    from pkilab.ca_hierarchy import create_root
    from pkilab.simulator.place import open_place

    place = open_place(seed="bench")
    pca = place.client("acm-pca", "main", place.region)  # a lab's journal would grow along
    work = issue_and_get(pca, create_root(pca, SUBJECT))
    best(work, times=50)
    first = best(work, times=100)
    for _ in range(top):
        work()
    last = best(work, times=100)
    place.close()
    return [Measure(f"issue + get with {top:,} certificates in the CA, against 550", ms(last),
                    ms(first), last / first, "flat: at most 1.2", last / first <= 1.2)]  # fmt: skip


def crl(entries: int) -> list[Measure]:
    """A CRL of many entries, against signing the same entries by the fastest library route."""
    from pkilab.ca_hierarchy import admit_private_ca, create_root
    from pkilab.simulator.acmpca.state import Revocation
    from pkilab.simulator.place import open_place

    place = open_place(seed="bench")
    pca, s3 = (place.client(name, "main", place.region) for name in ("acm-pca", "s3"))
    s3.create_bucket(Bucket="bench-crl")
    admit_private_ca(s3, "bench-crl", account=place.accounts["main"])
    publish = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": "bench-crl",
               "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL"}  # fmt: skip
    root = create_root(pca, SUBJECT, RevocationConfiguration={"CrlConfiguration": publish})
    issue_and_get(pca, root)()
    # Issuing and revoking so many through the API would take minutes and is not what is measured:
    # the same certificate is entered under as many serial numbers.
    service = place.gateway._services["acm-pca"]  # noqa: SLF001
    authority = service._authorities[root]  # noqa: SLF001
    one = next(reversed(authority.issued.values()))
    revocation = Revocation(place.clock.now(), "SUPERSEDED")
    start = time.perf_counter()
    for serial in range(1, entries + 1):
        issued = replace(one, serial=serial, revocation=revocation)
        authority.issued[serial] = authority.revoked[serial] = issued
        service._publisher.revoked(authority, issued)  # noqa: SLF001
    revoking = time.perf_counter() - start

    def advance(**step: float) -> float:
        start = time.perf_counter()
        place.clock.advance(**step)
        return time.perf_counter() - start

    first = advance(minutes=31)
    later = min(advance(days=3.5) for _ in range(3))
    der = s3.get_object(Bucket="bench-crl", Key=f"crl/{authority.uuid}.crl")["Body"].read()
    place.close()
    listed = list(x509.load_der_x509_crl(der))
    assert len(listed) == entries
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    word = x509.CRLReason(x509.ReasonFlags.superseded)
    reason = [x509.Extension(word.oid, critical=False, value=word)]

    def build() -> list[x509.RevokedCertificate]:
        return [
            x509.RevokedCertificateBuilder(serial, moment, reason).build()
            for serial in range(1, entries + 1)
        ]

    def sign(revoked: list[x509.RevokedCertificate]) -> None:
        x509.CertificateRevocationListBuilder(
            authority.certificate.subject, moment, moment + timedelta(days=7), [], revoked
        ).sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)

    prepared = build()
    signing, building = best(lambda: sign(prepared), rounds=3), best(build, rounds=3)
    route = "against the library's one-call builder"
    return [
        Measure(f"a CRL of {entries:,} entries, written to S3; {route}", ms(later), ms(signing),
                later / signing, "at most 3", later / signing <= 3),
        Measure(f"the first CRL after {entries:,} revocations", ms(first), ms(signing),
                first / signing, "at most 3", first / signing <= 3),
        Measure("the same, with encoding the entries on both sides", ms(revoking + first),
                ms(building + signing), (revoking + first) / (building + signing), "-", None),
    ]  # fmt: skip


def tls_front(handshakes: int) -> list[Measure]:
    """Full handshakes with a client certificate, beside nginx on the same certificates."""
    import front

    measures = []
    for what, own, peer in front.measure(handshakes):
        ratio = peer.cpu / own.cpu if peer else None
        seen = f"p50 {ms(own.p50)}, p99 {ms(own.p99)}, {own.per_second:.0f} a second"
        theirs = f"{ms(peer.cpu)} (nginx)" if peer else "no nginx here"
        measures += [
            Measure(f"CPU of a full mutual TLS handshake and request, {what}", ms(own.cpu), theirs,
                    ratio, "at least 0.5 of nginx", ratio and ratio >= 0.5),
            Measure(f"what the client saw: {seen}", "", f"p50 {ms(peer.p50)}" if peer else "",
                    None, "-", None),
        ]  # fmt: skip
    loading, one, many = front.large_truststore(handshakes)
    ratio = many / one
    measures += [
        Measure("the same with 1,000 CAs in the truststore, against one", ms(many),
                ms(one), ratio, "at most 1.1", ratio <= 1.1),
        Measure("creating a domain name with a truststore of 1,000 CAs", ms(loading), "", None,
                "-", None),
    ]  # fmt: skip
    return measures


def authorizer(entries: int) -> list[Measure]:
    """What the revocation authorizer adds to a request, its CRL cached."""
    from pkilab.pki import pem
    from pkilab.templates.revocation_authorizer.authorizer import Authorizer

    start, end = datetime(2026, 1, 5, tzinfo=UTC), datetime(2027, 1, 5, tzinfo=UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Bench CA")])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)

    def certificate(serial: int, *, ca: bool) -> x509.Certificate:
        builder = x509.CertificateBuilder(name, name, KEY.public_key(), serial, start, end)
        return (
            builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(usage, critical=True)
            .sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)
        )

    revoked = [x509.RevokedCertificateBuilder(n, start).build() for n in range(1, entries + 1)]
    number = x509.CRLNumber(1)
    crl = x509.CertificateRevocationListBuilder(
        name, start, end, [x509.Extension(number.oid, critical=False, value=number)], revoked
    ).sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)
    der = crl.public_bytes(serialization.Encoding.DER)
    judge = Authorizer(
        {"ISSUERS_PEM": pem.to_pem(certificate(1, ca=True)), "CRL_URL": "https://crl.example/"},
        fetch=lambda *_: der,
        log=lambda _: None,
    )
    shown = pem.to_pem(certificate(entries + 5, ca=False))
    event = {
        "version": "2.0",
        "routeArn": "arn:aws:execute-api:us-east-1:111122223333:api/$default/GET/",
        "requestContext": {
            "timeEpoch": int(start.timestamp() * 1000) + 1000,
            "authentication": {"clientCert": {"clientCertPem": shown}},
        },
    }
    begun = time.perf_counter()
    assert judge(event)["isAuthorized"]
    first, seconds = time.perf_counter() - begun, []
    for _ in range(2000):
        begun = time.perf_counter()
        judge(event)
        seconds.append(time.perf_counter() - begun)
    late = sorted(seconds)[int(len(seconds) * 0.99)]
    return [
        Measure(f"the authorizer, p99, with a cached CRL of {entries:,} entries", ms(late), "",
                None, "under 1 ms", late < 0.001),
        Measure("the same, p50", ms(statistics.median(seconds)), "", None, "-", None),
        Measure("its first request, which reads and indexes the CRL", ms(first), "", None, "-",
                None),
    ]  # fmt: skip


def merkle(leaves: int) -> list[Measure]:
    """Growing a Merkle tree beside the bare hashing, and pymerkle; a proof in the grown one."""
    import ct

    found = ct.measure(leaves)
    ratio, slow = found.append / found.bare, found.append / found.peer
    proofs = f"a proof in it, made and verified: {found.prove * 1e6:.0f} and"
    return [
        Measure(f"CPU of appending {leaves:,} leaves and the root; against bare hashing",
                ms(found.append), ms(found.bare), ratio, "at most 1.5", ratio <= 1.5),
        Measure("the same, appended together", ms(found.extend), ms(found.bare),
                found.extend / found.bare, "at most 1.5", found.extend / found.bare <= 1.5),
        Measure("the same; against pymerkle", ms(found.append), ms(found.peer), slow, "faster",
                slow < 1),
        Measure(f"{proofs} {found.verify * 1e6:.0f} us", "", "", None, "under 100 us each",
                max(found.prove, found.verify) < 100e-6),
    ]  # fmt: skip


def log_requests(requests: int) -> list[Measure]:
    """add-pre-chain served to four clients, beside two verifications and one signature."""
    import ctlog

    made, chain = ctlog.precertificates(requests)
    work, floor = ctlog.bodies(made, chain), ctlog.floor(made, chain)
    measures = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "logs"
        for what, kept in (("in memory", None), ("each SCT on disk first", folder)):
            rate = ctlog.served(work, 4, kept, Path(scratch))
            measures.append(
                Measure(f"add-pre-chain a second, served, {what}; two verifications and one sig.",
                        f"{rate:.0f}", f"{floor:.0f}", rate / floor, "-", None)
            )  # fmt: skip
    return measures


def log_monitor(entries: int) -> list[Measure]:
    """A monitor's whole work on an entry, beside opening the certificate, and from Base64."""
    import monitor

    measures = []
    for padding in (0, 800):
        ders = monitor.certificates(padding)
        monitor.follow(ders, 100 * monitor.PAGE, raw=False)  # what every run needs is there then
        before = monitor.peak_mib()
        ours, _ = monitor.follow(ders, entries if not padding else entries // 5, raw=False)
        grown = monitor.peak_mib() - before
        size = sum(map(len, ders)) // len(ders)
        for peer, encoded in (("bare loading", False), ("loading from Base64", True)):
            floor = monitor.bare(ders, encoded=encoded)
            target, met = ("-", None) if encoded else ("at most 3", ours / floor <= 3)
            measures.append(
                Measure(f"the monitor, an entry of {size:,} bytes; against {peer}",
                        f"{ours * 1e6:.2f} us", f"{floor * 1e6:.2f} us", ours / floor, target, met)
            )  # fmt: skip
        if not padding:
            measures.append(Measure(f"its memory over {entries:,} entries", f"{grown:.1f} MiB", "",
                                    None, "flat: under 8 MiB", grown < 8))  # fmt: skip
    return measures


def pfx(times: int) -> list[Measure]:
    """A PFX opened, matched and ordered, and imported, beside the library's opening."""
    import pfx as files

    measures = []
    for label, run in files.measure(times):
        measures += [
            Measure(f"a PFX, {label}, opened and matched; against load_pkcs12", ms(run.read),
                    ms(run.floor), run.read / run.floor, "-", None),
            Measure("the same, and imported into ACM", ms(run.imported), ms(run.floor),
                    run.imported / run.floor, "-", None),
        ]  # fmt: skip
    return measures


def kms_keys(times: int) -> list[Measure]:
    """Sign and verify with each kind of key, beside moto's bare call and the bare operation."""
    import kms

    measures = []
    for label, run in kms.measure(times):
        ours, floor = run.sign + run.verify, run.sign_floor + run.verify_floor
        faster = run.verify / run.local
        measures += [
            Measure(f"KMS {label}, sign + verify; against moto + cryptography", ms(ours),
                    ms(floor), ours / floor, "at most 1.3", ours / floor <= 1.3),
            Measure(f"{label}, verified locally; against KMS Verify", f"{1 / run.local:,.0f}/s",
                    f"{1 / run.verify:,.0f}/s", 1 / faster, "-", None),
        ]  # fmt: skip
    return measures


def big_file(size: int) -> list[Measure]:
    """Hash, sign and verify a big file, beside ``openssl dgst`` on the same file."""
    import signing

    run, measures = signing.measure(size), []
    if run.openssl:
        for what, ours in (("hashed", run.digest), ("hashed and signed", run.sign)):
            measures.append(
                Measure(f"a file of {size >> 20:,} MiB {what}; against openssl dgst", ms(ours),
                        ms(run.openssl), ours / run.openssl, "at most 1.2",
                        ours / run.openssl <= 1.2)
            )  # fmt: skip
    measures.append(Measure("the memory that it took", f"{run.growth / 2**20:.1f} MiB", "", None,
                            "flat: under 8 MiB", run.growth < 8 * 2**20))  # fmt: skip
    return measures


def decisions(times: int) -> list[Measure]:
    """Decide by a policy of 100 statements, beside 100 matches of a compiled pattern."""
    import policies

    return [
        Measure(f"a decision by 100 statements, {label}", f"{1 / run.decision:,.0f}/s",
                f"{1 / run.floor:,.0f}/s", run.decision / run.floor, "-", None)
        for label, run in (
            ("of many actions", policies.measure(times, worst=False)),
            ("of one action", policies.measure(times, worst=True)),
        )
    ]  # fmt: skip


def ca_findings(count: int) -> list[Measure]:
    """Findings of events, imported beside plain ones, and the way from an event to its finding."""
    import findings

    run, way = findings.rate(count), findings.latency()
    speed, grown = run.ours / run.floor, run.late / run.early
    return [
        Measure(f"{count:,} findings, built and imported; against plain ones",
                f"{run.ours:,.0f}/s", f"{run.floor:,.0f}/s", speed, "at least 0.4", speed >= 0.4),
        Measure("their memory, against a tenth as many", f"{run.late:.0f} MB",
                f"{run.early:.0f} MB", grown, "flat: at most 1.1", grown <= 1.1),
        Measure("event to finding by the deployed stack; against one invocation", ms(way.ours),
                ms(way.floor), way.ours / way.floor, "at most 2", way.ours <= 2 * way.floor),
    ]  # fmt: skip


def event_patterns(count: int) -> list[Measure]:
    """Match events with 1,000 rules, beside moto's matcher, with the same verdicts."""
    import patterns

    run = patterns.measure(count)
    return [
        Measure(f"events matched with {patterns.RULES:,} rules, {label}", f"{1 / ours:,.0f}/s",
                f"{1 / run.peer:,.0f}/s", ours / run.peer, "-", None)
        for label, ours in (("together", run.together), ("one by one", run.singly))
    ]  # fmt: skip


def container_fleet(count: int) -> list[Measure]:
    """Containers that start at once against the quota, beside as many bare calls."""
    import fleet

    run = fleet.measure(count)
    whole = run.started == run.keys == count
    seen = f"{run.per_second:.1f} a second, p99 {run.p99:.1f} s by the lab's clock"
    return [
        Measure(f"{count:,} containers start: {seen}", ms(run.ours), ms(run.floor),
                run.ours / run.floor, "each a key of its own", whole),
    ]  # fmt: skip


def main() -> None:
    """Measure everything, or what is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the large sizes")
    parser.add_argument("--only", default="", help="the suites whose name has this in it")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks.json"))
    options = parser.parse_args()
    scale = 10 if options.quick else 1
    suites: dict[str, Callable[[], list[Measure]]] = {
        "in-process": in_process,
        "served": served,
        "hierarchy": hierarchy,
        "import": import_time,
        "growth": lambda: growth(50_000 // scale),
        "crl": lambda: crl(100_000 // scale),
        "front": lambda: tls_front(1280 // scale),
        "authorizer": lambda: authorizer(100_000 // scale),
        "merkle": lambda: merkle(1_000_000 // scale),
        "log": lambda: log_requests(2000 // scale),
        "monitor": lambda: log_monitor(1_000_000 // scale),
        "pfx": lambda: pfx(100 // scale),
        "kms": lambda: kms_keys(100 // scale),
        "signing": lambda: big_file((1 << 30) // scale),
        "policies": lambda: decisions(2000 // scale),
        "patterns": lambda: event_patterns(20_000 // scale),
        "findings": lambda: ca_findings(100_000 // scale),
        "fleet": lambda: container_fleet(1000 // scale),
    }
    chosen = [suite for name, suite in suites.items() if options.only in name]
    measures: list[Measure] = []
    width = 72
    print(f"{'measure':{width}} {'ours':>10} {'peer':>22} {'ratio':>8}  target")
    for suite in chosen:
        for measure in suite():
            measures.append(measure)
            ratio = "" if measure.ratio is None else f"{measure.ratio:.4g}"
            verdict = {True: "met", False: "MISSED", None: ""}[measure.met]
            print(f"{measure.what:{width}} {measure.ours:>10} {measure.peer:>22} {ratio:>8}  "
                  f"{measure.target} {verdict}", flush=True)  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps([asdict(m) for m in measures], indent=2) + "\n")
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
