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


def test_each_account_has_a_key_and_no_other_key_counts(borrowed):
    """Also not one of moto's default account."""
    for alias, number in ACCOUNTS.items():
        key = borrowed.credentials[alias].access_key_id
        assert borrowed.caller(key, "us-east-1") == (number, f"arn:aws:iam::{number}:user/learner")
    for key in ("AKIAIOSFODNN7EXAMPLE", "", "foobar_key", "ASIA" + "A" * 16):
        with pytest.raises(AwsError) as caught:
            borrowed.caller(key, "us-east-1")
        assert (caught.value.code, caught.value.status) == ("UnrecognizedClientException", 403)


def test_a_new_key_of_a_user_is_one_of_its_account(place):
    """Keys made by the learner work as AWS's do; deleted, they do not."""
    iam = place.client("iam", "other", "us-east-1")
    iam.create_user(UserName="second")
    key = iam.create_access_key(UserName="second")["AccessKey"]["AccessKeyId"]
    caller = place.gateway._borrowed.caller
    second = f"arn:aws:iam::{ACCOUNTS['other']}:user/second"
    assert caller(key, "us-east-1") == (ACCOUNTS["other"], second)
    iam.delete_access_key(UserName="second", AccessKeyId=key)
    with pytest.raises(AwsError):
        caller(key, "us-east-1")


def test_a_role_is_assumed_across_accounts_without_being_asked(place):
    """The session calls as the role; neither that there is one nor whom it trusts is looked at."""
    role = f"arn:aws:iam::{ACCOUNTS['other']}:role/nobody-made-it"
    sts = place.client("sts", "owner", "us-east-1")
    key = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]["AccessKeyId"]
    session = f"arn:aws:sts::{ACCOUNTS['other']}:assumed-role/nobody-made-it/me"
    assert place.gateway._borrowed.caller(key, "us-east-1") == (ACCOUNTS["other"], session)


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
        borrowed.respond("sts", HttpRequest("GET", "https://example.com/", {}, b""), call)


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
