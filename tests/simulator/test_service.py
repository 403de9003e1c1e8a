"""The wire format: decoded, checked and encoded by botocore's model."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.access.catalogue import SERVICES
from pkilab.simulator.service import (
    AwsError,
    HttpRequest,
    HttpResponse,
    _pattern,
    decode_input,
    encode,
    service_model,
)

MODEL = service_model("acm-pca")
ISSUE = MODEL.operation_model("IssueCertificate")
CA = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/5f0c8a52"


def issue(**changes):
    members = {
        "CertificateAuthorityArn": CA,
        "Csr": base64.b64encode(b"csr").decode(),
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Validity": {"Value": 1, "Type": "DAYS"},
        **changes,
    }
    return json.dumps({k: v for k, v in members.items() if v is not None}).encode()


def test_a_nesting_without_end_is_a_serialization_exception():
    """Filters of ACM's search are made of filters."""
    search = service_model("acm").operation_model("SearchCertificates")
    body = b'{"FilterStatement": ' + b'{"Not": ' * 900 + b"{}" + b"}" * 901
    with pytest.raises(AwsError, match="SerializationException"):
        decode_input(search, body)


def test_a_request_of_the_model_is_decoded():
    """Blobs become bytes."""
    assert decode_input(ISSUE, issue())["Csr"] == b"csr"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"Csr": None},
            "Value null at 'csr' failed to satisfy constraint: Member must not be null",
        ),
        ({"SigningAlgorithm": "MD5"}, "at 'signingAlgorithm' failed .* enum value set"),
        ({"Validity": {"Value": 0, "Type": "DAYS"}}, "at 'validity.value' .* or equal to 1"),
        ({"CertificateAuthorityArn": "nope!"}, "at 'certificateAuthorityArn' .* pattern"),
        (
            {"IdempotencyToken": "x" * 37},
            "at 'idempotencyToken' .* length less than or equal to 36",
        ),
    ],
)
def test_a_violated_constraint_is_named_in_awss_sentence(changes, sentence):
    """ValidationException says value, member and constraint."""
    with pytest.raises(AwsError, match=sentence) as caught:
        decode_input(ISSUE, issue(**changes))
    assert caught.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ([], r"Value '\[\]' at 'subjectAlternativeNames' .* greater than or equal to 1$"),
        (
            ["a.example", ""],
            r"Value '\[a.example, \]' at 'subjectAlternativeNames' failed to satisfy constraint: "
            r"Member must satisfy constraint: \[Member must have length less than or equal to 253, "
            r"Member must have length greater than or equal to 1, Member must satisfy reg.*\]$",
        ),
    ],
)
def test_a_list_answers_for_its_texts(texts, sentence):
    """As terraform-provider-aws 14782 and serverless-cloudfront-distribution-certificate 7 saw."""
    request = service_model("acm").operation_model("RequestCertificate")
    body = {"DomainName": "a.example", "SubjectAlternativeNames": texts}
    with pytest.raises(AwsError, match=f"^ValidationException: 1 validation error .* {sentence}"):
        decode_input(request, json.dumps(body).encode())


def test_every_violation_is_reported_at_once():
    """Whoever repairs the request sees all of it."""
    with pytest.raises(AwsError, match=r"^ValidationException: 2 validation errors detected"):
        decode_input(ISSUE, issue(Csr=None, SigningAlgorithm="MD5"))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"Csr": 7}', b'{"Csr": "%%%"}', b'{"Validity": []}']
)
def test_what_is_not_of_the_shape_is_a_serialization_exception(body):
    """Broken JSON, wrong types and bad Base64."""
    with pytest.raises(AwsError) as caught:
        decode_input(ISSUE, body)
    assert caught.value.code == "SerializationException"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(MODEL.operation_names)), st.data())
def test_any_json_is_decoded_or_refused_in_awss_words(operation, data):
    """Only AwsError leaves the decoder."""
    model = MODEL.operation_model(operation)
    names = st.sampled_from(sorted(model.input_shape.members))
    body = data.draw(st.dictionaries(names, json_values, max_size=4))
    try:
        decode_input(model, json.dumps(body).encode())
    except AwsError as error:
        assert error.code in {"SerializationException", "ValidationException"}


def test_times_are_encoded_as_epoch_seconds_and_absence_is_left_out():
    """As AWS JSON 1.1 has it."""
    shape = MODEL.operation_model("DescribeCertificateAuthority").output_shape
    moment = datetime(2026, 1, 5, 9, tzinfo=UTC)
    encoded = encode(shape, {"CertificateAuthority": {"CreatedAt": moment, "Serial": None}})
    assert encoded == {"CertificateAuthority": {"CreatedAt": moment.timestamp()}}


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"tagging"}))
def test_every_pattern_of_a_services_model_is_understood(service):
    """They are written for Java, whose classes and ranges are not all Python's."""
    model = service_model(service)
    for name in model.shape_names:
        if pattern := model.shape_for(name).metadata.get("pattern"):
            assert _pattern(pattern).groups >= 0, name


def test_javas_classes_match_what_they_say():
    """A nonce of ASCII; a name that may have any character of Unicode."""
    assert _pattern(r"\p{ASCII}+").fullmatch("a b~")
    assert not _pattern(r"\p{ASCII}+").fullmatch("\xe9")
    assert _pattern(r"[\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]").fullmatch("\U0001f600")


def test_requests_and_answers_are_shown_without_what_may_be_secret():
    """Bodies have values of secrets, headers tokens."""
    request = HttpRequest("POST", "https://x/", {"x-amz-security-token": "hush"}, b"hush")
    assert "https://x/" in repr(request)
    assert "hush" not in repr(request) + repr(HttpResponse(200, {}, b"hush"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-01-05T09:00:00Z", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("2026-01-05T10:00:00.25+01:00", datetime(2026, 1, 5, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-05T09:00:00", None),
        ("2026-13-05T09:00:00Z", None),
        ("2026-W02-1T09:00:00Z", None),
        ("0001-01-01T00:00:00+01:00", None),
        (1767603600, None),
    ],
)
def test_a_time_that_the_model_has_in_iso_8601_is_read_so(text, found):
    """With a zone; a number is refused there, as a text is where the model has numbers."""
    operation = service_model("securityhub").operation_model("GetFindingHistory")
    key = {"Id": "i", "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/x"}
    body = json.dumps({"FindingIdentifier": key, "StartTime": text}).encode()
    if found is None:
        with pytest.raises(AwsError) as caught:
            decode_input(operation, body)
        assert caught.value.code == "SerializationException"
    else:
        assert decode_input(operation, body)["StartTime"] == found


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("ListRuleNamesByTarget", {"TargetArn": "x\ud83d"}),
        ("UpdateEventBus", {"Name": "\ude00"}),
        ("PutRule", {"Name": "r", "Tags": [{"Key": "\ud800", "Value": "v"}]}),
        ("PutTargets", {
            "Rule": "r",
            "Targets": [{"Id": "1", "Arn": "a", "InputTransformer": {
                "InputPathsMap": {"\ud83d": "$.x"}, "InputTemplate": "t"}}],
        }),
    ],
)  # fmt: skip
def test_half_a_surrogate_pair_is_no_text(operation, members):
    """JSON can write one; nothing that is stored, signed or sent can."""
    with pytest.raises(AwsError) as caught:
        decode_input(
            service_model("events").operation_model(operation), json.dumps(members).encode()
        )
    assert caught.value.code == "SerializationException"


def test_a_whole_surrogate_pair_is_a_character():
    """As json.dumps writes what is beyond the basic plane."""
    body = json.dumps({"TargetArn": "😀"}).encode()
    assert body.isascii()
    operation = service_model("events").operation_model("ListRuleNamesByTarget")
    assert decode_input(operation, body) == {"TargetArn": "😀"}
