"""``pkilab serve --ct-folder``: logs that outlive the process, asked with curl."""

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from pkilab.ct.log_client import read_tree_head
from pkilab.ct.merkle import leaf_hash, verify_inclusion
from pkilab.ct.signing import verify_tree_head
from pkilab.ct.structures import TimestampedEntry, merkle_leaf
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.ctlogs.logs import CtLogs
from pkilab.simulator.world import World


@contextmanager
def serving(folder, ready, seed="served logs"):
    """Serve a world with its logs in a folder; give the process and what the ready file says."""
    command = [sys.executable, "-m", "pkilab", "serve", "--port", "0", "--seed", seed,
               "--ct-folder", str(folder), "--ready-file", str(ready)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + 60
            while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            yield process, json.loads(ready.read_text()) if ready.exists() else None
        finally:
            process.terminate()


@pytest.fixture
def body(make_ca):
    """The body of add-chain with a certificate of the served world's own public CA."""
    with closing(World(seed="served logs", start=None)) as world:
        amazon, now = Amazon(world, CtLogs(world)), datetime.now(UTC).replace(microsecond=0)
        key = generate_key("EC_prime256v1", Entropy("served")).public_key()
        made = amazon.server_certificate(("shop.example",), key, now, now + timedelta(days=90))
        chain = [each.public_bytes(Encoding.DER) for each in (made, *amazon.chain(key))]
    return chain[0], json.dumps({"chain": [b64encode(each).decode() for each in chain]})


def curl(*arguments):
    done = subprocess.run(
        ["curl", "-sSf", "--max-time", "20", *arguments], capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_what_a_log_promised_is_in_its_tree_after_the_process_was_killed(tmp_path, body):
    """kill -9 right after the SCT; the next process merges it and gives the same SCT."""
    der, submitted = body
    folder, ready = tmp_path / "logs", tmp_path / "ready.json"
    with serving(folder, ready) as (process, opened):
        (log,) = [each for each in opened["ct_logs"] if each["name"] == "north-1"]
        promised = curl("--data-binary", submitted, f"{log['url']}ct/v1/add-chain")
        assert curl(f"{log['url']}ct/v1/get-sth")["tree_size"] == 0
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    ready.unlink()  # nobody was there to do it
    with serving(folder, ready) as (_, opened):
        (log,) = [each for each in opened["ct_logs"] if each["name"] == "north-1"]
        assert curl("--data-binary", submitted, f"{log['url']}ct/v1/add-chain") == promised
        sth = read_tree_head(curl(f"{log['url']}ct/v1/get-sth"))
        verify_tree_head(sth, load_der_public_key(b64decode(log["public_key"])))
        hashed = leaf_hash(merkle_leaf(TimestampedEntry(promised["timestamp"], der)))
        query = f"hash={quote_plus(b64encode(hashed).decode())}&tree_size={sth.head.size}"
        found = curl(f"{log['url']}ct/v1/get-proof-by-hash?{query}")
        path = [b64decode(each) for each in found["audit_path"]]
        verify_inclusion(hashed, found["leaf_index"], sth.head.size, path, sth.head.root)


def test_logs_of_another_seed_are_refused(tmp_path):
    """One line that says so, and exit code 2."""
    folder, ready = tmp_path / "logs", tmp_path / "ready.json"
    with serving(folder, ready) as (_, opened):
        (log,) = [each for each in opened["ct_logs"] if each["name"] == "north-1"]
        assert curl(f"{log['url']}ct/v1/get-sth")["tree_size"] == 0
    with serving(folder, ready, seed="another") as (process, opened):
        assert opened is None
        assert process.wait() == 2
        assert b"is not this world's" in process.stderr.read()
