"""Things to deploy on AWS, and the packing of them. Each folder's README has the commands.

`revocation_authorizer` is a Lambda authorizer for API Gateway, `ca_findings` reports what happens
to private CAs to Security Hub, `certificate_rotation` renews a certificate and its key in Secrets
Manager, `container_tls` is a container that makes its own, `acm_certificate` is a public
certificate that validates itself by DNS, `private_ca` a private CA hierarchy with a certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pkilab.errors import LabError

_PACKAGE = Path(__file__).parents[1]
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Packing:
    """How a template's function is packed.

    Attributes:
        name: the template's folder.
        entry: the file of the handler, which is at the top of the zip.
        modules: what it imports of this package, without ``.py``; a folder stands for its files.
    """

    name: str
    entry: str
    modules: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where template, requirements and handler are."""
        return _HERE / self.name


PACKINGS: Mapping[str, Packing] = MappingProxyType(
    {
        each.name: each
        for each in (
            Packing(
                "revocation_authorizer",
                "authorizer.py",
                (
                    "__init__",
                    "errors",
                    "pki/__init__",
                    "pki/_der",
                    "pki/_signatures",
                    "pki/certificates",
                    "pki/crl",
                    "pki/entropy",
                    "pki/keys",
                    "pki/names",
                    "pki/ocsp",
                    "pki/pem",
                    "templates/__init__",
                    "templates/revocation_authorizer/__init__",
                    "templates/revocation_authorizer/events",
                    "templates/revocation_authorizer/fetching",
                    "templates/revocation_authorizer/settings",
                    "templates/revocation_authorizer/sources",
                ),
            ),
            Packing(
                "ca_findings", "handler.py", ("__init__", "errors", "security_findings", "waiting")
            ),
            Packing("certificate_rotation", "handler.py", ()),
        )
    }
)


def function_files(name: str) -> dict[str, bytes]:
    """Return a function's own files by their path in the zip, sorted; no dependencies.

    Raises:
        LabError: no template of this name has a function.
    """
    packing = _packing(name)
    files = {packing.entry: (packing.folder / packing.entry).read_bytes()}
    for module in packing.modules:
        path = _PACKAGE / module
        for each in path.glob("*.py") if path.is_dir() else (path.with_suffix(".py"),):
            files[f"pkilab/{each.relative_to(_PACKAGE).as_posix()}"] = each.read_bytes()
    return dict(sorted(files.items()))


def write_function(name: str, folder: Path) -> None:
    """Write ``template.yaml``, ``requirements.txt`` and the folder ``function`` into ``folder``.

    Files of these names are replaced, others stay: what pip has put into ``function``.

    Raises:
        LabError: no template of this name has a function.
    """
    files = {f"function/{path}": data for path, data in function_files(name).items()}
    for each in ("template.yaml", "requirements.txt"):
        files[each] = (_packing(name).folder / each).read_bytes()
    for each, data in files.items():
        path = folder / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def function_zip(name: str, dependencies: Path | None = None) -> bytes:
    """Return a deployment package; the same sources and dependencies give the same bytes.

    Args:
        name: the template's folder.
        dependencies: a folder made by ``pip install --target``, packed along. AWS Lambda's Python
            has boto3 and nothing else of what is needed; a simulated Lambda has the lab's.

    Raises:
        LabError: no template of this name has a function.
    """
    from pkilab.functions import package  # noqa: PLC0415 - what is packed does not pack

    files: dict[str, str | bytes] = {**function_files(name)}
    if dependencies:
        files |= {
            path.relative_to(dependencies).as_posix(): path.read_bytes()
            for path in dependencies.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    return package(files)


def packaged_template(name: str, bucket: str, key: str) -> str:
    """Return a template as ``aws cloudformation package`` leaves it: its code is in S3.

    Raises:
        LabError: no template of this name has a function.
    """
    text = (_packing(name).folder / "template.yaml").read_text()
    before, found, after = text.partition("      Code: function\n")
    if not found:
        raise LabError(f"the template {name} names no folder as its function's code")
    return f"{before}      Code: {{S3Bucket: {bucket}, S3Key: {key}}}\n{after}"


def revocation_authorizer_files() -> dict[str, bytes]:
    """Return the authorizer's own files, as `function_files` does."""
    return function_files("revocation_authorizer")


def write_revocation_authorizer(folder: Path) -> None:
    """Write the authorizer's template, requirements and function, as `write_function` does."""
    write_function("revocation_authorizer", folder)


def revocation_authorizer_zip(dependencies: Path | None = None) -> bytes:
    """Return the authorizer's deployment package, handler ``authorizer.handler``."""
    return function_zip("revocation_authorizer", dependencies)


def _packing(name: str) -> Packing:
    if name not in PACKINGS:
        raise LabError(f"no function in the template {name!r}; there are {', '.join(PACKINGS)}")
    return PACKINGS[name]
