"""Signatures of messages: verified by openssl, with the certificate that the world serves."""

import base64
import json
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from pkilab.simulator.sns.signing import is_certificate, string_to_sign

# The example of the Developer Guide, "Verifying the signatures of Amazon SNS messages".
EXAMPLE = {
    "Type": "Notification",
    "Message": "Test Message",
    "MessageId": "4d4dc071-ddbf-465d-bba8-08f81c89da64",
    "Subject": "My subject",
    "Timestamp": "2019-01-31T04:37:04.321Z",
    "TopicArn": "arn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P",
}


def openssl(*words, cwd):
    return subprocess.run(
        ["openssl", *words], cwd=cwd, capture_output=True, text=True, check=False
    )  # fmt: skip


@pytest.fixture
def fetched(lab, tmp_path):
    """Write the certificate of a message, its chain and its public key to files."""

    def write(message):
        pem = lab.fetch(message["SigningCertURL"])
        assert pem.status == 200
        (tmp_path / "leaf.pem").write_bytes(pem.body)
        leaf = x509.load_pem_x509_certificate(pem.body)
        # The intermediate is where the certificate says that it is.
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        (url,) = (
            each.access_location.value
            for each in access
            if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        )
        between = x509.load_der_x509_certificate(lab.fetch(url).body)
        chain = lab._place.gateway._trust.chain(leaf.public_key())
        assert between == chain[0]
        for name, certificate in (("between", chain[0]), ("root", chain[1])):
            octets = certificate.public_bytes(Encoding.PEM)
            (tmp_path / f"{name}.pem").write_bytes(octets)
        key = openssl("x509", "-in", "leaf.pem", "-pubkey", "-noout", cwd=tmp_path)
        (tmp_path / "key.pem").write_text(key.stdout)
        return leaf

    return write


def verdict(message, tmp_path):
    """Return what openssl says of a message's signature, over the guide's own string to sign."""
    names = {
        "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        "SubscriptionConfirmation": [
            "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
        ],
    }[message["Type"]]  # fmt: skip
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    (tmp_path / "signed.txt").write_bytes(text.encode())
    (tmp_path / "signature").write_bytes(base64.b64decode(message["Signature"]))
    digest = {"1": "-sha1", "2": "-sha256"}[message["SignatureVersion"]]
    words = ("-verify", "key.pem", "-signature", "signature", "signed.txt")
    return openssl("dgst", digest, *words, cwd=tmp_path).stdout.strip()


@pytest.mark.parametrize("version", ["1", "2"])
def test_openssl_verifies_a_message_by_the_certificate_at_its_url(
    sns, topic, queue, subscription, fetched, tmp_path, version
):
    """Both versions, whatever the text, with a subject and without; a changed message fails."""
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="SignatureVersion", AttributeValue=version
    )
    sns.publish(TopicArn=topic, Message='né "x"\nüber\t€', Subject="Sübject")
    sns.publish(TopicArn=topic, Message="plain")
    messages = queue.envelopes()
    assert [each["SignatureVersion"] for each in messages] == [version] * 2
    assert [each.get("Subject") for each in messages] == ["Sübject", None]
    for message in messages:
        fetched(message)
        assert verdict(message, tmp_path) == "Verified OK"
        for name in ("Message", "Timestamp", "TopicArn", "MessageId"):
            changed = {**message, name: message[name] + "."}
            assert verdict(changed, tmp_path) == "Verification failure"


def test_the_certificate_is_amazons_for_sns_and_its_chain_verifies(
    lab, sns, topic, queue, subscription, fetched, tmp_path
):
    """By openssl, at the world's time, for the name sns.amazonaws.com and for no other."""
    sns.publish(TopicArn=topic, Message="m")
    (message,) = queue.envelopes()
    leaf = fetched(message)
    (name,) = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "sns.amazonaws.com"
    when = str(int(lab.clock.now().timestamp()))
    words = (
        "verify", "-CAfile", "root.pem", "-untrusted", "between.pem", "-attime", when,
        "-purpose", "sslserver", "-verify_hostname",
    )  # fmt: skip
    assert openssl(*words, "sns.amazonaws.com", "leaf.pem", cwd=tmp_path).returncode == 0
    assert openssl(*words, "sqs.amazonaws.com", "leaf.pem", cwd=tmp_path).returncode != 0
    host, _, file = message["SigningCertURL"].removeprefix("https://").partition("/")
    assert host == "sns.us-east-1.amazonaws.com"
    assert is_certificate(f"/{file}")


def test_regions_have_keys_of_their_own_and_certificates_are_renewed(lab, open_queue):
    """A month before the end there is another; the old one is still served."""
    urls = {}
    for region in ("us-east-1", "eu-west-1"):
        sns = lab.client("sns", region=region)
        arn = sns.create_topic(Name="t")["TopicArn"]
        queue = open_queue(region)
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
        for days in (0, 167, 1):
            lab.clock.advance(days=days)
            sns.publish(TopicArn=arn, Message="m")
            (message,) = queue.envelopes()
            urls.setdefault(region, []).append(message["SigningCertURL"])
            queue.sqs.purge_queue(QueueUrl=queue.url)
    for region, (first, second, third) in urls.items():
        assert first.startswith(f"https://sns.{region}.amazonaws.com/")
        assert (first == second, second == third) == (True, False)
        assert lab.fetch(first).body != lab.fetch(third).body
    absent = urls["us-east-1"][0].replace("us-east-1", "us-west-2")
    assert lab.fetch(absent).status == 404


def test_the_string_to_sign_is_the_guides():
    """Names in alphabetical order, each and its value on a line; without a Subject no lines."""
    assert string_to_sign(EXAMPLE).decode() == (
        "Message\nTest Message\nMessageId\n4d4dc071-ddbf-465d-bba8-08f81c89da64\nSubject\n"
        "My subject\nTimestamp\n2019-01-31T04:37:04.321Z\nTopicArn\n"
        "arn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P\nType\nNotification\n"
    )
    bare = {key: value for key, value in EXAMPLE.items() if key != "Subject"}
    assert b"Subject" not in string_to_sign(bare)
    with pytest.raises(KeyError):
        string_to_sign({**EXAMPLE, "Type": "Other"})


def test_the_same_seed_signs_the_same(lab, sns, topic, queue, subscription):
    """Signatures by PKCS #1 v1.5 have nothing random in them."""
    sns.publish(TopicArn=topic, Message="m")
    (message,) = queue.envelopes()
    # Another lab of the same seed cannot be open meanwhile: the same message, signed again.
    signer = lab._place.gateway._sns._signer
    said = {key: message[key] for key in ("Type", "Message", "MessageId", "Timestamp", "TopicArn")}
    assert signer.signed("us-east-1", said, "1")["Signature"] == message["Signature"]
    assert json.dumps(message).count(message["Signature"]) == 1
    assert "RSAPrivateKey" not in repr(signer._signing)
