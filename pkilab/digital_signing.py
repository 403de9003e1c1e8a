"""Signing files with a key in KMS, and verifying them there or here.

    arn = create_key(kms, "ECC_NIST_P384", key_policy(account, administrator=me))
    sign_file(kms_of_a, arn, "report.pdf", algorithm="ECDSA_SHA_384").save("report.pdf.sig")

    verify_in_kms(kms_of_b, arn, "report.pdf", FileSignature.load("report.pdf.sig"))
    verify_locally(read_public_key(pem, pinned), "report.pdf", FileSignature.load("report.pdf.sig"))

A file is hashed here, in pieces, and only its digest is sent; Ed25519 alone wants the file itself
(`message_type`). The functions take boto3 clients and do the same on a simulated and on a real
account. The policies are those of the AWS post "Digital signing with the new asymmetric keys
feature of AWS KMS" (2019).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.kms_keys import KmsPublicKey, load_public_key
from pkilab.pki.certificates import UNREADABLE
from pkilab.pki.digests import Progress
from pkilab.pki.file_signatures import FileSignature
from pkilab.pki.file_verification import (
    Cause,
    FileMessage,
    Verification,
    chosen_algorithm,
    explain,
    read_message,
    too_long,
    valid,
)
from pkilab.pki.file_verification import verify_file as verify_locally
from pkilab.pki.keys import PublicKey
from pkilab.pki.kms_signatures import (
    ALGORITHMS,
    LARGEST_MESSAGE,
    SIGNING_ALGORITHMS,
    algorithm_for,
    fingerprint,
    from_raw,
    key_spec,
    known,
    message_type,
    to_raw,
)
from pkilab.waiting import IAM_SETTLES, accepted, until

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient

__all__ = [
    "ALGORITHMS",
    "SIGNING_ALGORITHMS",
    "Cause",
    "FileSignature",
    "KmsPublicKey",
    "Roles",
    "Verification",
    "algorithm_for",
    "create_key",
    "create_roles",
    "digest_file",
    "fingerprint",
    "from_raw",
    "key_policy",
    "load_public_key",
    "message_type",
    "public_key_pem",
    "read_public_key",
    "sign_file",
    "to_raw",
    "verify_in_kms",
    "verify_locally",
]

SIGNER, VERIFIER = "SignRole", "VerifyRole"

# What the console lets a key's administrators do (KMS Developer Guide, "Default key policy"), but
# for rotation, which asymmetric keys do not have. None of it signs; but kms:Put* and kms:Create*
# let an administrator write a policy or a grant that does.
_ADMINISTRATION = (
    "kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*",
    "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource",
    "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion",
)  # fmt: skip
_POLL = timedelta(seconds=2)


# Who may do what.


def key_policy(
    account: str, *, administrator: str, signer: str = SIGNER, verifier: str = VERIFIER
) -> dict[str, Any]:
    """Return the post's key policy: one role signs, another verifies, and a third party manages.

    The post shows the statements of the roles alone. With them and nothing more nobody could ever
    change the key, and CreateKey refuses such a policy, so an administrator's comes first. The
    action ``kms:GetPublicKey`` lacks the trailing space with which the post has it, and with which
    it would match nothing.

    No statement lets the account's IAM policies decide: what is not said here is not allowed.

    Args:
        account: 12 digits.
        administrator: ARN of whoever manages the key. It may not sign or verify, but could write a
            policy that lets it.
        signer: name or ARN of the role that signs.
        verifier: name or ARN of the role that verifies.
    """
    partition = administrator.split(":")[1] if administrator.startswith("arn:") else "aws"

    def allow(sid: str, principal: str, *actions: str) -> dict[str, Any]:
        if not principal.startswith("arn:"):
            principal = f"arn:{partition}:iam::{account}:role/{principal}"
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": list(actions) if len(actions) > 1 else actions[0],
            "Resource": "*",
        }

    return {
        "Version": "2012-10-17",
        "Statement": [
            allow("Allow access for Key Administrators", administrator, *_ADMINISTRATION),
            allow("Allow use of the key for digital signing", signer, "kms:Sign"),
            allow("Allow use of the key for verification", verifier, "kms:Verify"),
            allow(
                "Allow retrieval of the public key for verification", verifier, "kms:GetPublicKey"
            ),
        ],
    }


@dataclass(frozen=True, slots=True)
class Roles:
    """The ARNs of the role that signs and of the role that verifies."""

    signer: str
    verifier: str


def create_roles(
    iam: IAMClient, *, trusted: str, signer: str = SIGNER, verifier: str = VERIFIER
) -> Roles:
    """Create the two roles, without any policy of their own: the key's policy names them.

    Args:
        iam: client.
        trusted: ARN of who may assume them; an account's root stands for all whom that account's
            own policies let.
        signer: name of the role that signs.
        verifier: name of the role that verifies.
    """
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
        ],
    }
    arns = (
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        for name in (signer, verifier)
    )
    return Roles(*arns)


def create_key(
    kms: KMSClient,
    spec: str,
    policy: dict[str, Any],
    *,
    description: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Create a key for signing and return its ARN.

    KMS takes no policy that names a role which it cannot see yet, and a new role takes a few
    seconds to be seen everywhere; so one refused for its principals is tried again for a minute.

    Args:
        kms: client.
        spec: a KeySpec.
        policy: the key policy, such as `key_policy` returns.
        description: of the key.
        sleep: how to wait.

    Raises:
        MalformedError: no key for signing has this spec.
        LabError: KMS still does not see a principal of the policy after a minute.
        ClientError: KMS refused for another reason (botocore's).
    """
    algorithm_for(spec)

    def create() -> str:
        return kms.create_key(
            KeySpec=spec,  # type: ignore[arg-type]  # KMS's own words
            KeyUsage="SIGN_VERIFY",
            Policy=json.dumps(policy),
            Description=description,
        )["KeyMetadata"]["Arn"]

    return until(
        accepted(create, "MalformedPolicyDocumentException", saying="invalid principals"),
        what="KMS to see the principals of the key policy",
        at_most=IAM_SETTLES,
        every=_POLL,
        sleep=sleep,
    )


# The public key.


def public_key_pem(public_key: PublicKey) -> str:
    """Return a public key as ``BEGIN PUBLIC KEY``, which openssl reads."""
    return public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public_key(pem: str | bytes, pinned: str | None = None) -> PublicKey:
    """Read a public key, and compare it with the fingerprint that the signer gave by another way.

    Args:
        pem: ``BEGIN PUBLIC KEY``.
        pinned: the expected `fingerprint`, in hex. None: whatever the key is, it is taken.

    Raises:
        MalformedError: it is no public key, or none that KMS could have.
        VerificationError: it is another key than the pinned one.
    """
    try:
        key: Any = load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except UNREADABLE as error:
        raise MalformedError("public key", found=f"{error}", expected="PEM of one") from error
    key_spec(key)
    if pinned is not None and (found := fingerprint(key)) != pinned.lower():
        raise VerificationError("public key", (f"its fingerprint is {found}, not {pinned}",))
    return key  # type: ignore[no-any-return]  # key_spec takes no other


# Files.


def digest_file(
    path: Path | str,
    algorithm: str,
    *,
    public_key: PublicKey | None = None,
    progress: Progress | None = None,
) -> bytes:
    """Return the digest of a file that Sign and Verify take for a SigningAlgorithm.

    The file is read once, a mebibyte at a time.

    Args:
        path: the file.
        algorithm: a SigningAlgorithm; it decides the hash, so that they cannot disagree.
        public_key: the signer's, for ML-DSA, whose μ begins with it.
        progress: called with the bytes read and the bytes in all.

    Raises:
        MalformedError: no such algorithm, one that takes no digest, or ML-DSA's without its key.
        OSError: the file cannot be read.
    """
    if message_type(algorithm) == "RAW":
        expected = f"the file itself, at most {LARGEST_MESSAGE:,} bytes, or ED25519_PH_SHA_512"
        raise MalformedError(f"message of {algorithm}", found="a digest", expected=expected)
    return read_message(path, algorithm, public_key, progress).digest


def sign_file(
    kms: KMSClient,
    key_id: str,
    path: Path | str,
    *,
    algorithm: str | None = None,
    public_key: PublicKey | None = None,
    progress: Progress | None = None,
) -> FileSignature:
    """Sign a file with a key in KMS.

    Whoever names the algorithm needs ``kms:Sign`` alone, as the post's SignRole has it. Without
    one, and for ML-DSA without the public key, that is asked for, too (``kms:GetPublicKey``).

    Args:
        kms: client.
        key_id: key ID, key ARN, alias or alias ARN.
        path: the file. ED25519_SHA_512 takes up to 4,096 bytes, the others files of any size.
        algorithm: a SigningAlgorithm. None: the first of the key's own.
        public_key: the key's public half, where it is known; its fingerprint is noted.
        progress: called with the bytes read and the bytes in all.

    Raises:
        LabError: the file is too long or too short for ED25519_SHA_512, or the key does not sign.
        MalformedError: KMS has no such algorithm.
        OSError: the file cannot be read.
        ClientError: KMS refused (botocore's).
    """
    if algorithm is not None:
        known(algorithm)
    if public_key is None and (algorithm is None or message_type(algorithm) == "EXTERNAL_MU"):
        asked = load_public_key(kms, key_id)
        if not asked.algorithms:
            raise LabError(f"{asked.arn}: found KeyUsage {asked.key_usage}, expected SIGN_VERIFY")
        public_key = asked.key
    if algorithm is None:
        assert public_key is not None  # noqa: S101 - asked for above
        algorithm = algorithm_for(key_spec(public_key))
    message = read_message(path, algorithm, public_key, progress)
    if message_type(algorithm) == "RAW" and not 0 < message.size <= LARGEST_MESSAGE:
        raise LabError(
            f"{path}: found {message.size:,} bytes, expected 1 to {LARGEST_MESSAGE:,}. {algorithm} "
            "hashes the file twice and so takes no digest in its place; ED25519_PH_SHA_512 does."
        )
    answer = kms.sign(**_members(key_id, message))
    return FileSignature(
        key_arn=answer["KeyId"],
        algorithm=answer["SigningAlgorithm"],
        signature=answer["Signature"],
        digest=message.digest,
        size=message.size,
        key_fingerprint=fingerprint(public_key) if public_key else None,
    )


def verify_in_kms(
    kms: KMSClient,
    key_id: str,
    path: Path | str,
    signature: FileSignature | bytes,
    algorithm: str | None = None,
    *,
    public_key: PublicKey | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Let KMS verify a file's signature, with a key that the caller trusts.

    KMS answers a wrong signature with an exception, never with false. It becomes a verdict here,
    with what can be found out about why; whatever else KMS refuses passes. The verifier names the
    key: one that a signature file names is whoever's.

    Args:
        kms: client; needs ``kms:Verify``, and for ML-DSA ``kms:GetPublicKey`` or ``public_key``.
        key_id: key ID, key ARN, alias or alias ARN; of another account, an ARN.
        path: the file.
        signature: from a signature file, or bare, as KMS answers it.
        algorithm: a SigningAlgorithm. None: the signature file's.
        public_key: the key's public half. It helps to explain, and does not verify.
        progress: called with the bytes read and the bytes in all.

    Raises:
        MalformedError: no algorithm, or none of KMS's; or a public key that no KMS key has.
        OSError: the file cannot be read.
        ClientError: KMS refused for another reason than the signature (botocore's).
    """
    chosen = chosen_algorithm(signature, algorithm)
    if public_key is None and message_type(chosen) == "EXTERNAL_MU":
        public_key = load_public_key(kms, key_id).key
    message = read_message(path, chosen, public_key, progress)
    if message.too_long:
        return too_long(message)
    bare = signature.signature if isinstance(signature, FileSignature) else signature
    try:
        answer = kms.verify(Signature=bare, **_members(key_id, message))
    except kms.exceptions.KMSInvalidSignatureException:
        arn = key_id if ":key/" in key_id else ""
        return explain(message, signature, public_key, key_arn=arn)
    return valid(answer["SigningAlgorithm"], answer["KeyId"])


def _members(key_id: str, message: FileMessage) -> dict[str, Any]:
    return {
        "KeyId": key_id,
        "Message": message.content,
        "MessageType": message_type(message.algorithm),
        "SigningAlgorithm": message.algorithm,
    }
