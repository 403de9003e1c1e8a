"""A served log: add-pre-chain requests per second, in memory and with a folder.

Clients are processes of their own, each with one connection kept open, and every precertificate is
another one. The floor is what a log cannot do without: two signatures verified and one made, by
``cryptography`` alone, on one core.

    python benchmarks/ctlog.py [--requests 2000] [--clients 4]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct.log import Log, MemoryStorage
from pkilab.ct.precertificates import with_poison
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.world import World

SEED = "bench"
CLIENT = r"""
import http.client, sys, time
host, path, file = sys.argv[1:4]
bodies = open(file, "rb").read().splitlines()
connection = http.client.HTTPConnection(host)
print("ready", flush=True)
sys.stdin.readline()
start = time.perf_counter()
for body in bodies:
    connection.request("POST", path, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 200, said
print(time.perf_counter() - start)
"""


def precertificates(count: int) -> tuple[list[x509.Certificate], tuple[x509.Certificate, ...]]:
    """Make precertificates of the served world's own public CA, and its chain."""
    with closing(World(seed=SEED, start=None)) as world:
        amazon = Amazon(world, CtLogs(world))
        hierarchy = amazon._ecdsa  # noqa: SLF001 - to sign in its name
        (between, _), (_, key) = hierarchy.chain, hierarchy.keys
        now = datetime.now(UTC).replace(microsecond=0)
        own = ec.derive_private_key(7, ec.SECP256R1()).public_key()
        made = []
        for number in range(count):
            name = f"host-{number}.bench.example"
            builder = (
                x509.CertificateBuilder()
                .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
                .issuer_name(between.subject)
                .public_key(own)
                .serial_number(number + 1)
                .not_valid_before(now)
                .not_valid_after(now + timedelta(days=90))
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
            )
            made.append(with_poison(builder).sign(key, hashes.SHA256()))
        return made, hierarchy.chain


def bodies(made: list[x509.Certificate], chain: tuple[x509.Certificate, ...]) -> list[bytes]:
    """Write the bodies of add-pre-chain."""

    def encoded(each: x509.Certificate) -> str:
        return b64encode(each.public_bytes(Encoding.DER)).decode()

    above = [encoded(each) for each in chain]
    return [json.dumps({"chain": [encoded(each), *above]}).encode() for each in made]


def served(work: list[bytes], clients: int, folder: Path | None, scratch: Path) -> float:
    """Post to a served log; return requests per second."""
    ready = scratch / "ready.json"
    command = [sys.executable, "-m", "pkilab", "serve", "--port", "0", "--seed", SEED,
               "--ready-file", str(ready)]  # fmt: skip
    command += ["--ct-folder", str(folder)] if folder else []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        while not ready.exists():
            time.sleep(0.05)
        endpoint = json.loads(ready.read_text())["endpoint"].removeprefix("http://")
        started = []
        for number in range(clients):
            file = scratch / f"bodies-{number}"
            file.write_bytes(b"\n".join(work[number::clients]))
            arguments = [endpoint, "/ct/north-1/ct/v1/add-pre-chain", str(file)]
            started.append(
                subprocess.Popen(
                    [sys.executable, "-c", CLIENT, *arguments],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
        for each in started:
            assert each.stdout
            each.stdout.readline()
        start = time.perf_counter()
        for each in started:
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in started:
            assert each.wait() == 0
        seconds = time.perf_counter() - start
        server.terminate()
    return len(work) / seconds


def direct(made: list[x509.Certificate], chain: tuple[x509.Certificate, ...]) -> float:
    """Submit to a log without HTTP; return submissions per second."""
    log = Log(ec.derive_private_key(9, ec.SECP256R1()), MemoryStorage(), mmd=timedelta(days=1))
    log.roots.add(chain[-1])
    now = datetime.now(UTC)
    loaded = [x509.load_der_x509_certificate(each.public_bytes(Encoding.DER)) for each in made]
    start = time.perf_counter()
    for each in loaded:
        log.add_pre_chain((each, *chain), now)
    return len(made) / (time.perf_counter() - start)


def floor(made: list[x509.Certificate], chain: tuple[x509.Certificate, ...]) -> float:
    """Verify two signatures and make one; return how often in a second."""
    key = ec.derive_private_key(9, ec.SECP256R1())
    between, root = chain
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    start = time.perf_counter()
    for each in made:
        each.verify_directly_issued_by(between)
        between.verify_directly_issued_by(root)
        key.sign(each.tbs_certificate_bytes, algorithm)
    return len(made) / (time.perf_counter() - start)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=4)
    arguments = parser.parse_args()
    made, chain = precertificates(arguments.requests)
    work = bodies(made, chain)
    print(f"{arguments.requests} precertificates, {arguments.clients} clients, "
          f"{os.cpu_count()} cores")  # fmt: skip
    print(f"floor: two verifications, one signature  {floor(made, chain):8.0f} per second")
    print(f"a log without HTTP                       {direct(made, chain):8.0f} per second")
    with tempfile.TemporaryDirectory() as scratch:
        for what, folder in (("in memory", None), ("with a folder", Path(scratch) / "logs")):
            rates = []
            for round_number in range(3):
                if folder:
                    folder = folder.with_name(f"logs-{round_number}")  # noqa: PLW2901 - a fresh one
                rates.append(served(work, arguments.clients, folder, Path(scratch)))
            print(f"served, {what:<33}{max(rates):8.0f} per second")


if __name__ == "__main__":
    main()
