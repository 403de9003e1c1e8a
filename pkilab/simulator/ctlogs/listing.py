"""The world's log list, as browsers' vendors publish theirs: version 3 of the format, signed.

``log_list.json`` names the operators and their logs, ``log_list.sig`` is an RSA signature of its
bytes (PKCS#1 v1.5, SHA-256), and ``log_list_pubkey.pem`` the key. All logs have been usable for a
year when the world begins. The list is made anew each time, dated now.

A world has no other list, so Chrome's address answers with it, too; signed by the world's key.

Source: certificate-transparency-go, loglist3; Chrome's lists below gstatic.com/ct/log_list/v3/.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from functools import cached_property

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.ct.log_list import (
    Log,
    LogList,
    LogState,
    Operator,
    State,
    encode_log_list,
    sign_log_list,
)
from pkilab.pki.keys import PrivateKey, generate_key
from pkilab.simulator.ctlogs.logs import DOMAIN, CtLogs, RunningLog
from pkilab.simulator.service import HttpResponse
from pkilab.simulator.world import World

NAME = "list"
HOST = f"{NAME}.{DOMAIN}"
CHROME_HOST = "www.gstatic.com"  # where Chrome's is, below /ct/
FOLDER = "log_list/"
URL = f"https://{HOST}/{FOLDER}v3/log_list.json"
_USABLE_FOR = timedelta(days=365)


class LogListSite:
    """What the log list's host answers."""

    def __init__(self, world: World, logs: CtLogs) -> None:
        self._world, self._logs = world, logs

    def respond(self, path: str) -> HttpResponse | None:
        """Answer with a file; None if there is no such one."""
        name = path.removeprefix(f"{FOLDER}v3/")
        if name == path:
            return None
        document = encode_log_list(log_list(self._logs, self._world.clock.now()))
        if name == "log_list.json":
            return HttpResponse(200, {"content-type": "application/json"}, document)
        if name == "log_list.sig":
            signature = sign_log_list(self._key, document)
            return HttpResponse(200, {"content-type": "application/octet-stream"}, signature)
        if name == "log_list_pubkey.pem":
            public = self._key.public_key()
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            return HttpResponse(200, {"content-type": "application/x-pem-file"}, pem)
        return None

    @cached_property
    def _key(self) -> PrivateKey:
        """Make the key when it is first needed: an RSA key takes most of a second."""
        return generate_key("RSA_2048", self._world.entropy("ct", "log list"))


def log_list(logs: CtLogs, now: datetime) -> LogList:
    """Return the list of a world's logs, dated ``now`` to the second."""
    by_operator: dict[str, list[Log]] = {}
    for each in logs.logs:
        by_operator.setdefault(each.operator, []).append(_log(each, logs.began - _USABLE_FOR))
    operators = (
        Operator(name, (f"ct@{name.split()[1].lower()}.pkilab.test",), tuple(found))
        for name, found in by_operator.items()
    )
    return LogList("1.0", now.replace(microsecond=0), tuple(operators))


def served_logs(logs: CtLogs, url: str) -> list[dict[str, str]]:
    """Return how a world's logs are reached where it is served at ``url``."""
    return [
        {
            "name": each.name,
            "operator": each.operator,
            "url": f"{url}/ct/{each.name}/",
            "public_key": base64.b64encode(each.key).decode(),
        }
        for each in logs.logs
    ]


def _log(running: RunningLog, usable_since: datetime) -> Log:
    return Log(
        description=f"{running.operator} '{running.name}'",
        log_id=running.log.id,
        key=running.key,
        submission_url=running.url,
        monitoring_url=running.url,
        mmd=int(running.kind.mmd.total_seconds()),
        state=State(LogState.USABLE, usable_since.replace(microsecond=0)),
        is_tiled=running.kind.tiled,
    )
