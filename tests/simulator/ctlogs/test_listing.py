"""The world's log list."""

import json
import subprocess
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pkilab.ct.log_list import LogState, decode_log_list, verify_log_list
from pkilab.errors import CtError
from pkilab.simulator.ctlogs.listing import URL
from pkilab.transparency import CHROME_LIST


def test_the_list_names_every_log_with_its_operator(lab):
    """In the format of browsers' vendors: keys, URLs, delays, states."""
    found = decode_log_list(lab.fetch(URL).body)
    assert found.timestamp == lab.clock.now()
    assert [each.name for each in found.operators] == [
        "Simulated North Logs", "Simulated South Logs",
    ]  # fmt: skip
    by_id = {each.log.id: each for each in lab._place.ct_logs.logs}
    for log in found.logs():
        running = by_id.pop(log.log_id)
        assert found.operator_of(log, lab.clock.now()) == running.operator
        assert (log.key, log.monitoring_url) == (running.key, running.url)
        assert (log.is_tiled, timedelta(seconds=log.mmd)) == (running.kind.tiled, running.kind.mmd)
        assert log.state.name is LogState.USABLE
        assert lab.clock.now() - log.state.since == timedelta(days=365)
    assert not by_id


def test_chromes_address_answers_with_the_worlds_list(lab):
    """A world has no other one; nothing else is at that host."""
    assert lab.fetch(CHROME_LIST).body == lab.fetch(URL).body
    assert lab.fetch(CHROME_LIST.replace("v3", "v2")).status == 404
    assert lab.fetch("https://www.gstatic.com/ct/north-1/ct/v1/get-sth").status == 404


def test_the_list_is_signed_and_openssl_agrees(lab, tmp_path):
    """By an RSA key that is published beside it; a changed list is not."""
    folder = URL.rpartition("/")[0]
    names = ("log_list.json", "log_list.sig", "log_list_pubkey.pem")
    data, signature, pem = (lab.fetch(f"{folder}/{name}").body for name in names)
    verify_log_list(data, signature, load_pem_public_key(pem))
    with pytest.raises(CtError):
        verify_log_list(data.replace(b"usable", b"retired"), signature, load_pem_public_key(pem))
    for name, content in zip(names, (data, signature, pem), strict=True):
        (tmp_path / name).write_bytes(content)
    said = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", names[2], "-signature", names[1], names[0]],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.stdout.strip() == "Verified OK"


def test_a_served_list_and_what_the_server_says_of_its_logs_agree(curl, server):
    """The same keys, whichever way."""
    listed = curl.json("/ct/log_list/v3/log_list.json")
    keys = {
        log["key"] for operator in listed["operators"]
        for log in (*operator["logs"], *operator["tiled_logs"])
    }  # fmt: skip
    assert {each["public_key"] for each in server.ct_logs} == keys
    assert json.loads(json.dumps(server.ct_logs)) == server.ct_logs
