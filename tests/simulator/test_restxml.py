"""REST-XML, below the services."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.restxml import RestXmlService
from pkilab.simulator.service import AwsError, Call, HttpRequest, Later
from pkilab.simulator.world import World

NOW = datetime(2026, 1, 5, 9, 0, 0, 250_000, UTC)
CALL = Call("111122223333", "us-east-1", NOW, "arn:aws:iam::111122223333:user/someone")
NS = "{https://route53.amazonaws.com/doc/2013-04-01/}"
ROOT = "https://route53.amazonaws.com/2013-04-01"


class Echo(RestXmlService):
    """Answers Route 53's operations with what they were given."""

    name = "route53"
    invalid = "InvalidInput"
    given = None

    def change_resource_record_sets(self, call, **members):
        """Keep what came; fail if told to."""
        Echo.given = members
        if members["change_batch"].get("Comment") == "fail":
            raise AwsError("InvalidChangeBatch", "<no> \x00", 400)
        change = {"Id": "/change/C1", "Status": "PENDING", "SubmittedAt": NOW}
        return Later(lambda: {"ChangeInfo": change})

    def list_hosted_zones(self, call, **members):
        """Keep what came; answer lists, numbers and truth."""
        Echo.given = members
        zone = {"Id": "Z1", "Name": "a.", "CallerReference": "x", "ResourceRecordSetCount": 2}
        return {"HostedZones": [zone, zone], "IsTruncated": False, "MaxItems": "5", "Marker": None}

    def delete_hosted_zone(self, call, **members):
        """Keep what came."""
        Echo.given = members


@pytest.fixture
def ask():
    world = World(seed="restxml")
    service = Echo(world)

    def send(method, path, body=b""):
        answer = service.respond(HttpRequest(method, ROOT + path, {}, body), CALL)
        return answer, ET.fromstring(answer.body)  # noqa: S314 - its own

    yield send
    world.close()


def batch(inner):
    return f"<ChangeResourceRecordSetsRequest>{inner}</ChangeResourceRecordSetsRequest>".encode()


CHANGES = """<ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet>
<Name>a.</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord><Value>&lt;1&gt;</Value>
</ResourceRecord><ResourceRecord><Value>2</Value></ResourceRecord></ResourceRecords>
</ResourceRecordSet></Change></Changes></ChangeBatch>"""


@pytest.mark.parametrize("xmlns", ["", ' xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'])
def test_members_come_from_path_and_body(ask, xmlns):
    """With a namespace or without, with a final slash or without."""
    body = batch(CHANGES).replace(b"SetsRequest>", f"SetsRequest{xmlns}>".encode(), 1)
    for path in ("/hostedzone/Z%31/rrset/", "/hostedzone/Z1/rrset"):
        answer, root = ask("POST", path, body)
        assert answer.status == 200
        held = {"Name": "a.", "Type": "A", "TTL": 60,
                "ResourceRecords": [{"Value": "<1>"}, {"Value": "2"}]}  # fmt: skip
        assert Echo.given == {
            "hosted_zone_id": "Z1",
            "change_batch": {"Changes": [{"Action": "CREATE", "ResourceRecordSet": held}]},
        }
        assert root.findtext(f"{NS}ChangeInfo/{NS}SubmittedAt") == "2026-01-05T09:00:00.250Z"


def test_members_come_from_the_query(ask):
    """And lists, numbers and truth are written."""
    answer, root = ask("GET", "/hostedzone?maxitems=5&marker=Z%309")
    assert answer.headers["content-type"] == "text/xml"
    assert Echo.given == {"max_items": "5", "marker": "Z09"}
    assert len(root.findall(f"{NS}HostedZones/{NS}HostedZone")) == 2
    assert root.findtext(f"{NS}HostedZones/{NS}HostedZone/{NS}ResourceRecordSetCount") == "2"
    assert root.findtext(f"{NS}IsTruncated") == "false"
    assert root.find(f"{NS}Marker") is None
    assert root.tag == f"{NS}ListHostedZonesResponse"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "InvalidInput"),
        (b"no XML", "MalformedInput"),
        (b"<Other/>", "MalformedInput"),
        (batch("<Unheard/>"), "InvalidInput"),
        (batch("<ChangeBatch><Changes/></ChangeBatch>"), "InvalidInput"),
        (batch(CHANGES.replace("<TTL>60", "<TTL>x")), "InvalidInput"),
        (batch(CHANGES.replace("<TTL>60", "<TTL><a/>60")), "InvalidInput"),
        (batch(CHANGES.replace("CREATE", "MAKE")), "InvalidInput"),
        (batch(CHANGES.replace("<Type>A</Type>", "")), "InvalidInput"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + batch(CHANGES), "MalformedInput"),
        (("<!DOCTYPE a []>" + batch(CHANGES).decode()).encode("utf-16"), "MalformedInput"),
        ("<!DOCTYPE a []>".encode("utf-16-le") + batch(CHANGES), "MalformedInput"),
        (batch(CHANGES.replace("<TTL>60", "<TTL>6_0")), "InvalidInput"),
        (batch(CHANGES.replace("<TTL>60", "<TTL>\u0666\u0660")), "InvalidInput"),
    ],
)
def test_a_body_that_is_not_the_operations_is_refused(ask, body, code):
    """Not XML, not the element, not the shape, or more than it shows."""
    answer, root = ask("POST", "/hostedzone/Z1/rrset", body)
    assert answer.status == 400
    assert root.findtext(f"{NS}Error/{NS}Code") == code


def test_an_error_is_written_as_the_sender_s_or_the_receiver_s(ask):
    """What XML cannot carry is replaced."""
    body = batch(CHANGES.replace("<Changes>", "<Comment>fail</Comment><Changes>"))
    answer, root = ask("POST", "/hostedzone/Z1/rrset", body)
    assert answer.status == 400
    assert [each.text for each in root[0]] == ["Sender", "InvalidChangeBatch", "<no> ?"]
    assert root.findtext(f"{NS}RequestId") == answer.headers["x-amzn-requestid"]
    answer, root = ask("GET", "/healthcheck")
    assert (answer.status, root[0][0].text) == (501, "Receiver")
    assert ask("GET", "/nowhere")[0].status == 404


def test_an_empty_result_is_an_empty_element(ask):
    """DELETE with no body."""
    answer, root = ask("DELETE", "/hostedzone/Z1")
    assert (answer.status, len(root)) == (200, 0)
    assert Echo.given == {"id": "Z1"}


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(batch)))
def test_only_awss_errors_leave(body):
    """Whatever the body."""
    world = World(seed="restxml fuzz")
    try:
        request = HttpRequest("POST", f"{ROOT}/hostedzone/Z1/rrset", {}, body)
        answer = Echo(world).respond(request, CALL)
    finally:
        world.close()
    assert answer.status in {200, 400}
    ET.fromstring(answer.body)  # noqa: S314 - its own
