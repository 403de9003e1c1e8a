"""Code signing: a key in KMS, a certificate of AWS Private CA's, and verifying without either.

    identity = enrol(kms, pca, key_id="alias/CodeSigning", ca_arn=ca, subject="CN=Releases", ...)
    sign_file(identity, "app.tar", at=now, tsa=tsa).save()          # app.tar.p7s

    trust = TrustStore.load("/etc/pkilab/trust")
    print(verify_file("app.tar", Path("app.tar.p7s"), trust=trust, at=now).explain())

After the AWS post "Code signing using AWS Certificate Manager Private CA and AWS Key Management
Service asymmetric keys" (2020). Its own signed object is kept (`sign_object`, `verify_object`);
files are signed as CMS (RFC 5652) with a time stamp (RFC 3161), which openssl verifies, too, and
the trust store is a folder on the host, as the post asks for in production.
"""

from pkilab.code_signing.authorities import TimeStampAuthority, Tsa, http_tsa, serve_tsa
from pkilab.code_signing.evidence import Evidence, bundle, gather
from pkilab.code_signing.identities import SigningIdentity, enrol, enrol_tsa
from pkilab.code_signing.remedies import Refusal
from pkilab.code_signing.signing import SignedFile, sign_file, sign_object, time_stamp
from pkilab.code_signing.trust_stores import TrustStore, fingerprint
from pkilab.code_signing.verifying import (
    FileVerdict,
    read_message,
    verify_attached,
    verify_file,
    verify_object,
)
from pkilab.code_signing.web import fetch
from pkilab.pki.signature_trust import Policy, Revocations

__all__ = [
    "Evidence",
    "FileVerdict",
    "Policy",
    "Refusal",
    "Revocations",
    "SignedFile",
    "SigningIdentity",
    "TimeStampAuthority",
    "TrustStore",
    "Tsa",
    "bundle",
    "enrol",
    "enrol_tsa",
    "fetch",
    "fingerprint",
    "gather",
    "http_tsa",
    "read_message",
    "serve_tsa",
    "sign_file",
    "sign_object",
    "time_stamp",
    "verify_attached",
    "verify_file",
    "verify_object",
]
