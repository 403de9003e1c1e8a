"""The certificate templates of AWS Private CA: a table to hold against AWS's page.

What a template defines, nobody overrides; what it leaves open comes from the API, then from the
CSR, if the variant lets them (`issuing`). SKI, AKI and the AIA for OCSP are the same everywhere and
not in the table: SKI always, AKI except under a root template, AIA if the CA has OCSP on.

Source: AWS Private CA User Guide, "AWS Private CA certificate template varieties" and "Template
order of operations".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from pkilab.simulator.acmpca.structures import (
    Extension,
    extended_key_usage,
    invalid_args,
    key_usage,
)

Variant = Literal["", "_APIPassthrough", "_CSRPassthrough", "_APICSRPassthrough"]
# Where a CRL distribution point comes from. "own source": the CA's configuration, else whatever the
# variant passes through; "configuration": that, else the CSR where the variant passes CSRs through.
Cdp = Literal["never", "configuration", "own source"]


@dataclass(frozen=True, slots=True)
class Family:
    """One line of the table: templates that differ by what they pass through."""

    name: str
    variants: tuple[Variant, ...]
    basic_constraints: Extension
    key_usage: Extension | None  # None: open to passthrough, absent otherwise
    extended_key_usage: Extension | None  # likewise
    cdp: Cdp


@dataclass(frozen=True, slots=True)
class Template:
    """One template, as named in a request."""

    name: str  # as in the ARN, before /V1
    ca: bool
    path_length: int | None
    root: bool  # self-signed: only for the CA's own key, without AKI and CDP
    from_api: bool
    from_csr: bool
    cdp_from_api: bool
    cdp_from_csr: bool
    defined: Mapping[x509.ObjectIdentifier, Extension]


def _basic_constraints(*, critical: bool, ca: bool, path_length: int | None = None) -> Extension:
    value = x509.BasicConstraints(ca=ca, path_length=path_length)
    return x509.Extension(ExtensionOID.BASIC_CONSTRAINTS, critical, value)


def _ca(path_length: int | None = None) -> Extension:
    return _basic_constraints(critical=True, ca=True, path_length=path_length)


def _usages(*bits: str) -> Extension:
    return key_usage(dict.fromkeys(bits, True))


def _purposes(*types: str, critical: bool = False) -> Extension:
    usages = [{"ExtendedKeyUsageType": one} for one in types]
    return extended_key_usage(usages, critical=critical)


_API: tuple[Variant, ...] = ("_APIPassthrough",)
_BASE_API: tuple[Variant, ...] = ("", "_APIPassthrough")
_BLANK: tuple[Variant, ...] = ("_APIPassthrough", "_CSRPassthrough", "_APICSRPassthrough")
_ALL: tuple[Variant, ...] = ("", *_BLANK)

_NOT_CA = _basic_constraints(critical=False, ca=False)
_CRITICAL_NOT_CA = _basic_constraints(critical=True, ca=False)
_CA_SIGNS = _usages("DigitalSignature", "KeyCertSign", "CRLSign")
_TLS = _usages("DigitalSignature", "KeyEncipherment")
_SIGNS = _usages("DigitalSignature")
_SERVER_AND_CLIENT = _purposes("SERVER_AUTH", "CLIENT_AUTH")
_CLIENT = _purposes("CLIENT_AUTH")
_SERVER = _purposes("SERVER_AUTH")
_CODE = _purposes("CODE_SIGNING", critical=True)
_OCSP = _purposes("OCSP_SIGNING", critical=True)

# ruff: disable[E501]
# fmt: off
FAMILIES: tuple[Family, ...] = (
    #       name                                            variants    BasicConstraints  KeyUsage    ExtendedKeyUsage    CDP
    Family("RootCACertificate",                             _BASE_API,  _ca(),            _CA_SIGNS,  None,               "never"),
    Family("BlankRootCACertificate",                        _API,       _ca(),            None,       None,               "never"),
    Family("BlankRootCACertificate_PathLen0",               _API,       _ca(0),           None,       None,               "never"),
    Family("BlankRootCACertificate_PathLen1",               _API,       _ca(1),           None,       None,               "never"),
    Family("BlankRootCACertificate_PathLen2",               _API,       _ca(2),           None,       None,               "never"),
    Family("BlankRootCACertificate_PathLen3",               _API,       _ca(3),           None,       None,               "never"),
    Family("SubordinateCACertificate_PathLen0",             _ALL,       _ca(0),           _CA_SIGNS,  None,               "configuration"),
    Family("SubordinateCACertificate_PathLen1",             _ALL,       _ca(1),           _CA_SIGNS,  None,               "configuration"),
    Family("SubordinateCACertificate_PathLen2",             _ALL,       _ca(2),           _CA_SIGNS,  None,               "configuration"),
    Family("SubordinateCACertificate_PathLen3",             _ALL,       _ca(3),           _CA_SIGNS,  None,               "configuration"),
    Family("BlankSubordinateCACertificate_PathLen0",        _BLANK,     _ca(0),           None,       None,               "configuration"),
    Family("BlankSubordinateCACertificate_PathLen1",        _BLANK,     _ca(1),           None,       None,               "configuration"),
    Family("BlankSubordinateCACertificate_PathLen2",        _BLANK,     _ca(2),           None,       None,               "configuration"),
    Family("BlankSubordinateCACertificate_PathLen3",        _BLANK,     _ca(3),           None,       None,               "configuration"),
    Family("EndEntityCertificate",                          _ALL,       _NOT_CA,          _TLS,       _SERVER_AND_CLIENT, "configuration"),
    Family("EndEntityClientAuthCertificate",                _ALL,       _NOT_CA,          _TLS,       _CLIENT,            "configuration"),
    Family("EndEntityServerAuthCertificate",                _ALL,       _NOT_CA,          _TLS,       _SERVER,            "configuration"),
    Family("CodeSigningCertificate",                        _ALL,       _NOT_CA,          _SIGNS,     _CODE,              "configuration"),
    Family("OCSPSigningCertificate",                        _ALL,       _NOT_CA,          _SIGNS,     _OCSP,              "configuration"),
    Family("BlankEndEntityCertificate",                     _BLANK,     _NOT_CA,          None,       None,               "configuration"),
    Family("BlankEndEntityCertificate_CriticalBasicConstraints", _BLANK, _CRITICAL_NOT_CA, None,      None,               "own source"),
)
# fmt: on
# ruff: enable[E501]

DEFAULT = "EndEntityCertificate"


def _templates() -> Iterator[Template]:
    for family in FAMILIES:
        given = (family.basic_constraints, family.key_usage, family.extended_key_usage)
        constraints = family.basic_constraints.value
        assert isinstance(constraints, x509.BasicConstraints)  # noqa: S101 - narrows the type
        for variant in family.variants:
            from_api, from_csr = "API" in variant, "CSR" in variant
            yield Template(
                name=family.name + variant,
                ca=constraints.ca,
                path_length=constraints.path_length,
                root="RootCA" in family.name,
                from_api=from_api,
                from_csr=from_csr,
                cdp_from_api=from_api and family.cdp == "own source",
                cdp_from_csr=from_csr and family.cdp != "never",
                defined={extension.oid: extension for extension in given if extension},
            )


TEMPLATES: Mapping[str, Template] = {template.name: template for template in _templates()}


def template_arn(name: str, partition: str) -> str:
    """Return the ARN of a template, which belongs to no account and no Region."""
    return f"arn:{partition}:acm-pca:::template/{name}/V1"


_BY_ARN: Mapping[str, Mapping[str, Template]] = {
    partition: {template_arn(name, partition): one for name, one in TEMPLATES.items()}
    for partition in ("aws", "aws-us-gov", "aws-cn")
}


def find_template(arn: str, partition: str) -> Template:
    """Return the template of an ARN.

    Raises:
        AwsError: InvalidArgsException, there is no such template in the partition.
    """
    template = _BY_ARN[partition].get(arn)
    if template is None:
        raise invalid_args(f"The template {arn} does not exist.")
    return template
