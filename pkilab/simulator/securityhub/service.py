"""AWS Security Hub CSPM: findings in the AWS Security Finding Format.

Not simulated, and refused: security standards and controls, members and administrators, aggregation
across Regions, configuration policies, managed insights, and all of the new Security Hub (OCSF, the
operations that end in V2).

Source: Security Hub CSPM API Reference and User Guide.
"""

from __future__ import annotations

import json
from typing import NoReturn
from urllib.parse import urlsplit

from botocore.model import OperationModel

from pkilab.simulator.rest import refuse
from pkilab.simulator.securityhub.automation import AutomationOperations
from pkilab.simulator.securityhub.findings import MOST_IN_BATCH, FindingOperations
from pkilab.simulator.securityhub.hubs import HubOperations
from pkilab.simulator.securityhub.insights import InsightOperations
from pkilab.simulator.securityhub.problems import invalid
from pkilab.simulator.securityhub.state import Json
from pkilab.simulator.service import (
    Answer,
    AwsError,
    Call,
    HttpRequest,
    HttpResponse,
    Later,
    run,
    service_model,
)

IMPORT = "BatchImportFindings"
LARGEST_BATCH = 6 * 1024 * 1024  # octets


class SecurityHub(HubOperations, FindingOperations, InsightOperations, AutomationOperations):
    """Security Hub of every account and Region of a world.

    Findings are held against their format one by one, so that one that is no finding does not spoil
    the others: what is imported is taken as it was sent, not as the API's model would read it.
    """

    def respond(self, request: HttpRequest, call: Call) -> Answer:
        """Answer one request."""
        path = urlsplit(request.url).path.rstrip("/")
        if (request.method, path) != ("POST", "/findings/import"):
            return super().respond(request, call)
        try:
            if len(request.body) > LARGEST_BATCH:
                raise invalid("The size of a batch is limited to 6 MB")
            model = service_model(self.name).operation_model(IMPORT)
            answer = self._call(model, _document(request.body), call)
        except AwsError as error:
            return refuse(error)
        return HttpResponse(200, {"content-type": "application/json"}, json.dumps(answer).encode())

    def _call(self, operation: OperationModel, members: Json, call: Call) -> Json | Later:
        if operation.name != IMPORT:
            return super()._call(operation, members, call)
        findings = members.get("Findings")
        if not isinstance(findings, list) or not all(isinstance(each, dict) for each in findings):
            raise AwsError("SerializationException", "Findings is not a list of findings")
        if not 1 <= len(findings) <= MOST_IN_BATCH:
            raise invalid(f"Findings must have 1 to {MOST_IN_BATCH} items: found {len(findings)}")
        answer: Json = run(self, IMPORT, {"Findings": findings}, call)
        return answer


def _document(body: bytes) -> Json:
    try:
        found = json.loads(body or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", "The request body is not JSON") from error
    if not isinstance(found, dict):
        raise AwsError("SerializationException", "The request body is not a JSON object")
    return found


def _no_number(name: str) -> NoReturn:
    """Refuse NaN and infinities, which Python reads and JSON does not have."""
    raise ValueError(name)
