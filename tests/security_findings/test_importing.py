from __future__ import annotations

import json
import tracemalloc

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pkilab.security_findings import Imported, batches, import_findings, size_of
from pkilab.security_findings.importing import LARGEST_BATCH, MOST


class Hub:
    """Answers as scripted, then takes everything; remembers what it was sent."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), []

    def batch_import_findings(self, *, Findings):  # noqa: N803 - boto3's own
        """Answer one call."""
        self.calls.append([each["Id"] for each in Findings])
        answer = self.answers.pop(0) if self.answers else {}
        if isinstance(answer, Exception):
            raise answer
        failed = [
            {"Id": number, "ErrorCode": code, "ErrorMessage": "why"}
            for number, code in answer.items()
        ]
        taken = len(Findings) - len(failed)
        return {"FailedCount": len(failed), "SuccessCount": taken, "FailedFindings": failed}


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "BatchImportFindings")


def sized(finding, size):
    """Return a finding of exactly so many bytes as JSON."""
    other = {f"k{n}": "v" * 1000 for n in range(50)}
    resource = {"Type": "Other", "Id": "x", "Details": {"Other": other}}
    resources = [resource] * (size // 53_000)
    pairs, room = {}, size - size_of(finding(Resources=resources, ProductFields={}).asff())
    while room > 0:
        key = f"{len(pairs):03}"
        length = min(2000, room - (9 if not pairs else 11))
        pairs[key] = "x" * length
        room -= length + (9 if not pairs else 11)
        made = finding(Resources=resources, ProductFields=pairs)
        room = size - size_of(made.asff())
    return made


def test_findings_go_in_their_order_100_at_a_time(finding):
    hub = Hub()
    result = import_findings(hub, (finding(Id=str(n)) for n in range(250)))
    assert [len(call) for call in hub.calls] == [100, 100, 50]
    assert [number for call in hub.calls for number in call] == [str(n) for n in range(250)]
    assert result == Imported(imported=250, calls=3)
    assert result.ok


def test_nothing_is_no_call():
    hub = Hub()
    assert import_findings(hub, []) == Imported()
    assert hub.calls == []


def test_a_batch_ends_before_6_mb(finding):
    """100 findings of 70,000 bytes are seven million."""
    each = sized(finding, 70_000)
    assert size_of(each.asff()) == 70_000
    made = list(batches(each.asff() for _ in range(100)))
    assert [len(batch.findings) for batch in made] == [85, 15]
    for batch in made:
        assert batch.size == len(json.dumps(list(batch.findings))) <= LARGEST_BATCH


def test_the_size_is_that_of_botocores_bytes(finding):
    """What its serializer writes for one call, but for the list's name around it."""
    made = [finding(Id=str(n), Title="Prüfung \N{KEY}").asff() for n in range(3)]
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.serialize import create_serializer

    model = ServiceModel(Loader().load_service_model("securityhub", "service-2"), "securityhub")
    operation = model.operation_model("BatchImportFindings")
    request = create_serializer("rest-json").serialize_to_request({"Findings": made}, operation)
    (batch,) = batches(made)
    assert len(request["body"]) == batch.size + len('{"Findings": }')


def test_a_finding_over_240_kb_is_not_sent_and_the_others_are(finding):
    other = {f"k{n}": "v" * 1000 for n in range(50)}
    resources = [{"Type": "Other", "Id": "x", "Details": {"Other": other}}] * 5
    large = finding(Id="large", Resources=resources)
    assert size_of(large.asff()) > 240_000
    hub = Hub()
    result = import_findings(hub, [finding(Id="a"), large, finding(Id="b")])
    assert hub.calls == [["a", "b"]]
    assert result.imported == 2
    (failed,) = result.failed
    assert (failed.id, failed.code) == ("large", "FindingTooLarge")
    assert "at most 240000" in str(failed)


def test_what_is_refused_for_good_is_reported_and_not_sent_again(finding):
    hub = Hub({"b": "InvalidInput"})
    result = import_findings(hub, [finding(Id="a"), finding(Id="b")])
    assert len(hub.calls) == 1
    assert result.imported == 1
    assert [str(each) for each in result.failed] == ["b: InvalidInput: why"]
    assert not result.ok


def test_what_fails_for_a_moment_is_sent_again_alone(finding):
    waits = []
    hub = Hub({"b": "InternalFailure", "c": "InvalidInput"}, {"b": "InternalFailure"})
    result = import_findings(hub, [finding(Id=n) for n in "abc"], sleep=waits.append)
    assert hub.calls == [["a", "b", "c"], ["b"], ["b"]]
    assert waits == [0.5, 1.0]
    assert (result.imported, result.calls, result.retried) == (2, 3, 2)
    assert [each.id for each in result.failed] == ["c"]


def test_a_throttled_call_is_made_again(finding):
    waits = []
    hub = Hub(refusal("TooManyRequestsException"), refusal("ThrottlingException"))
    result = import_findings(hub, [finding(Id="a")], sleep=waits.append)
    assert hub.calls == [["a"]] * 3
    assert waits == [0.5, 1.0]
    assert result.imported == 1


def test_what_still_fails_after_all_tries_is_reported(finding):
    hub = Hub(*[{"a": "InternalFailure"}] * 3)
    result = import_findings(hub, [finding(Id="a")], sleep=lambda _: None, tries=3)
    assert len(hub.calls) == 3
    assert [each.code for each in result.failed] == ["InternalFailure"]


@pytest.mark.parametrize(
    ("answers", "calls"),
    [([refusal("AccessDeniedException")], 1), ([refusal("ThrottlingException")] * 3, 3)],
)
def test_a_call_that_is_refused_for_good_raises(finding, answers, calls):
    hub = Hub(*answers)
    with pytest.raises(ClientError):
        import_findings(hub, [finding()], sleep=lambda _: None, tries=3)
    assert len(hub.calls) == calls


def test_progress_is_told_after_each_batch(finding):
    seen = []
    import_findings(Hub(), (finding(Id=str(n)) for n in range(150)), progress=seen.append)
    assert [each.imported for each in seen] == [100, 150]


def test_memory_does_not_grow_with_the_findings(finding):
    """Of 5,000 from a generator, no more than a few batches are held at once."""
    one = finding()

    class Forgetful(Hub):
        def batch_import_findings(self, *, Findings):  # noqa: N803 - boto3's own
            return {"FailedCount": 0, "SuccessCount": len(Findings), "FailedFindings": []}

    def peak(count):
        tracemalloc.start()
        import_findings(Forgetful(), (one for _ in range(count)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(200)  # what is cached on first use
    assert peak(5_000) < 2 * peak(500)


@given(st.lists(st.integers(1, 400_000), max_size=250))
def test_batches_hold_everything_once_in_order_and_within_both_limits(sizes):
    findings = [{"Id": str(n), "x": "y" * size} for n, size in enumerate(sizes)]
    made = list(batches(findings))
    assert [each for batch in made for each in batch.findings] == findings
    for batch in made:
        assert 1 <= len(batch.findings) <= MOST
        assert batch.size <= LARGEST_BATCH
