import pytest

from pkilab.errors import MalformedError
from pkilab.security_findings import Finding, finding_of, original_finding_of


def test_the_posts_finding_is_valid_today_and_medium(events, checker):
    made = original_finding_of(events["issuance"])
    assert checker.problems(made) == []
    assert Finding.parse(made).label == "MEDIUM"
    assert made["Severity"] == {"Normalized": 60}
    assert "/acm-pca/" in made["Remediation"]["Recommendation"]["Url"]


def test_todays_finding_has_the_same_title_and_resource(events):
    then, now = original_finding_of(events["issuance"]), finding_of(events["issuance"])
    assert now
    assert now.Title == then["Title"]
    resource = now.asff()["Resources"][0]
    assert resource["Details"] == then["Resources"][0]["Details"]
    assert now.Severity.Label == "MEDIUM"
    assert now.Severity.Normalized is None


def test_an_event_without_a_certificate_is_refused(events):
    with pytest.raises(MalformedError, match="found 1 resources, expected the CA and the"):
        original_finding_of(events["creation"])
