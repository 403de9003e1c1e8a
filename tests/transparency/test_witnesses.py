from __future__ import annotations

from dataclasses import replace

import pytest

from pkilab import mutual_tls, transparency
from pkilab.pki import pem

ZONE = "lab.example"


@pytest.fixture
def front(site):
    """A server that shows a public certificate, and the root."""
    name, apis = f"www.{ZONE}", site.lab.client("apigatewayv2")
    arn = site.arn(name)
    api_id = apis.create_api(Name="x", ProtocolType="HTTP")["ApiId"]
    apis.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    mutual_tls.create_domain(apis, name, arn)
    apis.create_api_mapping(ApiId=api_id, DomainName=name, Stage="$default")
    chain = pem.load_certificates(site.acm.get_certificate(CertificateArn=arn)["CertificateChain"])
    return site.lab.serve().tls, name, pem.to_pem(chain[-1])


def asked(site, front, log_list, name=""):
    connect, own, root = front
    at = site.lab.clock.now()
    return transparency.openssl_scts(connect, name or own, root=root, log_list=log_list, at=at)


def test_openssl_finds_every_sct_valid(site, front) -> None:
    said = asked(site, front, site.log_list)
    assert said.output.count("SCT validation status: valid") == 3
    assert said.output.endswith("Verify return code: 0 (ok)")
    assert front[0] not in said.command + said.output
    assert said == asked(site, front, site.log_list)


def test_openssl_does_not_know_a_log_that_the_list_leaves_out(site, front) -> None:
    listed = replace(site.log_list, operators=site.log_list.operators[1:])
    said = asked(site, front, listed)
    assert said.output.count("SCT validation status: valid") == 1
    assert said.output.count("SCT validation status: unknown log") == 2


def test_openssl_finds_scts_invalid_under_another_logs_key(site, front) -> None:
    logs = site.log_list.operators[0].logs
    swapped = replace(logs[0], key=logs[1].key), replace(logs[1], key=logs[0].key)
    operator = replace(site.log_list.operators[0], logs=(swapped[0],))
    said = asked(site, front, replace(site.log_list, operators=(operator,)))
    # The ID is the key's, so a log with another's key is that other log.
    assert said.output.count("SCT validation status: valid") == 1
    assert said.output.count("unknown log") == 2
