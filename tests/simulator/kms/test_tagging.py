"""Tags of a KMS key; the sentences were recorded from KMS."""

import pytest

LONG = [{"TagKey": str(n), "TagValue": ""} for n in range(51)]


def tags(kms, arn):
    """The tags of a key."""
    return {one["TagKey"]: one["TagValue"] for one in kms("ListResourceTags", KeyId=arn)["Tags"]}


def test_tags_are_set_changed_and_removed(kms):
    arn = kms.create(Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": ""}])
    assert tags(kms, arn) == {"a": "1", "b": ""}
    more = [{"TagKey": "a", "TagValue": "2"}, {"TagKey": "c", "TagValue": "3"}]
    assert kms("TagResource", KeyId=arn, Tags=more) == {}
    assert tags(kms, arn) == {"a": "2", "b": "", "c": "3"}
    assert kms("UntagResource", KeyId=arn, TagKeys=["a", "none"]) == {}
    assert tags(kms, arn) == {"b": "", "c": "3"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "1"}],
         "Duplicate tag keys"),
        (LONG, "Too many tags"),
        ([{"TagKey": "aws:a", "TagValue": "1"}], "Tags beginning with aws: are reserved"),
        ([{"TagKey": "AWS:a", "TagValue": "1"}], "Tags beginning with aws: are reserved"),
    ],
    ids=str,
)  # fmt: skip
def test_tags_that_cannot_be_are_refused(kms, given, message):
    assert kms.refused("TagException", "CreateKey", Tags=given) == message
    assert kms("ListKeys")["Keys"] == []
    arn = kms.create()
    assert kms.refused("TagException", "TagResource", KeyId=arn, Tags=given) == message
    assert tags(kms, arn) == {}


def test_reserved_tags_are_not_removed_either(kms):
    kms.refused("TagException", "UntagResource", KeyId=kms.create(), TagKeys=["aws:a"])


def test_too_many_is_counted_with_what_is_there(kms):
    arn = kms.create(Tags=LONG[:50])
    assert len(tags(kms, arn)) == 50
    kms.refused("TagException", "TagResource", KeyId=arn, Tags=LONG[50:])
    kms("TagResource", KeyId=arn, Tags=[{"TagKey": "7", "TagValue": "changed"}])


def test_tags_come_in_pages_of_at_most_50(kms):
    arn = kms.create(Tags=LONG[:3])
    first = kms("ListResourceTags", KeyId=arn, Limit=2)
    assert [one["TagKey"] for one in first["Tags"]] == ["0", "1"]
    rest = kms("ListResourceTags", KeyId=arn, Marker=first["NextMarker"])
    assert [one["TagKey"] for one in rest["Tags"]] == ["2"]
    kms.refused("InvalidMarkerException", "ListResourceTags", KeyId=arn, Marker="x")
    kms.refused("ValidationException", "ListResourceTags", KeyId=arn, Limit=51)
