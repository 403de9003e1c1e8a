"""What API Gateway keeps: APIs, their stages, custom domain names and the mappings between them.

The control plane is two services, ``apigateway`` (REST) and ``apigatewayv2`` (HTTP), over one
state: domain names are shared, and one may serve APIs of both kinds. Settings are kept as dicts
with the members of the service's own model (``GetApi``, ``GetRestApi``, ``GetRoute`` ...), so that
reading one back is returning it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

from pkilab.pki.truststore import Truststore
from pkilab.simulator.service import Json


@dataclass
class Stage:
    """A stage: its settings, and the snapshot of the API that it serves.

    Attributes:
        name: ``$default`` or the first segment of the path.
        settings: as ``GetStage`` answers it, in the model of the API's service.
        deployed: what `Api.snapshot` returned when it was deployed; None: nothing yet.
    """

    name: str
    settings: Json
    deployed: Json | None = None


@dataclass
class Api:
    """An API of either kind.

    Attributes:
        id: ten lower-case letters and digits.
        settings: as ``GetApi`` or ``GetRestApi`` answers it.
        parts: what is deployed, by kind and id, each in the service's own model. HTTP: ``routes``,
            ``integrations``, ``authorizers``. REST: ``resources`` (each with ``path`` and
            ``resourceMethods``, whose ``methodIntegration`` is inside), ``authorizers``,
            ``gatewayResponses``.
        deployments: by id, as ``GetDeployment`` answers them.
        stages: by name.
    """

    id: str
    protocol: Literal["HTTP", "REST"]
    account: str
    region: str
    settings: Json
    parts: dict[str, dict[str, Json]] = field(default_factory=dict)
    deployments: dict[str, Json] = field(default_factory=dict)
    snapshots: dict[str, Json] = field(default_factory=dict)  # by deployment id
    stages: dict[str, Stage] = field(default_factory=dict)

    def snapshot(self) -> Json:
        """Return a copy of what a deployment fixes: the parts and the API's own settings."""
        return {"settings": deepcopy(self.settings), **deepcopy(self.parts)}


@dataclass(frozen=True, slots=True)
class Mapping:
    """An API mapping (HTTP) or base path mapping (REST): a path of a domain leads to a stage."""

    id: str
    api_id: str
    stage: str
    key: str  # "" or a path without slashes at its ends


@dataclass
class Domain:
    """A custom domain name.

    Attributes:
        name: lower case.
        certificate_arn: of ACM; what the server shows.
        ownership_arn: of ACM; a public certificate that proves control of the name.
        status: as ``DomainNameStatus``.
        issuer: of the server certificate, as it was when mutual TLS was last configured.
        truststore_uri: ``s3://bucket/key``; None: no mutual TLS.
        truststore_version: the S3 version asked for, None: whichever was newest when read.
        truststore: what was read, when the domain was created or last updated.
        warnings: what was wrong with it.
        mappings: by mapping id.
    """

    name: str
    account: str
    region: str
    certificate_arn: str
    regional_name: str  # d-abcdefghij.execute-api.us-east-1.amazonaws.com
    hosted_zone_id: str
    ownership_arn: str | None = None
    security_policy: str = "TLS_1_2"
    status: str = "AVAILABLE"
    status_message: str | None = None
    issuer: str | None = None
    truststore_uri: str | None = None
    truststore_version: str | None = None
    truststore: Truststore | None = None
    warnings: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    mappings: dict[str, Mapping] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The domain name's ARN."""
        return f"arn:aws:apigateway:{self.region}::/domainnames/{self.name}"


@dataclass
class ApiGatewayState:
    """Everything API Gateway keeps in one world, of every account and Region."""

    apis: dict[str, Api] = field(default_factory=dict)  # by id
    domains: dict[str, Domain] = field(default_factory=dict)  # by name
