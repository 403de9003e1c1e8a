"""Throttling, 500s, lost answers and expired credentials: the run ends or stops, and is cleaned up.

What goes wrong is drawn from a seed, for the same small runs that the kills are tried on.
"""

import time
from collections import Counter

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pkilab import cleaning
from pkilab.cleaning import leftovers
from pkilab.errors import CredentialsError, PkilabError, UncertainError
from pkilab.lab import Lab
from pkilab.ledger import read
from tests.stand_in import Fault, Plan
from tests.stand_in.inventory import inventory
from tests.stand_in.killing import clean_up, compare, told
from tests.stand_in.workflows import WORKFLOWS, Workflow, run_here, shared_account

ADAPTIVE = Config(retries={"mode": "adaptive", "total_max_attempts": 8})
DECLARED = (PkilabError, ClientError, BotoCoreError)
MIXED = {
    Fault.THROTTLED: 0.1,
    Fault.FAILED_BEFORE: 0.05,
    Fault.FAILED_AFTER: 0.05,
    Fault.DROPPED_BEFORE: 0.05,
    Fault.DROPPED_AFTER: 0.05,
}
# What comes of a create whose answer is lost. None: it is repeated, and AWS knows it again by its
# token or its name. ClientError: AWS refuses the repetition, since the name is taken, by the first.
# UncertainError: it is not repeated, since AWS would make another one.
CREATES = (
    ("hierarchy", "CreateCertificateAuthority", None),
    ("hierarchy", "IssueCertificate", None),
    ("hierarchy", "CreateBucket", None),
    ("mutual_tls_api", "CreateHostedZone", ClientError),
    ("mutual_tls_api", "RequestCertificate", None),
    ("mutual_tls_api", "CreateApi", UncertainError),
    ("signing", "CreateRole", ClientError),
    ("signing", "CreateKey", UncertainError),
    ("sharing", "CreateResourceShare", None),
    ("stores", "CreateSecret", None),
    ("findings", "CreateStack", None),
    ("access", "CreateAccessKey", UncertainError),
)
MADE = {
    "CreateHostedZone": "hosted zone", "CreateApi": "HTTP API", "CreateRole": "role",
    "CreateKey": "KMS key",
}  # fmt: skip
LOST = (Fault.FAILED_AFTER, Fault.DROPPED_AFTER)
SEEDS = (2,)


def authorities(account):
    """Count the CAs of all accounts, deleted ones too."""
    return sum(
        len(page["CertificateAuthorities"])
        for alias in account.accounts
        for page in account.lab.client("acm-pca", account=alias)
        .get_paginator("list_certificate_authorities")
        .paginate(ResourceOwner="SELF")
    )


def attempt(account, workflow):
    """Run it to its end, or to a declared error, which is returned."""
    try:
        run_here(account, workflow)
    except DECLARED as error:
        return error
    return None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_whatever_goes_wrong_a_clean_up_leaves_nothing(name, seed):
    """The run ends or stops with a declared error, and never made two CAs for one."""
    workflow = WORKFLOWS[name]
    plan = Plan(chances=MIXED, seed=seed)
    with shared_account(workflow) as account:
        before, held = inventory(account.lab), authorities(account)
        account.relay.plan = plan
        attempt(account, workflow)
        account.relay.plan = None
        assert authorities(account) - held <= workflow.authorities
        cleaned = clean_up(account.lab, account.ledger()) if account.ledger() else None
        new, harmed = compare(before, inventory(account.lab))
        left = [each for each in new if not (cleaned and told(each, cleaned))]
        assert (left, harmed) == ([], ()), f"{cleaned}\n{plan.happened}"
    assert plan.happened


@pytest.mark.parametrize(
    ("name", "operation", "stops", "fault"),
    [(*create, LOST[number % 2]) for number, create in enumerate(CREATES)],
)
def test_a_create_whose_answer_is_lost_makes_one_thing(name, operation, stops, fault):
    """It is repeated by a token or a name, or not at all; what it made is cleaned up."""
    workflow = WORKFLOWS[name]
    with shared_account(workflow) as account:
        before, held = inventory(account.lab), authorities(account)
        account.relay.plan = Plan(operations={operation: fault})
        stopped = attempt(account, workflow)
        assert [each[1] for each in account.relay.plan.happened] == [fault]
        if stops:
            assert isinstance(stopped, stops), repr(stopped)
            made = {thing[2:] for thing in inventory(account.lab).keys() - before.keys()}
            kinds = Counter(kind for kind, _ in made)
            assert kinds[MADE.get(operation, "")] <= 1
        else:
            assert stopped is None, repr(stopped)
            assert authorities(account) - held == workflow.authorities
        cleaned = clean_up(account.lab, account.ledger())
        assert compare(before, inventory(account.lab)) == ((), ()), repr(cleaned)


def test_throttling_alone_stops_nothing():
    """A quarter of all requests is refused, and each is asked again."""
    workflow = WORKFLOWS["hierarchy"]
    with shared_account(workflow) as account:
        account.relay.plan = Plan(chances={Fault.THROTTLED: 0.25}, seed=1)
        run_here(account, workflow)
        assert len(account.relay.plan.happened) > 3


def test_credentials_that_expire_stop_a_run_and_lose_nothing():
    """The message says what to do; the call that was refused was not done."""
    workflow = WORKFLOWS["hierarchy"]
    with shared_account(workflow) as account:
        before = inventory(account.lab)
        account.relay.plan = Plan(expire_from=20)
        stopped = attempt(account, workflow)
        assert isinstance(stopped, CredentialsError), repr(stopped)
        account.relay.plan = None
        clean_up(account.lab, account.ledger())
        assert compare(before, inventory(account.lab)) == ((), ())


def test_credentials_that_expire_and_are_renewed_stop_nothing():
    """Somebody logged in again meanwhile: the same call goes on with the new key."""
    renewed = []

    def run(lab):
        def renew(call):
            if call.number == 15:
                account.renew()
                renewed.append(call)

        account.relay.before.append(renew)
        WORKFLOWS["hierarchy"].run(lab)

    workflow = Workflow(run, 2)
    with shared_account(workflow) as account:
        account.relay.plan = Plan(expire_from=20)
        run_here(account, workflow)
        assert renewed
        assert {each[1] for each in account.relay.plan.happened} == {Fault.EXPIRED}


def test_a_run_goes_on_in_the_cell_that_stopped():
    """After a login in another window the same lab works, without another start."""
    workflow = WORKFLOWS["hierarchy"]
    with shared_account(workflow) as account, account.here(), Lab.from_env() as lab:
        s3 = lab.client("s3")
        account.relay.plan = Plan(expire_from=len(account.relay.calls) + 2)
        s3.list_buckets()
        with pytest.raises(CredentialsError, match="Log in again"):
            s3.list_buckets()
        account.renew()
        s3.list_buckets()


def test_a_clean_up_survives_what_goes_wrong_with_itself():
    """Under the same faults, over HTTP, run again until nothing is left, as a person would."""
    workflow = WORKFLOWS["hierarchy"]
    with shared_account(workflow) as account:
        before = inventory(account.lab)
        run_here(account, workflow)
        record = read(account.ledger())
        account.relay.plan = Plan(chances=MIXED, seed=5)

        def client_for(service, _account, region):
            return boto3.Session().client(service, region_name=region, config=ADAPTIVE)

        with account.here():
            for _ in range(5):
                try:
                    found = leftovers.standing(record, client_for)
                    cleaned = cleaning.clean_up(found, client_for, sleep=time.sleep)
                except DECLARED:
                    continue
                if not cleaned.left:
                    break
        assert compare(before, inventory(account.lab)) == ((), ())
        assert account.relay.plan.happened
