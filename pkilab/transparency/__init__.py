"""Certificate Transparency from outside: SCTs, logs and proofs, checked as anyone may check them.

Logs ask nobody for credentials. The functions take ``fetch``, which gets a URL or posts to it as
any HTTP client would (`pkilab.lab.Lab.fetch` is one), so they do the same with the logs of a
simulated world and with public ones. Nothing that a log says is believed until it is proved with
the log's key, and the keys come from a log list.

Only logs of RFC 6962 are read. Tiled logs (static-ct-api) are in the list and count for browsers'
rules; they are not followed.
"""

from pkilab.transparency.logs import Inclusion, LogClient, prove_inclusion
from pkilab.transparency.promises import (
    CHROME_LIST,
    Compliance,
    SctField,
    SctRow,
    compliance,
    fetch_log_list,
    fields,
    scts,
    verify,
)
from pkilab.transparency.unchecked import UncheckedCa
from pkilab.transparency.watching import answers_of, search, watch
from pkilab.transparency.witnesses import openssl_scts

__all__ = [
    "CHROME_LIST",
    "Compliance",
    "Inclusion",
    "LogClient",
    "SctField",
    "SctRow",
    "UncheckedCa",
    "answers_of",
    "compliance",
    "fetch_log_list",
    "fields",
    "openssl_scts",
    "prove_inclusion",
    "scts",
    "search",
    "verify",
    "watch",
]
