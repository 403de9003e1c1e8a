"""Things to deploy on AWS, and the packing of them. Each folder's README has the commands.

`revocation_authorizer` is a Lambda authorizer for API Gateway, `acm_certificate` a public
certificate that validates itself by DNS, `private_ca` a private CA hierarchy with a certificate.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
_FOLDER = Path(__file__).parent / "revocation_authorizer"
# What the authorizer imports of this package; cryptography is all that these need in turn.
_MODULES = (
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
)


def revocation_authorizer_files() -> dict[str, bytes]:
    """Return the function's own files by their path in the zip, sorted; no dependencies."""
    files = {f"pkilab/{name}.py": (_PACKAGE / f"{name}.py").read_bytes() for name in _MODULES}
    files["authorizer.py"] = (_FOLDER / "authorizer.py").read_bytes()
    return dict(sorted(files.items()))


def write_revocation_authorizer(folder: Path) -> None:
    """Write ``template.yaml``, ``requirements.txt`` and the folder ``function`` into ``folder``.

    Files of these names are replaced, others stay: what pip has put into ``function``.
    """
    files = {f"function/{name}": data for name, data in revocation_authorizer_files().items()}
    for name in ("template.yaml", "requirements.txt"):
        files[name] = (_FOLDER / name).read_bytes()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def revocation_authorizer_zip(dependencies: Path | None = None) -> bytes:
    """Return a deployment package of the authorizer, handler ``authorizer.handler``.

    The same sources and dependencies give the same bytes.

    Args:
        dependencies: a folder made by ``pip install --target``, packed along. AWS Lambda's Python
            has no cryptography of its own; a simulated Lambda has the lab's.
    """
    from pkilab.functions import package  # noqa: PLC0415 - what is packed does not pack

    files: dict[str, str | bytes] = {**revocation_authorizer_files()}
    if dependencies:
        files |= {
            path.relative_to(dependencies).as_posix(): path.read_bytes()
            for path in dependencies.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    return package(files)
