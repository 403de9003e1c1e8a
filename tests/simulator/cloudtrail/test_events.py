"""Events, compared with the examples that AWS publishes."""

import json
from datetime import UTC, datetime

import pytest

from pkilab.simulator.service import AwsError

OWNER, OTHER = "111122223333", "444455556666"
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:us-west-2:{OWNER}:key/{KEY}"
SECOND = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"
CONTEXT = {"Department": "Engineering", "Project": "Alpha"}
# AWS KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail": of each page's example,
# the operation, requestParameters, responseElements, readOnly and the ARNs of resources; before
# them, the members of a request and an answer that lead there.
KMS_EXAMPLES = [
    ("Sign", {"KeyId": KEY, "Message": b"m", "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"},
     {"KeyId": ARN, "Signature": b"s", "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"},
     {"messageType": "RAW", "keyId": KEY, "signingAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"},
     None, True, [ARN]),
    ("Verify", {"KeyId": KEY, "Message": b"m", "Signature": b"s", "MessageType": "RAW",
                "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"},
     {"KeyId": ARN, "SignatureValid": True},
     {"signingAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256", "keyId": KEY, "messageType": "RAW"},
     None, True, [ARN]),
    ("Encrypt", {"KeyId": ARN, "Plaintext": b"p", "EncryptionContext": CONTEXT},
     {"KeyId": ARN, "CiphertextBlob": b"c"},
     {"encryptionContext": CONTEXT, "keyId": ARN, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"},
     None, True, [ARN]),
    ("Decrypt", {"KeyId": ARN, "CiphertextBlob": b"c", "EncryptionContext": CONTEXT},
     {"KeyId": ARN, "Plaintext": b"p"},
     {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": ARN, "encryptionContext": CONTEXT},
     None, True, [ARN]),
    ("ReEncrypt",
     {"CiphertextBlob": b"c", "SourceEncryptionContext": CONTEXT,
      "DestinationKeyId": "0987dcba-09fe-87dc-65ba-ab0987654321",
      "DestinationEncryptionContext": {"Level": "3A"}},
     {"SourceKeyId": ARN, "KeyId": SECOND, "CiphertextBlob": b"c"},
     {"sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "sourceEncryptionContext": CONTEXT,
      "destinationKeyId": "0987dcba-09fe-87dc-65ba-ab0987654321",
      "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
      "destinationEncryptionContext": {"Level": "3A"}},
     None, True, [ARN, SECOND]),
    ("GenerateDataKey", {"KeyId": KEY, "KeySpec": "AES_256", "EncryptionContext": CONTEXT},
     {"KeyId": ARN, "Plaintext": b"p", "CiphertextBlob": b"c"},
     {"keyId": KEY, "keySpec": "AES_256", "encryptionContext": CONTEXT}, None, True, [ARN]),
    ("GenerateDataKeyPair", {"KeyId": KEY, "KeyPairSpec": "RSA_3072",
                             "EncryptionContext": {"Project": "Alpha"}},
     {"KeyId": ARN, "PrivateKeyPlaintext": b"p", "PublicKey": b"k"},
     {"keyPairSpec": "RSA_3072", "encryptionContext": {"Project": "Alpha"}, "keyId": KEY},
     None, True, [ARN]),
    ("GenerateMac", {"KeyId": KEY, "Message": b"m", "MacAlgorithm": "HMAC_SHA_512"},
     {"KeyId": ARN, "Mac": b"c"}, {"macAlgorithm": "HMAC_SHA_512", "keyId": KEY},
     None, True, [ARN]),
    ("GenerateRandom", {"NumberOfBytes": 32}, {"Plaintext": b"p"}, None, None, True, []),
    ("ListAliases", {"Limit": 5}, {"Aliases": []}, {"limit": 5}, None, True, []),
    ("DescribeKey", {"KeyId": KEY}, {"KeyMetadata": {"KeyId": KEY, "Arn": ARN}}, {"keyId": KEY},
     None, True, [ARN]),
    ("GetKeyPolicy", {"KeyId": KEY}, {"Policy": "{}"}, {"keyId": KEY, "policyName": "default"},
     None, True, [ARN]),
    ("EnableKey", {"KeyId": KEY}, {}, {"keyId": KEY}, {"keyId": ARN}, False, [ARN]),
    ("DisableKey", {"KeyId": KEY}, {}, {"keyId": KEY}, {"keyId": ARN}, False, [ARN]),
    ("CancelKeyDeletion", {"KeyId": KEY}, {"KeyId": ARN}, {"keyId": KEY}, {"keyId": ARN}, False,
     [ARN]),
    ("ScheduleKeyDeletion", {"PendingWindowInDays": 20, "KeyId": KEY},
     {"KeyId": ARN, "KeyState": "PendingDeletion", "PendingWindowInDays": 30,
      "DeletionDate": datetime(2021, 11, 2, 23, 25, 25, tzinfo=UTC)},
     {"pendingWindowInDays": 20, "keyId": KEY},
     {"keyId": ARN, "deletionDate": "Nov 2, 2021, 11:25:25 PM", "keyState": "PendingDeletion",
      "pendingWindowInDays": 30}, False, [ARN]),
    ("CreateAlias", {"AliasName": "alias/ExampleAlias", "TargetKeyId": KEY}, {},
     {"aliasName": "alias/ExampleAlias", "targetKeyId": KEY}, {"keyId": ARN}, False,
     [ARN, f"arn:aws:kms:us-west-2:{OWNER}:alias/ExampleAlias"]),
    ("CreateGrant",
     {"KeyId": ARN, "GranteePrincipal": "EX_PRINCIPAL_ID", "Operations": ["Encrypt", "RetireGrant"],
      "Constraints": {"EncryptionContextSubset": {"ContextKey1": "Value1"}}},
     {"GrantId": "f020fe75", "GrantToken": "secret"},
     {"keyId": ARN, "constraints": {"encryptionContextSubset": {"ContextKey1": "Value1"}},
      "operations": ["Encrypt", "RetireGrant"], "granteePrincipal": "EX_PRINCIPAL_ID"},
     {"grantId": "f020fe75", "keyId": ARN}, False, [ARN]),
    ("TagResource", {"KeyId": ARN, "Tags": [{"TagKey": "Department", "TagValue": "IT"}]}, {},
     {"keyId": ARN, "tags": [{"tagKey": "Department", "tagValue": "IT"}]}, {"keyId": ARN}, False,
     [ARN]),
    ("PutKeyPolicy", {"KeyId": KEY, "Policy": "{}"}, {},
     {"keyId": KEY, "policyName": "default", "policy": "{}",
      "bypassPolicyLockoutSafetyCheck": False}, {"keyId": ARN}, False, [ARN]),
    ("ImportKeyMaterial",
     {"KeyId": KEY, "ImportToken": b"t", "EncryptedKeyMaterial": b"k",
      "ValidTo": datetime(2021, 1, 1, 20, 0, 0, tzinfo=UTC),
      "ExpirationModel": "KEY_MATERIAL_EXPIRES"}, {},
     {"keyId": KEY, "validTo": "Jan 1, 2021, 8:00:00 PM",
      "expirationModel": "KEY_MATERIAL_EXPIRES"}, {"keyId": ARN}, False, [ARN]),
]  # fmt: skip


@pytest.mark.parametrize("example", KMS_EXAMPLES, ids=lambda example: example[0])
def test_kms_events_are_those_of_its_guide(history, example):
    """Parameters, answers, readOnly and resources, operation by operation."""
    operation, members, result, request, response, read_only, arns = example
    event = history.event("kms", operation, members, result=result)
    assert event["requestParameters"] == request
    assert event["responseElements"] == response
    assert event["readOnly"] is read_only
    assert [each["ARN"] for each in event["resources"]] == arns
    assert all(each["type"] == "AWS::KMS::Key" for each in event["resources"])
    assert all(each["accountId"] == OWNER for each in event["resources"])


def test_a_whole_event_has_the_elements_of_awss_example_in_their_order(history):
    """The page "Sign" of the KMS guide, with eventVersion as of today."""
    members = {"KeyId": KEY, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    event = history.event("kms", "Sign", members, result={"KeyId": ARN, "Signature": b"s"})
    assert list(event) == [
        "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion",
        "sourceIPAddress", "userAgent", "requestParameters", "responseElements", "requestID",
        "eventID", "readOnly", "resources", "eventType", "managementEvent", "recipientAccountId",
        "eventCategory",
    ]  # fmt: skip
    assert event.items() >= {
        "eventVersion": "1.11", "eventTime": "2026-11-02T09:00:00Z",
        "eventSource": "kms.amazonaws.com", "eventName": "Sign", "awsRegion": "us-west-2",
        "sourceIPAddress": "192.0.2.0", "userAgent": "aws-cli/2",
        "requestID": "8d0b35e0-46cf-48b9-be99-bf2ebc9ab9fb", "eventType": "AwsApiCall",
        "managementEvent": True, "recipientAccountId": OWNER, "eventCategory": "Management",
    }.items()  # fmt: skip
    assert event["userIdentity"] == {
        "type": "IAMUser", "principalId": "AIDACKCEVSQ6C2EXAMPLE",
        "arn": f"arn:aws:iam::{OWNER}:user/Alice", "accountId": OWNER,
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "Alice",
    }  # fmt: skip


def test_creating_a_key_logs_what_kms_assumed(history):
    """The page "CreateKey": defaults are written out, both names of the key spec included."""
    result = {
        "KeyMetadata": {
            "AWSAccountId": OWNER,
            "KeyId": KEY,
            "Arn": ARN,
            "CreationDate": datetime(2022, 8, 10, 22, 38, 27, tzinfo=UTC),
            "Enabled": True,
        }
    }
    event = history.event("kms", "CreateKey", {"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"},
                          result=result)  # fmt: skip
    assert event["requestParameters"] == {
        "tags": [], "keyUsage": "SIGN_VERIFY", "description": "", "origin": "AWS_KMS",
        "multiRegion": False, "bypassPolicyLockoutSafetyCheck": False, "keySpec": "RSA_2048",
        "customerMasterKeySpec": "RSA_2048",
    }  # fmt: skip
    assert event["responseElements"] == {
        "keyMetadata": {
            "aWSAccountId": OWNER, "keyId": KEY, "arn": ARN,
            "creationDate": "Aug 10, 2022, 10:38:27 PM", "enabled": True,
        }
    }  # fmt: skip
    assert [each["ARN"] for each in event["resources"]] == [ARN]


def test_retiring_a_grant_tells_the_grant_beside_the_request(history):
    """The page "RetireGrant"."""
    event = history.event("kms", "RetireGrant", {"KeyId": ARN, "GrantId": "abcde123"}, result={})
    assert event["requestParameters"] is None
    assert event["additionalEventData"] == {"grantId": "abcde123"}


def test_a_refused_call_has_its_error_and_no_answer(history):
    """The page "Decrypt", its failure; and every denial is AccessDenied."""
    sentence = "The key ID in the request does not identify a CMK that can perform this operation."
    members = {"KeyId": ARN, "CiphertextBlob": b"c"}
    event = history.event(
        "kms", "Decrypt", members, error=AwsError("IncorrectKeyException", sentence)
    )
    assert (event["errorCode"], event["errorMessage"]) == ("IncorrectKeyException", sentence)
    assert event["responseElements"] is None
    assert list(event).index("errorCode") == list(event).index("userAgent") + 1
    denied = AwsError("AccessDeniedException", "User: x is not authorized to perform: kms:Sign")
    event = history.event("kms", "DisableKey", {"KeyId": KEY}, error=denied)
    assert event["errorCode"] == "AccessDenied"
    assert event["responseElements"] is None
    assert [each["ARN"] for each in event["resources"]] == [ARN]


def test_a_key_that_was_named_by_its_alias_is_known_by_the_answer(history):
    """Of a call that failed, the event has no key: the alias alone does not say which it was."""
    members = {"KeyId": "alias/signer", "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    event = history.event("kms", "Sign", members, result={"KeyId": ARN})
    assert [each["ARN"] for each in event["resources"]] == [ARN]
    event = history.event("kms", "Sign", members, error=AwsError("NotFoundException", "no"))
    assert event["resources"] == []


def test_a_roles_session_tells_who_issued_it_and_when(history):
    """CloudTrail User Guide, "CloudTrail userIdentity element"."""
    call = history.session(mfa=True, source_identity="Alice")
    identity = history.event("kms", "ListKeys", call=call)["userIdentity"]
    assert identity == {
        "type": "AssumedRole",
        "principalId": "AROAIDPPEZS35WEXAMPLE:build-7",
        "arn": f"arn:aws:sts::{OWNER}:assumed-role/Signer/build-7",
        "accountId": OWNER,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAIDPPEZS35WEXAMPLE",
                "arn": f"arn:aws:iam::{OWNER}:role/ci/Signer",
                "accountId": OWNER,
                "userName": "Signer",
            },
            "attributes": {"creationDate": "2026-11-02T09:00:00Z", "mfaAuthenticated": "true"},
            "sourceIdentity": "Alice",
        },
    }


def test_services_call_under_their_own_name_or_in_somebodys(history):
    """AWSService with invokedBy; or the user, and the service that called for them."""
    call = history.call(identity=None, access_key_id="")
    service = type(call)(OWNER, call.region, call.now, "acm.amazonaws.com")
    event = history.event("acm-pca", "IssueCertificate", call=service)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "acm.amazonaws.com"}
    assert event["sourceIPAddress"] == event["userAgent"] == "acm.amazonaws.com"
    forwarded = history.call(via=("cloudformation.amazonaws.com",))
    event = history.event("kms", "CreateKey", call=forwarded)
    assert event["userIdentity"]["userName"] == "Alice"
    assert event["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"
    assert event["sourceIPAddress"] == "cloudformation.amazonaws.com"


def test_the_key_owners_account_sees_the_call_of_another(history):
    """Both events share an id; the owner sees the account, not the user's name or key."""
    members = {"KeyId": ARN, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    history.record("kms", "Sign", members, call=history.call(OTHER), result={"KeyId": ARN})
    own, owners = history.newest(OTHER), history.newest(OWNER)
    assert own["sharedEventID"] == owners["sharedEventID"]
    assert own["eventID"] != owners["eventID"]
    assert own["requestID"] == owners["requestID"]
    assert (own["recipientAccountId"], owners["recipientAccountId"]) == (OTHER, OWNER)
    assert own["userIdentity"]["type"] == "IAMUser"
    assert owners["userIdentity"] == {
        "type": "AWSAccount",
        "principalId": "AIDACKCEVSQ6C2EXAMPLE",
        "accountId": OTHER,
    }
    assert (
        own["resources"]
        == owners["resources"]
        == [{"accountId": OWNER, "type": "AWS::KMS::Key", "ARN": ARN}]
    )
    signed = [{"AttributeKey": "EventName", "AttributeValue": "Sign"}]
    (event,) = history.lookup(OWNER, LookupAttributes=signed)["Events"]
    assert not {"Username", "AccessKeyId"} & event.keys()
    assert history.found("Username", "Alice") == []


def test_a_denied_call_across_accounts_is_the_callers_alone(history):
    """KMS guide: requests that are rejected because access is denied are not shown to the owner."""
    denied = AwsError("AccessDeniedException", "no")
    call = history.call(OTHER)
    history.record("kms", "DescribeKey", {"KeyId": ARN}, call=call, error=denied)
    assert history.newest(OTHER)["errorCode"] == "AccessDenied"
    assert "sharedEventID" not in history.newest(OTHER)
    assert history.lookup(OWNER)["Events"] == []
    history.record("kms", "DescribeKey", {"KeyId": ARN}, call=call, error=AwsError("X", "no"))
    assert history.newest(OWNER)["errorCode"] == "X"


def test_assuming_a_role_shows_the_credentials_but_their_secret(history):
    """CloudTrail User Guide, the example of responseElements; the role's owner sees it too."""
    role = f"arn:aws:iam::{OWNER}:role/Developer_Role"
    result = {
        "Credentials": {
            "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "SecretAccessKey": "do not log",
            "SessionToken": "token",
            "Expiration": datetime(2021, 1, 22, 0, 46, 28, tzinfo=UTC),
        },
        "AssumedRoleUser": {"AssumedRoleId": "AROA:Session_Name", "Arn": "arn"},
    }
    members = {"RoleArn": role, "RoleSessionName": "Session_Name", "TokenCode": "123456"}
    history.record("sts", "AssumeRole", members, call=history.call(OTHER), result=result)
    own, owners = history.newest(OTHER), history.newest(OWNER)
    assert own["requestParameters"] == {"roleArn": role, "roleSessionName": "Session_Name"}
    assert own["responseElements"] == {
        "credentials": {
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
            "expiration": "Jan 22, 2021, 12:46:28 AM",
        },
        "assumedRoleUser": {"assumedRoleId": "AROA:Session_Name", "arn": "arn"},
    }
    assert own["readOnly"] is True
    assert owners["resources"] == [{"accountId": OWNER, "type": "AWS::IAM::Role", "ARN": role}]
    assert owners["userIdentity"]["accountId"] == OTHER


def test_private_ca_events_show_octets_as_buffers(history):
    """Private CA User Guide, the example of IssueCertificate: a ByteBuffer, answer and all."""
    ca = f"arn:aws:acm-pca:us-west-2:{OWNER}:certificate-authority/11223344"
    members = {
        "CertificateAuthorityArn": ca,
        "Csr": b"--\xff",
        "SigningAlgorithm": "SHA256WITHRSA",
        "Validity": {"Value": 365, "Type": "DAYS"},
        "IdempotencyToken": "1234",
    }
    result = {"CertificateArn": f"{ca}/certificate/6707"}
    event = history.event("acm-pca", "IssueCertificate", members, result=result)
    assert event["requestParameters"] == {
        "certificateAuthorityArn": ca,
        "csr": {
            "hb": [45, 45, -1], "offset": 0, "isReadOnly": False, "bigEndian": True,
            "nativeByteOrder": False, "mark": -1, "position": 3, "limit": 3, "capacity": 3,
            "address": 0,
        },
        "signingAlgorithm": "SHA256WITHRSA",
        "validity": {"value": 365, "type": "DAYS"},
        "idempotencyToken": "1234",
    }  # fmt: skip
    assert event["responseElements"] == {"certificateArn": f"{ca}/certificate/6707"}
    assert event["readOnly"] is False
    asked = {"CertificateAuthorityArn": ca, "CertificateArn": result["CertificateArn"]}
    event = history.event("acm-pca", "GetCertificate", asked, result={"Certificate": "PEM"})
    assert (event["responseElements"], event["readOnly"]) == (None, True)
    assert set(event["requestParameters"]) == {"certificateAuthorityArn", "certificateArn"}


def test_organizations_events_show_an_invitation_and_hide_addresses_of_accounts(history):
    """Organizations User Guide, the examples of InviteAccountToOrganization and CreateAccount."""
    target = {"Type": "ACCOUNT", "Id": "222222222222"}
    party = {"Id": "o-aa111bb222", "Type": "ORGANIZATION"}
    result = {"Handshake": {"Id": "h-examplehandshakeid111", "Parties": [party], "State": "OPEN"}}
    history.record(
        "organizations",
        "InviteAccountToOrganization",
        {"Target": target, "Notes": "Join"},
        result=result,
    )
    event = history.newest(region="us-east-1")
    assert event["requestParameters"] == {
        "target": {"type": "ACCOUNT", "id": "222222222222"},
        "notes": "Join",
    }
    assert event["responseElements"]["handshake"]["parties"] == [
        {"id": "o-aa111bb222", "type": "ORGANIZATION"}
    ]
    members = {"Email": "a@example.com", "AccountName": "a", "Tags": []}
    history.record("organizations", "CreateAccount", members)
    event = history.newest(region="us-east-1")
    assert event["requestParameters"] == {"email": "****", "accountName": "****", "tags": []}


def test_event_names_of_lambda_carry_a_version_and_s3_has_its_own(history):
    """As those services log them."""
    assert history.event("lambda", "CreateFunction")["eventName"] == "CreateFunction20150331"
    event = history.event("s3", "PutPublicAccessBlock", {"Bucket": "b"})
    assert event["eventName"] == "PutBucketPublicAccessBlock"
    assert event["resources"] == [
        {"accountId": OWNER, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"}
    ]
    assert history.event("apigatewayv2", "CreateApi")["eventSource"] == "apigateway.amazonaws.com"


def test_the_same_calls_give_the_same_bytes(open_history):
    """Event ids come from the world's entropy; a service's own call gets a request id too."""

    def text(**options):
        history = open_history(**options)
        history.record("kms", "ListKeys", call=history.call(request_id=""))
        return history.lookup()["Events"][0]["CloudTrailEvent"]

    assert text() == text()
    assert json.loads(text())["requestID"] != json.loads(text(seed="another"))["requestID"]
