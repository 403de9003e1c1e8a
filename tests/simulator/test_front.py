"""Real clients at the front of API Gateway: Python's ssl, pyOpenSSL, openssl s_client and curl."""

import contextlib
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL

from pkilab import Lab, functions, mutual_tls, witness
from pkilab.pki import names, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key, write_private_key
from pkilab.pki.truststore import Cause

NAME, OPEN = "api.front.example", "open.front.example"
HELLO = """
import json
def handler(event, context):
    seen = event["requestContext"].get("authentication", {}).get("clientCert", {})
    told = {"hello": seen.get("subjectDN"), "path": event["rawPath"]}
    body = json.dumps(told, separators=(",", ":"))
    return {"statusCode": 200, "cookies": ["a=1", "b=2"], "body": body}
"""
SLOW = """
import time
def handler(event, context):
    time.sleep(2)
    return {}
"""


@dataclass
class Pki:
    """CAs and clients of these tests, made without any AWS."""

    at: Any
    folder: Path
    _made: dict = field(default_factory=dict)

    def make(self, name, issuer=None, *, ca=False, days=30, start=-1, usage=None, digest=None):
        """Make a certificate below another; its files are in the folder, its chain is kept."""
        key = generate_key("EC_prime256v1", Entropy("front").child(name))
        above, signer, chain = self._made[issuer] if issuer else (None, key, [])
        subject = names.subject(f"CN={name}")
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(above.subject if above else subject)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(name.encode()[-15:]))
            .not_valid_before(self.at + timedelta(days=start))
            .not_valid_after(self.at + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        made = builder.sign(signer, digest or hashes.SHA256())
        self._made[name] = made, key, [made, *chain]
        write_private_key(key, self.folder / f"{name}.key")
        (self.folder / f"{name}.pem").write_text(pem.to_pem(made))
        (self.folder / f"{name}-chain.pem").write_text(pem.to_pem(made, *chain))
        return made

    def certificate(self, name):
        """Return a certificate by its name."""
        return self._made[name][0]

    def key(self, name):
        """Return a key by its certificate's name."""
        return self._made[name][1]


# Client -> why it is refused by a truststore of CA1 to CA4 (None: let in).
CLIENTS = {
    None: Cause.NO_CERTIFICATE,
    "two levels": None,
    "three levels": None,
    "four levels": None,
    "five levels": Cause.CHAIN_TOO_LONG,
    "expired": Cause.EXPIRED,
    "early": Cause.NOT_YET_VALID,
    "weak": Cause.WEAK_SIGNATURE,
    "for servers": None,
    "below unknown": Cause.UNKNOWN_ISSUER,
    "self-signed": Cause.SELF_SIGNED,
}


@dataclass
class Site:
    """A world with an API, a name that wants mutual TLS and one that does not."""

    lab: Lab
    pki: Pki
    api: str
    front: Any = None

    @property
    def address(self):
        """Where the front listens."""
        host, port = self.front.tls.split(":")
        return host, int(port)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build it once: nothing here changes it."""
    folder = tmp_path_factory.mktemp("front")
    with Lab.simulated(seed="front") as lab:
        pki = Pki(lab.clock.now(), folder)
        pki.make("CA1", ca=True, days=4000)
        for below, above in (("CA2", "CA1"), ("CA3", "CA2"), ("CA4", "CA3")):
            pki.make(below, above, ca=True, days=4000)
        pki.make("unknown", ca=True, days=4000)
        for level, name in enumerate(("two", "three", "four", "five"), start=1):
            pki.make(f"{name} levels", f"CA{level}")
        pki.make("expired", "CA1", days=-1, start=-30)
        pki.make("early", "CA1", start=1)
        pki.make("weak", "CA1", digest=hashes.SHA224())
        pki.make("for servers", "CA1", usage=ExtendedKeyUsageOID.SERVER_AUTH)
        pki.make("below unknown", "unknown")
        pki.make("self-signed")
        yield Site(lab, pki, _deploy(lab, pki))


def _deploy(lab, pki):
    role = functions.create_role(lab.client("iam"), "front")
    lambda_, apis = lab.client("lambda"), lab.client("apigatewayv2")
    greet, slow = (
        functions.deploy(lambda_, name, functions.package({"index.py": code}), role=role)
        for name, code in (("greet", HELLO), ("slow", SLOW))
    )
    api = apis.create_api(Name="front", ProtocolType="HTTP", Target=greet)["ApiId"]
    integration = apis.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=slow, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    apis.create_route(ApiId=api, RouteKey="GET /slow", Target=f"integrations/{integration}")
    for name in ("greet", "slow"):
        functions.allow_api(lambda_, name, api)
    s3, route53, acm = (lab.client(name) for name in ("s3", "route53", "acm"))
    s3.create_bucket(Bucket="front-truststore")
    cas = [pki.certificate(f"CA{n}") for n in (1, 2, 3, 4)]
    store = mutual_tls.upload_truststore(s3, "front-truststore", cas)
    zone = route53.create_hosted_zone(Name="front.example", CallerReference="x")["HostedZone"]["Id"]
    certificates = {name: _server_certificate(acm, pki, name) for name in (NAME, OPEN)}
    owner = mutual_tls.request_public_certificate(acm, route53, NAME, zone)
    mutual_tls.create_domain(apis, NAME, certificates[NAME], truststore=store, ownership_arn=owner)
    mutual_tls.create_domain(apis, OPEN, certificates[OPEN])
    for name in (NAME, OPEN):
        apis.create_api_mapping(ApiId=api, DomainName=name, Stage="$default")
    return api


def _server_certificate(acm, pki, name):
    """Import a certificate that is good by the machine's clock, too."""
    key = generate_key("EC_prime256v1", Entropy("front").child(name))
    server = (
        x509.CertificateBuilder()
        .subject_name(names.subject(f"CN={name}"))
        .issuer_name(pki.certificate("CA1").subject)
        .public_key(key.public_key())
        .serial_number(77)
        .not_valid_before(pki.at)
        .not_valid_after(pki.at + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(False, None), True)
        .sign(pki.key("CA1"), hashes.SHA256())
    )
    root = pem.to_pem(pki.certificate("CA1"))
    return mutual_tls.import_certificate(acm, pem.to_pem(server), key, root)


@pytest.fixture(params=["response", "handshake"])
def refusing(site, request):
    """The site with a front that refuses in one way or the other."""
    site.front = site.lab.serve(refuse_in=request.param)
    yield site
    site.front.close()


@pytest.fixture
def served(site):
    """The site with a front as it is by default."""
    site.front = site.lab.serve()
    yield site
    site.front.close()


def latest(site):
    """Return the latest handshake, once there is one: the client may know first."""
    deadline = time.monotonic() + 5
    while not site.front.handshakes and time.monotonic() < deadline:
        time.sleep(0.01)
    return site.front.handshakes[-1]


def drain(plain):
    """Read to the end of a connection, however it ends, and close it."""
    with contextlib.suppress(ConnectionResetError):
        while plain.recv(1000):
            pass
    plain.close()


# Clients. Each returns the HTTP status, or None where the connection failed.


def by_python(site, client, name=NAME, version=None, path="/"):
    """Python's ssl."""
    context = ssl.create_default_context(cafile=str(site.pki.folder / "CA1.pem"))
    if version:
        context.maximum_version = version
    if client:
        folder = site.pki.folder
        context.load_cert_chain(folder / f"{client}-chain.pem", folder / f"{client}.key")
    try:
        with (
            socket.create_connection(site.address, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            answer = http.client.HTTPResponse(secure)
            answer.begin()
            return answer.status
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return None


def by_pyopenssl(site, client):
    """pyOpenSSL, with nothing of the machine's trust."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if client:
        context.use_certificate_chain_file(str(site.pki.folder / f"{client}-chain.pem"))
        context.use_privatekey(site.pki.key(client))
    plain = socket.create_connection(site.address, timeout=10)
    plain.setblocking(True)
    connection = SSL.Connection(context, plain)
    connection.set_tlsext_host_name(NAME.encode())
    connection.set_connect_state()
    try:
        connection.do_handshake()
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        return int(connection.recv(4096).split()[1])
    except SSL.Error:
        return None
    finally:
        connection.close()
        plain.close()


def by_s_client(site, client, *options, ask=b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"):
    """openssl s_client."""
    host, port = site.address
    command = ["openssl", "s_client", "-quiet", "-connect", f"{host}:{port}", "-servername", NAME]
    if client:
        chain = f"{client}-chain.pem"
        command += ["-cert", f"{client}.pem", "-key", f"{client}.key", "-cert_chain", chain]
    process = subprocess.Popen(
        [*command, *options], cwd=site.pki.folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        process.stdin.write(ask.replace(b"%s", NAME.encode()))
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = b""
    finally:
        process.kill()
        process.communicate()
    return int(line.split()[1]) if line.startswith(b"HTTP/") else None


def by_curl(site, client):
    """Curl."""
    own = ("--key", f"{client}.key", "--cert", f"{client}-chain.pem") if client else ()
    said = witness.curl(
        "--cacert", "CA1.pem", *own, "--output", "/dev/null", "--write-out", "%{http_code}",
        f"https://{NAME}/", through=site.front.tls, folder=site.pki.folder,
    )  # fmt: skip
    return int(said.output[-3:]) if said.agrees else None


BY = {"python": by_python, "pyopenssl": by_pyopenssl, "s_client": by_s_client, "curl": by_curl}


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("client", CLIENTS, ids=str)
def test_each_client_is_let_in_or_refused_as_the_truststore_says(refusing, client, by):
    """Four TLS clients, eleven certificates, either way of refusing: one verdict."""
    cause = CLIENTS[client]
    in_handshake = refusing.front._front.refuse_in == "handshake"
    expected = 200 if cause is None else None if in_handshake else 403
    assert BY[by](refusing, client) == expected
    recorded = latest(refusing)
    assert (recorded.refused, recorded.admission.cause) == (cause is not None, cause)
    store = [refusing.pki.certificate(f"CA{n}") for n in (1, 2, 3, 4)]
    explained = mutual_tls.explain(
        refusing.pki.certificate(client) if client else None, store, at=refusing.lab.clock.now()
    )
    assert explained.admission.sentence == recorded.admission.sentence


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_ask_for_a_certificate_by_name(served, version):
    """SNI decides, and the other name asks for none."""
    assert by_python(served, "two levels", version=version) == 200
    assert by_python(served, None, version=version) == 403
    assert by_python(served, None, name=OPEN, version=version) == 200
    asked = [step.message for step in served.front.handshakes[-1].steps]
    assert "CertificateRequest" not in asked
    assert served.front.handshakes[-1].tls_version == version.name.replace("_", ".").replace(
        "TLSv1.", "TLSv1."
    )


def test_tls_1_1_is_refused(served):
    """The security policy is TLS_1_2."""
    assert by_s_client(served, None, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0") is None


def test_a_host_header_cannot_lead_past_the_name_of_the_handshake(served):
    """A connection opened for a name that asks for no certificate does not serve one that does."""
    context = ssl.create_default_context(cafile=str(served.pki.folder / "CA1.pem"))
    with (
        socket.create_connection(served.address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=OPEN) as secure,
    ):
        for host, status in ((OPEN, 200), (NAME, 403)):
            secure.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = http.client.HTTPResponse(secure)
            answer.begin()
            assert (answer.status, answer.read() != b"") == (status, True)
    log = served.lab._place.gateway.apis.log[-1]
    assert log.cause.startswith("WRONG_NAME")


def test_a_session_is_not_resumed_past_the_truststore(served):
    """Each connection is judged, so none is resumed."""
    context = ssl.create_default_context(cafile=str(served.pki.folder / "CA1.pem"))
    folder = served.pki.folder
    context.load_cert_chain(folder / "two levels.pem", folder / "two levels.key")
    session = None
    for _ in range(2):
        with (
            socket.create_connection(served.address, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=NAME, session=session) as secure,
        ):
            secure.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            secure.recv(100)
            assert not secure.session_reused
            session = secure.session


def test_the_default_endpoint_answers_without_a_certificate_until_it_is_disabled(served):
    """By its own name, under a certificate of the simulated Amazon's."""
    apis, host = (
        served.lab.client("apigatewayv2"),
        f"{served.api}.execute-api.us-east-1.amazonaws.com",
    )
    root = served.lab._place.gateway.apis._amazon.root
    (served.pki.folder / "amazon.pem").write_text(pem.to_pem(root))

    def ask():
        said = subprocess.run(
            ["curl", "-q", "-s", "--insecure", "--connect-to", f"::{served.front.tls}",
             "-w", "%{http_code}", f"https://{host}/"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return said.stdout

    assert ask() == '{"hello":null,"path":"/"}200'
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", served.front.tls, "-servername", host,
         "-CAfile", "amazon.pem", "-attime", str(int(served.pki.at.timestamp())),
         "-verify_return_error", "-verify_hostname", host],
        cwd=served.pki.folder, input=b"", capture_output=True, check=True,
    )  # fmt: skip
    assert b"Verify return code: 0 (ok)" in shown.stdout
    apis.update_api(ApiId=served.api, DisableExecuteApiEndpoint=True)
    try:
        assert ask() == '{"message":"Not Found"}404'
        assert by_python(served, "two levels") == 200
    finally:
        apis.update_api(ApiId=served.api, DisableExecuteApiEndpoint=False)


def test_an_unknown_name_is_shown_the_default_certificate_and_forbidden(served):
    """With no name at all, likewise."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name in ("nobody.example", None):
        with (
            socket.create_connection(served.address, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            shown = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True))
            secure.sendall(b"GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n")
            answer = http.client.HTTPResponse(secure)
            answer.begin()
            assert answer.status == 403
        assert "execute-api" in shown.subject.rfc4514_string()


def test_the_clock_of_a_frozen_world_decides_not_the_machines(served):
    """A certificate that is long over by the machine's clock is let in at the world's."""
    assert served.pki.certificate("two levels").not_valid_after_utc.year == 2026
    assert by_python(served, "two levels") == 200
    assert served.front.handshakes[-1].at == served.lab.clock.now()


# What is hard on a server.


def test_two_hundred_clients_at_once_are_all_answered(served):
    """And nothing is left of them."""
    before = threading.active_count()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: by_python(served, "two levels"), range(200)))
    assert answers == [200] * 200
    deadline = time.monotonic() + 5
    factory = served.front._front.factory
    while factory.connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not factory.connections
    # The pool of threads that answer is the process's, and bounded.
    assert threading.active_count() <= before + 17


@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "half a hello"]
)
def test_a_client_that_stalls_hinders_nobody_and_is_dropped(served, sent):
    """A hundred of them, and an honest one gets its answer."""
    served.front._front.factory.wrappedFactory.handshake_seconds = 1
    stalled = [socket.create_connection(served.address, timeout=10) for _ in range(100)]
    for each in stalled:
        each.sendall(sent)
    started = time.monotonic()
    assert by_python(served, "two levels") == 200
    assert time.monotonic() - started < 5
    for each in stalled:
        drain(each)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: api\r\n\r\n",
        b"\x00" * 100,
        os.urandom(1000),
        b"\x16\x03\x01\xff\xff" * 9,
    ],
    ids=["plain HTTP", "zeros", "noise", "a false record"],
)
def test_garbage_on_the_port_is_recorded_and_dropped(served, sent):
    """As a handshake that did not finish."""
    with socket.create_connection(served.address, timeout=10) as plain:
        plain.sendall(sent)
        plain.shutdown(socket.SHUT_WR)
        drain(plain)
    recorded = latest(served)
    assert recorded.refused
    assert recorded.admission is None
    assert recorded.outcome.startswith("The handshake did not finish: ")
    assert by_python(served, "two levels") == 200


def test_a_client_that_vanishes_in_the_handshake_leaves_nothing(served):
    """Having said hello."""
    context = ssl.create_default_context(cafile=str(served.pki.folder / "CA1.pem"))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = context.wrap_bio(incoming, outgoing, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()
    with socket.create_connection(served.address, timeout=10) as plain:
        plain.sendall(outgoing.read())
        assert plain.recv(100)
    recorded = latest(served)
    assert recorded.failure == "the client hung up"
    assert [step.message for step in recorded.steps][:2] == ["ClientHello", "ServerHello"]


def test_renegotiation_is_refused_and_the_connection_serves_on(served):
    """TLS 1.2 has it; a client could make the server work for nothing."""
    answered = by_s_client(
        served, "two levels", "-tls1_2", "-no_ign_eof", ask=b"R\nGET / HTTP/1.1\r\nHost: %s\r\n\r\n"
    )
    assert answered in {None, 200}
    assert by_python(served, "two levels") == 200


def exchange(site, request):
    """Send bytes over TLS and return the status line that comes back."""
    context = ssl.create_default_context(cafile=str(site.pki.folder / "CA1.pem"))
    with (
        socket.create_connection(site.address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=OPEN) as secure,
    ):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            secure.sendall(request)
        return secure.recv(1000).partition(b"\r\n")[0]


def test_headers_and_bodies_beyond_the_quotas_are_refused(served):
    """10,240 bytes and 10 MB; just below is well."""
    line = f"GET / HTTP/1.1\r\nHost: {OPEN}\r\n".encode()
    assert exchange(served, line + b"x: " + b"y" * 9000 + b"\r\n\r\n").endswith(b"200 OK")
    assert b"400" in exchange(served, line + b"x: " + b"y" * 11_000 + b"\r\n\r\n")
    post = f"POST / HTTP/1.1\r\nHost: {OPEN}\r\nContent-Length: %d\r\n\r\n"
    assert b"413" in exchange(served, (post % (10 * 2**20 + 1)).encode() + b"x" * 1000)
    body = b"x" * 100_000
    assert exchange(served, (post % len(body)).encode() + body).endswith(b"200 OK")


def test_requests_follow_one_another_on_a_connection(served):
    """Pipelined, in order; HTTP/1.0 closes."""
    context = ssl.create_default_context(cafile=str(served.pki.folder / "CA1.pem"))
    with (
        socket.create_connection(served.address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=OPEN) as secure,
    ):
        secure.sendall(
            b"".join(f"GET /{n} HTTP/1.1\r\nHost: {OPEN}\r\n\r\n".encode() for n in range(3))
            + f"GET /last HTTP/1.0\r\nHost: {OPEN}\r\n\r\n".encode()
        )
        received = b""
        while part := secure.recv(10_000):
            received += part
    assert re.findall(rb'"path":"(.*?)"', received) == [b"/0", b"/1", b"/2", b"/last"]


def test_cookies_reach_the_client_as_headers_of_their_own(served):
    """Joined they would be one broken cookie."""
    said = witness.curl(
        "--cacert", "CA1.pem", "--include", f"https://{OPEN}/", through=served.front.tls,
        folder=served.pki.folder,
    )  # fmt: skip
    assert re.findall(r"(?im)^set-cookie: (.*?)\r?$", said.output) == ["a=1", "b=2"]


def test_it_stops_while_clients_wait(site):
    """Within moments, with a request still running."""
    front = site.front = site.lab.serve()
    waiting = threading.Thread(
        target=by_python, args=(site, "two levels"), kwargs={"path": "/slow"}
    )
    waiting.start()
    idle = socket.create_connection(site.address, timeout=10)
    time.sleep(0.3)
    started = time.monotonic()
    front.close()
    assert time.monotonic() - started < 2
    waiting.join(5)
    assert not waiting.is_alive()
    drain(idle)
    with pytest.raises(OSError):  # noqa: PT011 - refused
        socket.create_connection(site.address, timeout=1)


def test_a_rest_api_is_told_of_the_client_in_its_own_place(served):
    """requestContext.identity.clientCert, behind the same name."""
    rest, lambda_ = served.lab.client("apigateway"), served.lab.client("lambda")
    code = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["identity"])}
"""
    role = lambda_.get_function_configuration(FunctionName="greet")["Role"]
    arn = functions.deploy(lambda_, "who", functions.package({"index.py": code}), role=role)
    made = rest.create_rest_api(name="r", endpointConfiguration={"types": ["REGIONAL"]})
    where = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET"}
    rest.put_method(**where, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    rest.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    rest.create_deployment(restApiId=made["id"], stageName="v1")
    functions.allow_api(lambda_, "who", made["id"])
    rest.create_base_path_mapping(
        domainName=NAME, restApiId=made["id"], stage="v1", basePath="rest"
    )

    def told(*own):
        said = witness.curl(
            "--cacert", "CA1.pem", *own, f"https://{NAME}/rest", through=served.front.tls,
            folder=served.pki.folder,
        )  # fmt: skip
        return json.loads(said.output)

    certificate = served.pki.certificate("two levels")
    shown = told("--key", "two levels.key", "--cert", "two levels.pem")["clientCert"]
    assert pem.load_certificate(shown["clientCertPem"]) == certificate
    assert (shown["subjectDN"], shown["issuerDN"]) == ("CN=two levels", "CN=CA1")
    assert shown["serialNumber"] == certificate.serial_number.to_bytes(10).hex(":")
    assert shown["validity"] == {
        "notBefore": "Nov  1 09:00:00 2026 GMT", "notAfter": "Dec  2 09:00:00 2026 GMT",
    }  # fmt: skip
    assert told() == {"message": "Forbidden"}


def test_no_private_key_is_in_what_is_recorded(served):
    """Nor in what the runtime hands to the front."""
    by_python(served, "two levels")
    credentials = served.lab._place.gateway.apis.credentials(NAME)
    assert "key" not in repr(credentials)
    assert "PRIVATE" not in repr(served.front.handshakes[-1])
