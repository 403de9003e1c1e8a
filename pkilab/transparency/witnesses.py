"""An outside witness of SCTs: OpenSSL's own Certificate Transparency code, in a real handshake."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime

from pkilab.ct.log_list import LogList
from pkilab.witness import Testimony, openssl


def openssl_scts(
    connect: str, name: str, *, root: str, log_list: LogList, at: datetime
) -> Testimony:
    """Let ``openssl s_client`` shake hands with a server and judge the SCTs that it gets.

    openssl takes the logs' keys from us and the rest from the handshake. It compares timestamps
    with the machine's clock, ``at`` or not: a world that lies in the machine's future has SCTs that
    it calls invalid.

    Args:
        connect: ``host:port``; shown as ``$TLS``, because a port is another one every time.
        name: the server's name.
        root: PEM of the trust anchors.
        log_list: which logs there are.
        at: when certificates have to be valid.

    Returns:
        Of its output, what it says of the certificate and of SCTs.

    Raises:
        LabError: as `pkilab.witness.openssl`.
    """
    logs = log_list.logs()
    lines = ["enabled_logs = " + ", ".join(f"log{number}" for number in range(len(logs)))]
    for number, log in enumerate(logs):
        key = b64encode(log.key).decode()
        # Names come from a list that anyone may have written; OpenSSL expands what looks like code.
        shown = re.sub(r"[^\w .,:()'-]", "?", log.description)
        lines += [f"[log{number}]", f"description = {shown}", f"key = {key}"]
    files: dict[str, str | bytes] = {"root.pem": root, "logs.cnf": "\n".join(lines) + "\n"}
    arguments = (
        # The chains of ACM end at a root that another root has signed.
        "-partial_chain", "-servername", name, "-verify_hostname", name, "-CAfile", "root.pem",
        "-attime", str(int(at.timestamp())), "-ct", "-ctlogfile", "logs.cnf",
    )  # fmt: skip
    told = openssl("s_client", "-connect", connect, *arguments, files=files)
    kept = ("SCT", "Log  ", "Timestamp", "Verify return code")
    # What follows are session tickets, which come when they like.
    said, *_ = told.output.partition("Post-Handshake")
    lines = [line for line in said.splitlines() if line.strip().startswith(kept)]
    command = " ".join(("openssl s_client -connect $TLS", *arguments))
    return Testimony(command, "\n".join(lines), told.agrees)
