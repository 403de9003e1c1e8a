"""From events of a CA to findings in AWS Security Hub, and back out of it.

`finding_of` says what an event means, as a frozen `Finding` in the AWS Security Finding Format;
`import_findings` takes any number of them to Security Hub, `report` is both, and is what the
deployed function of `pkilab.templates` does (`deploy` makes its stack). `find`, `wait_for` and
`resolve` are the security team's side. `tap` catches events on their way, `start_trail` has calls
among them. `original_finding_of` is the finding as it was made in 2020, `ocsf` the same finding as
the new Security Hub would have it.
"""

from pkilab.security_findings.acm_details import AwsCertificateManagerCertificate
from pkilab.security_findings.asff import Finding, product_arn
from pkilab.security_findings.building import finding_of, recoveries_of
from pkilab.security_findings.deploying import Deployed, deploy
from pkilab.security_findings.events import ApiCall, Event
from pkilab.security_findings.hub import find, is_active, resolve, wait_for
from pkilab.security_findings.importing import (
    Batch,
    Failed,
    Imported,
    batches,
    import_findings,
    size_of,
)
from pkilab.security_findings.ocsf import ocsf
from pkilab.security_findings.original import original_finding_of
from pkilab.security_findings.parts import (
    Compliance,
    FindingProviderFields,
    Note,
    ProviderSeverity,
    Recommendation,
    RelatedFinding,
    Remediation,
    Resource,
    ResourceDetails,
    Severity,
    Workflow,
)
from pkilab.security_findings.reporting import report
from pkilab.security_findings.severities import LABELS, Label, label_of, normalized_of
from pkilab.security_findings.tapping import Tap, take, tap
from pkilab.security_findings.trails import start_trail
from pkilab.security_findings.watching import Ceremony, Watch

__all__ = [
    "LABELS",
    "ApiCall",
    "AwsCertificateManagerCertificate",
    "Batch",
    "Ceremony",
    "Compliance",
    "Deployed",
    "Event",
    "Failed",
    "Finding",
    "FindingProviderFields",
    "Imported",
    "Label",
    "Note",
    "ProviderSeverity",
    "Recommendation",
    "RelatedFinding",
    "Remediation",
    "Resource",
    "ResourceDetails",
    "Severity",
    "Tap",
    "Watch",
    "Workflow",
    "batches",
    "deploy",
    "find",
    "finding_of",
    "import_findings",
    "is_active",
    "label_of",
    "normalized_of",
    "ocsf",
    "original_finding_of",
    "product_arn",
    "recoveries_of",
    "report",
    "resolve",
    "size_of",
    "start_trail",
    "take",
    "tap",
    "wait_for",
]
