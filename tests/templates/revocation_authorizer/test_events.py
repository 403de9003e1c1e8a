from __future__ import annotations

from pkilab.templates.revocation_authorizer.events import can_be_allowed, read


def test_each_payload_is_read_from_its_own_places(event, client, now):
    """A member of the other payload, which API Gateway would not send, is not read."""
    for version, other in (("1.0", "2.0"), ("2.0", "1.0")):
        request = read(event[version](client, now))
        assert (request.version, request.at, request.request_id) == (version, now, "r-1")
        assert request.certificate_pem
        assert request.arn
        mixed = read(event[version](client, now) | {"version": other})
        assert (mixed.certificate_pem, mixed.at, mixed.arn) == (None, None, None)


def test_what_clients_write_is_not_read(event, client, now):
    """Headers, query and body that look like API Gateway's own members."""
    fake = event["1.0"](client, now)["requestContext"]
    one = event["1.0"](None, now, headers=fake | {"clientCertPem": "x"}, body=str(fake))
    assert read(one).certificate_pem is None


def test_an_event_of_something_else_has_no_version():
    for event in (None, [], "text", {}, {"Records": []}, {"requestContext": None}):
        request = read(event)
        assert (request.version, request.arn, request.at, request.has_time) == (
            None, None, None, False,
        )  # fmt: skip


def test_the_certificate_is_not_in_the_repr(event, client, now):
    assert "BEGIN" not in repr(read(event["2.0"](client, now)))


def test_a_policy_can_allow_what_has_no_wildcard():
    assert can_be_allowed("arn:aws:execute-api:us-east-1:111122223333:a/$default/GET/")
    assert not can_be_allowed("arn:aws:execute-api:us-east-1:111122223333:a/*/GET/")
    assert not can_be_allowed(None)
