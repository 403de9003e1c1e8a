"""The TLS front beside nginx: full handshakes with a client certificate, and one small answer.

The same certificates, the same clients, one run; nginx (Debian's package) with ``ssl_verify_client
on``. What is compared is the server's CPU time per handshake, which is what a core is used up by:
nginx spreads over cores and this process does not. Without nginx only our own figures are given.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab import Lab, mutual_tls
from pkilab.pki import names, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key, write_private_key

NAME, NOW = "api.bench.example", datetime(2026, 1, 5, tzinfo=UTC)
# A process of its own for each client, so that nothing is shared but the server.
CLIENT = r"""
import socket, ssl, sys, time
host, port, name, times = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
context = ssl.create_default_context(cafile="ca.pem")
context.load_cert_chain("client.pem", "client.key")
request = f"GET /none HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode()
for _ in range(times):
    start = time.perf_counter()
    with socket.create_connection((host, port)) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            secure.sendall(request)
            answer = secure.recv(4096)
    assert b" 404 " in answer[:20], answer
    print(time.perf_counter() - start)
"""
NGINX = """
daemon off; worker_processes 2; pid nginx.pid; error_log error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;
  uwsgi_temp_path t; scgi_temp_path t;
  server {
    listen 127.0.0.1:PORT ssl backlog=512;
    ssl_certificate server.pem; ssl_certificate_key server.key;
    ssl_client_certificate truststore.pem; ssl_verify_client on; ssl_verify_depth 4;
    ssl_session_cache off; ssl_session_tickets off; ssl_protocols TLSv1.2 TLSv1.3;
    location / { return 404 '{"message":"Not Found"}'; }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What clients saw of a server, and what a handshake cost it; seconds."""

    p50: float
    p99: float
    per_second: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test."""

    address: str
    pids: tuple[int, ...]


def material(folder: Path, algorithm: str, cas: int = 1) -> None:
    """Write a CA's, a server's and a client's certificate, and a truststore of so many CAs."""
    who = ("ca", "server", "client")
    keys = {name: generate_key(algorithm, Entropy("bench").child(name)) for name in who}

    def make(subject: str, issuer: str, number: int = 1) -> x509.Certificate:
        ca = subject == issuer
        key = keys.get(subject, keys["ca"]).public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(names.subject(f"CN={subject}"))
            .issuer_name(names.subject(f"CN={issuer}"))
            .public_key(key)
            .serial_number(number)
            .not_valid_before(NOW)
            .not_valid_after(NOW + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        )
        return builder.sign(keys["ca"], hashes.SHA256())

    root = make("ca", "ca")
    files = {
        "ca.pem": [root],
        "server.pem": [make("server", "ca")],
        "client.pem": [make("client", "ca")],
        "truststore.pem": [*(make(f"ca {n}", f"ca {n}", n + 1) for n in range(1, cas)), root],
    }
    for name, certificates in files.items():
        (folder / name).write_text(pem.to_pem(*certificates))
    for name in ("server", "client"):
        write_private_key(keys[name], folder / f"{name}.key")


def serve(folder: Path) -> None:
    """Serve the front with what lies in a folder until standard input ends; for a child process."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with Lab.simulated(seed="bench", now="live") as lab:
        acm, apis, s3 = (lab.client(name) for name in ("acm", "apigatewayv2", "s3"))
        key = load_pem_private_key((folder / "server.key").read_bytes(), None)
        server, root = ((folder / name).read_text() for name in ("server.pem", "ca.pem"))
        arn = mutual_tls.import_certificate(acm, server, key, root)
        zone = lab.client("route53").create_hosted_zone(Name="bench.example", CallerReference="b")
        owner = mutual_tls.request_public_certificate(
            acm, lab.client("route53"), NAME, zone["HostedZone"]["Id"]
        )
        s3.create_bucket(Bucket="bench-truststore")
        store = (folder / "truststore.pem").read_bytes()
        s3.put_object(Bucket="bench-truststore", Key="t.pem", Body=store)
        start = time.perf_counter()
        mutual_tls.create_domain(
            apis, NAME, arn, ownership_arn=owner,
            truststore=mutual_tls.TruststoreObject("s3://bench-truststore/t.pem", None),
        )  # fmt: skip
        loading = time.perf_counter() - start
        api = apis.create_api(
            Name="bench", ProtocolType="HTTP", RouteKey="GET /hello",
            Target="arn:aws:lambda:us-east-1:111122223333:function:none",
        )["ApiId"]  # fmt: skip
        apis.create_api_mapping(ApiId=api, DomainName=NAME, Stage="$default")
        print(lab.serve().tls, loading, flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def ours(folder: Path) -> Iterator[tuple[Target, float]]:
    """Run the front in a process of its own; with what loading the truststore took."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        address, loading = process.stdout.readline().split()
        yield Target(address, (process.pid,)), float(loading)
    finally:
        process.communicate("")


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Target]:
    """Run nginx on the same files."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.replace("PORT", str(port)))
    process = subprocess.Popen(
        ["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"],
        cwd=folder, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        workers = tuple(map(int, found.split()))
        yield Target(f"127.0.0.1:{port}", workers)
    finally:
        process.terminate()
        process.wait()


def drive(target: Target, folder: Path, clients: int, total: int) -> Run:
    """Let so many clients connect, each one connection after the other."""
    host, port = target.address.split(":")
    command = [sys.executable, "-c", CLIENT, host, port, NAME, str(total // clients)]

    def client(_: int) -> str:
        ran = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        return ran.stdout

    before, start = cpu_seconds(target.pids), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        outputs = list(pool.map(client, range(clients)))
    lasted, spent = time.perf_counter() - start, cpu_seconds(target.pids) - before
    times = sorted(float(line) for output in outputs for line in output.split())
    late = times[min(len(times) - 1, int(len(times) * 0.99))]
    return Run(statistics.median(times), late, len(times) / lasted, spent / len(times))


def cpu_seconds(pids: tuple[int, ...]) -> float:
    """Return the CPU time that processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(total: int) -> Iterator[tuple[str, Run, Run | None]]:
    """Yield a name, our run and nginx's, for two kinds of keys under one and under 64 clients."""
    have = shutil.which("nginx") is not None
    for algorithm in ("RSA_2048", "EC_prime256v1"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            material(folder, algorithm)
            peers = nginx(folder) if have else contextlib.nullcontext()
            with ours(folder) as (own, _), peers as peer:
                for clients in (1, 64):
                    runs = [
                        drive(target, folder, clients, total) for target in (own, peer) if target
                    ]
                    yield f"{algorithm}, {clients} at a time", runs[0], [*runs, None][1]


def large_truststore(total: int) -> tuple[float, float, float]:
    """Return seconds: loading 1,000 CAs; the CPU of a handshake with one CA, and with 1,000."""
    with contextlib.ExitStack() as stack:
        folders, targets, loading = [], [], 0.0
        for cas in (1, 1000):
            folders.append(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            material(folders[-1], "EC_prime256v1", cas)
            target, loading = stack.enter_context(ours(folders[-1]))
            targets.append(target)
        # By turns, so that whatever else this machine does hits both.
        rounds = [
            [drive(each, at, 1, total).cpu for each, at in zip(targets, folders, strict=True)]
            for _ in range(4)
        ]  # fmt: skip
        one, many = (min(column) for column in zip(*rounds[1:], strict=True))
        return loading, one, many


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
