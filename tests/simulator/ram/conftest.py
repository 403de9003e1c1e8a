"""Three accounts: one has a CA, the others would like to use it."""

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import Lab, ca_hierarchy
from pkilab.pki.requests import build_request
from pkilab.simulator.service import service_model

ACCOUNTS = {"owner": "111122223333", "consumer": "444455556666", "third": "777788889999"}
OWNER, CONSUMER, THIRD = ACCOUNTS.values()
TEMPLATE = "arn:aws:acm-pca:::template/{}/V1"
GENERIC = {"AccessDeniedException", "NotImplemented", "ValidationException", "AccessDenied"}


class Sharing:
    """RAM, Private CA and ACM of a lab's accounts."""

    def __init__(self, lab):
        self.lab = lab
        self.ca = ca_hierarchy.create_root(
            self.client("acm-pca"), {"CommonName": "Shared Root"}, key_algorithm="EC_prime256v1"
        )

    def client(self, service, account="owner", **options):
        """Return a client of an account, by its alias."""
        return self.lab.client(service, account=account, **options)

    def __call__(self, operation, account="owner", service="ram", **members):
        """Call an operation of RAM's as an account."""
        answer = getattr(self.client(service, account), operation)(**members)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def refused(self, code, operation, account="owner", service="ram", **members):
        """Call what must be refused with a code of the model; return the message."""
        with pytest.raises(ClientError) as caught:
            self(operation, account, service, **members)
        error = caught.value.response["Error"]
        assert error["Code"] == code, error
        shapes = service_model(service).shape_names
        assert code in GENERIC or code in shapes
        return error["Message"]

    def share(self, *principals, **options):
        """Share the CA; return the share's ARN."""
        options = {"name": "Shared_Private_CA", "resourceArns": [self.ca], **options}
        made = self("create_resource_share", principals=list(principals), **options)
        return made["resourceShare"]["resourceShareArn"]

    def invitation(self, account="consumer", share=None):
        """Return an account's newest invitation."""
        named = {"resourceShareArns": [share]} if share else {}
        found = self("get_resource_share_invitations", account, **named)
        return found["resourceShareInvitations"][-1]["resourceShareInvitationArn"]

    def accept(self, account="consumer", share=None):
        """Accept an account's newest invitation."""
        arn = self.invitation(account, share)
        self("accept_resource_share_invitation", account, resourceShareInvitationArn=arn)

    def shared(self, **options):
        """Share the CA with the consumer, who accepts; return the share's ARN."""
        share = self.share(CONSUMER, **options)
        self.accept(share=share)
        return share

    def policy(self):
        """Return the statements of the CA's resource policy; None: it has none."""
        try:
            text = self("get_policy", service="acm-pca", ResourceArn=self.ca)["Policy"]
        except ClientError as why:
            assert why.response["Error"]["Code"] == "ResourceNotFoundException"
            return None
        return json.loads(text)["Statement"]

    def order(self, template=None, **members):
        """Return what IssueCertificate takes."""
        key = self.lab.generate_key("leaf")
        named = {"TemplateArn": TEMPLATE.format(template)} if template else {}
        return {
            "CertificateAuthorityArn": self.ca,
            "Csr": build_request(key, "CN=leaf.example").public_bytes(Encoding.PEM),
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Validity": {"Type": "DAYS", "Value": 30},
            **named,
            **members,
        }

    def may(self, account="consumer", operation="describe_certificate_authority", **members):
        """Whether an account may call an operation on the CA."""
        named = {"CertificateAuthorityArn": self.ca, **members}
        try:
            self(operation, account, "acm-pca", **named)
        except ClientError as why:
            assert why.response["Error"]["Code"] == "AccessDeniedException", why
            return False
        return True

    def statuses(self, share, kind="PRINCIPAL"):
        """Return what is associated with a share, with its state."""
        found = self(
            "get_resource_share_associations", associationType=kind, resourceShareArns=[share]
        )["resourceShareAssociations"]
        return {each["associatedEntity"]: each["status"] for each in found}

    def organize(self, *members):
        """Make the owner's organization, with members; return the organization's ARN."""
        made = self("create_organization", service="organizations", FeatureSet="ALL")
        for alias in members:
            target = {"Type": "ACCOUNT", "Id": ACCOUNTS[alias]}
            sent = self("invite_account_to_organization", service="organizations", Target=target)
            number = sent["Handshake"]["Id"]
            self("accept_handshake", alias, "organizations", HandshakeId=number)
        return made["Organization"]["Arn"]

    def unit(self, *members):
        """Make a unit with members in it; return its ARN."""
        root = self("list_roots", service="organizations")["Roots"][0]["Id"]
        made = self(
            "create_organizational_unit", service="organizations", ParentId=root, Name="Apps"
        )["OrganizationalUnit"]
        for alias in members:
            self(
                "move_account", service="organizations", AccountId=ACCOUNTS[alias],
                SourceParentId=root, DestinationParentId=made["Id"],
            )  # fmt: skip
        return made["Arn"]


@pytest.fixture(params=[False, True], ids=["unenforced", "enforced"])
def sharing(request):
    """Three accounts, without and with enforced policies."""
    with Lab.simulated(seed="ram", accounts=ACCOUNTS, enforce_policies=request.param) as lab:
        yield Sharing(lab)


@pytest.fixture
def plain():
    """Three accounts, without enforced policies."""
    with Lab.simulated(seed="ram", accounts=ACCOUNTS) as lab:
        yield Sharing(lab)


@pytest.fixture
def strict():
    """Three accounts, with enforced policies."""
    with Lab.simulated(seed="ram", accounts=ACCOUNTS, enforce_policies=True) as lab:
        yield Sharing(lab)


@pytest.fixture
def slow():
    """Three accounts in a world where work takes a minute."""
    with Lab.simulated(seed="ram", accounts=ACCOUNTS) as lab:
        sharing = Sharing(lab)
        lab._place.world.latency = timedelta(minutes=1)
        yield sharing
