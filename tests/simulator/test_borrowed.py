"""moto under a world: its clock, its accounts, and its way back."""

import moto.core.responses
import moto.s3.models
import pytest
from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from pkilab.simulator.borrowed import Borrowed
from pkilab.simulator.place import SimulatedPlace
from pkilab.simulator.service import AwsError, Call, HttpRequest
from pkilab.simulator.world import World

ACCOUNTS = {"owner": "111122223333", "other": "444455556666"}


@pytest.fixture
def world():
    world = World(seed="borrowed", accounts=ACCOUNTS)
    yield world
    world.close()


@pytest.fixture
def borrowed(world):
    borrowed = Borrowed(world)
    yield borrowed
    borrowed.close()


@pytest.fixture
def place():
    place = SimulatedPlace(World(seed="borrowed", accounts=ACCOUNTS))
    yield place
    place.close()


def test_a_secret_is_not_shown(borrowed):
    """Not with the credentials' text; it opens nothing, and looks as if it did."""
    credentials = borrowed.credentials["owner"]
    assert credentials.access_key_id in repr(credentials)
    assert credentials.secret_access_key not in repr(credentials)


def test_moto_keeps_the_worlds_time(place):
    """IAM's and S3's dates are the world's, before and after it moves."""
    iam, s3 = (place.client(name, "owner", "us-east-1") for name in ("iam", "s3"))
    place.clock.advance(days=1)
    s3.create_bucket(Bucket="lab-bucket")
    assert s3.list_buckets()["Buckets"][0]["CreationDate"] == place.clock.now()
    assert iam.create_user(UserName="x")["User"]["CreateDate"] == place.clock.now()


def tagged(**tags):
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@pytest.mark.parametrize(
    ("region", "place_of_it"), [("us-east-1", None), ("us-east-1", "eu-west-1"),
                                ("eu-west-1", "eu-west-1")],
)  # fmt: skip
def test_a_bucket_has_the_tags_that_it_was_made_with(place, region, place_of_it):
    """In the Region that is asked, and in another, where the request names that one."""
    s3 = place.client("s3", "owner", region)
    asked = tagged(team="pki", mark="ü&<")
    where = {"LocationConstraint": place_of_it} if place_of_it else {}
    s3.create_bucket(Bucket="lab-bucket", CreateBucketConfiguration=asked | where)
    assert s3.get_bucket_tagging(Bucket="lab-bucket")["TagSet"] == asked["Tags"]
    assert s3.get_bucket_location(Bucket="lab-bucket")["LocationConstraint"] == place_of_it


def test_tags_that_cannot_be_make_no_bucket(place):
    """Both, or neither."""
    s3 = place.client("s3", "owner", "us-east-1")
    with pytest.raises(ClientError, match="InvalidTag"):
        s3.create_bucket(Bucket="lab-bucket", CreateBucketConfiguration=tagged(**{"aws:a": "1"}))
    assert s3.list_buckets()["Buckets"] == []


def test_a_bucket_that_is_refused_has_no_tags(place):
    """Without its Region where one must be named, or where somebody has the name."""
    owner, other = (place.client("s3", alias, "eu-west-1") for alias in ACCOUNTS)
    with pytest.raises(ClientError, match="IllegalLocationConstraintException"):
        owner.create_bucket(Bucket="lab-bucket", CreateBucketConfiguration=tagged(a="1"))
    here = {"LocationConstraint": "eu-west-1"}
    owner.create_bucket(Bucket="lab-bucket", CreateBucketConfiguration=here)
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        other.create_bucket(Bucket="lab-bucket", CreateBucketConfiguration=here | tagged(a="1"))
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        owner.get_bucket_tagging(Bucket="lab-bucket")


def test_a_bucket_made_again_keeps_its_tags(place):
    """In us-east-1 that is no error; whoever asks once more does not make it theirs."""
    s3 = place.client("s3", "owner", "us-east-1")
    s3.create_bucket(Bucket="plain")
    s3.create_bucket(Bucket="plain", CreateBucketConfiguration=tagged(a="1"))
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket="plain")
    s3.create_bucket(Bucket="lab-bucket", CreateBucketConfiguration=tagged(a="1"))
    s3.create_bucket(Bucket="lab-bucket", CreateBucketConfiguration=tagged(a="2"))
    assert s3.get_bucket_tagging(Bucket="lab-bucket")["TagSet"] == tagged(a="1")["Tags"]


def test_a_bucket_name_taken_by_another_account_cannot_be_had(place):
    """Names are global; the owner's own is its own."""
    owner, other = (place.client("s3", alias, "us-east-1") for alias in ACCOUNTS)
    owner.create_bucket(Bucket="lab-bucket")
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        other.create_bucket(Bucket="lab-bucket")
    assert other.list_buckets()["Buckets"] == []


@pytest.mark.parametrize("error", [NotImplementedError("the X action"), KeyError("x")])
def test_what_moto_cannot_do_is_refused_as_not_simulated(world, borrowed, monkeypatch, error):
    """Whether it says so or breaks."""

    def broken(*_args):
        raise error

    call = Call(ACCOUNTS["owner"], "us-east-1", world.clock.now(), "someone")
    request = HttpRequest("GET", "https://s3.us-east-1.amazonaws.com/", {}, b"")
    assert borrowed.respond("s3", request, call).status == 200
    patterns = [(pattern, broken) for pattern, _ in borrowed._table("s3", call)]
    monkeypatch.setitem(borrowed._routes, ("s3", call.account), patterns)
    with pytest.raises(AwsError, match="is not simulated by pkilab") as caught:
        borrowed.respond("s3", request, call)
    assert caught.value.status == 501


def test_an_address_that_moto_does_not_know_is_refused(world, borrowed):
    """Not answered by some other service of moto's."""
    call = Call(ACCOUNTS["owner"], "us-east-1", world.clock.now(), "someone")
    with pytest.raises(AwsError, match="not simulated"):
        borrowed.respond("iam", HttpRequest("GET", "https://example.com/", {}, b""), call)


def test_moto_is_given_back_as_it_was_and_empty(world):
    """Module globals, patched methods and backends."""
    before = (
        moto.s3.models.datetime,
        moto.s3.models.FakeBucket.__init__,
        moto.core.responses.BaseResponse.get_current_account,
    )
    borrowed = Borrowed(world)
    assert moto.s3.models.datetime is not before[0]
    assert iam_backends[ACCOUNTS["owner"]]["aws"].users
    borrowed.close()
    assert before == (
        moto.s3.models.datetime,
        moto.s3.models.FakeBucket.__init__,
        moto.core.responses.BaseResponse.get_current_account,
    )
    assert not iam_backends[ACCOUNTS["owner"]]["aws"].users


def test_a_log_group_takes_its_tags_along(lab):
    """The next one of its name has none of them."""
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="g", tags={"team": "pki"})
    arn = logs.describe_log_groups()["logGroups"][0]["arn"].removesuffix(":*")
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "pki"}
    logs.delete_log_group(logGroupName="g")
    logs.create_log_group(logGroupName="g")
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}
