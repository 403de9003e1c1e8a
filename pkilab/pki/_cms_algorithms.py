"""The signature algorithms of CMS under the names KMS has for them.

Sources: RFC 5754 (RSA PKCS#1 v1.5, ECDSA), RFC 4056 (RSASSA-PSS), RFC 8419 (Ed25519), RFC 9882
(ML-DSA); KMS API Reference, Sign, SigningAlgorithm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa

from pkilab.errors import MalformedError
from pkilab.pki import _cms_asn1 as der
from pkilab.pki._signatures import verifies
from pkilab.pki.certificates import UNREADABLE
from pkilab.pki.keys import key_algorithm
from pkilab.pki.kms_signatures import SIGNING_ALGORITHMS, key_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkilab.pki._ber import Element
    from pkilab.pki.keys import PrivateKey, PublicKey

NULL = b"\x05\x00"
# RFC 5754, 2; RFC 8702, 2; the last two are read so that they can be named, and never believed.
DIGESTS = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.12": "shake256",
    "1.3.14.3.2.26": "sha1",
    "1.2.840.113549.2.5": "md5",
}
DIGEST_OIDS = {name: dotted for dotted, name in DIGESTS.items()}
HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# What a content may be hashed with; SHAKE256 goes with ML-DSA alone (RFC 8702, 3.1: 64 bytes).
CONTENT_HASHES: dict[str, hashes.HashAlgorithm] = {**HASHES, "shake256": hashes.SHAKE256(64)}
_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
_RSASSA_PSS, _MGF1 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8"
_ED25519 = "1.3.101.112"
_PKCS1 = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
_ECDSA = {
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
_ML_DSA = {
    "2.16.840.1.101.3.4.3.17": mldsa.MLDSA44PublicKey,
    "2.16.840.1.101.3.4.3.18": mldsa.MLDSA65PublicKey,
    "2.16.840.1.101.3.4.3.19": mldsa.MLDSA87PublicKey,
}
# RFC 9882, 3.3: those as strong as the parameter set, of the digests that are modelled.
_ML_DSA_DIGESTS = {
    "2.16.840.1.101.3.4.3.17": ("sha512", "shake256", "sha384", "sha256"),
    "2.16.840.1.101.3.4.3.18": ("sha512", "shake256", "sha384"),
    "2.16.840.1.101.3.4.3.19": ("sha512", "shake256"),
}
_KINDS: dict[str, tuple[type, ...]] = {
    "RSASSA_PKCS1_V1_5": (rsa.RSAPublicKey,),
    "RSASSA_PSS": (rsa.RSAPublicKey,),
    "ECDSA": (ec.EllipticCurvePublicKey,),
    "ED25519": (ed25519.Ed25519PublicKey,),
    "ML_DSA": tuple(_ML_DSA.values()),
}
_PSS_DEFAULT_SALT, _TRAILER = 20, 1  # RFC 4056, 3
_CURVE_DIGESTS = {"secp256r1": "sha256", "secp384r1": "sha384", "secp521r1": "sha512"}


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A signature algorithm and the digest that goes with it.

    Args:
        scheme: ``RSASSA_PKCS1_V1_5``, ``RSASSA_PSS``, ``ECDSA``, ``ED25519`` or ``ML_DSA``.
        digest: ``sha256``, ``sha384`` or ``sha512``: of the content, and for RSA and ECDSA also
            within the signature. With ML-DSA also ``shake256``.
        salt_length: of RSASSA-PSS, in bytes.
        parameter_set: the OID of an ML-DSA parameter set, which the key must have; else "".
    """

    scheme: str
    digest: str
    salt_length: int = 0
    parameter_set: str = ""

    @property
    def name(self) -> str:
        """The name KMS has for it (``RSASSA_PSS_SHA_256``)."""
        return {"ED25519": "ED25519_SHA_512", "ML_DSA": "ML_DSA_SHAKE_256"}.get(
            self.scheme, f"{self.scheme}_SHA_{self.digest[3:]}"
        )

    def fits(self, key: PublicKey) -> bool:
        """Whether a public key is of the kind this algorithm uses."""
        if self.parameter_set:
            return isinstance(key, _ML_DSA[self.parameter_set])
        return isinstance(key, _KINDS[self.scheme])

    def identifier(self) -> bytes:
        """Return its AlgorithmIdentifier.

        For RSA PKCS#1 v1.5 the one that names the hash, which openssl and BouncyCastle read too.
        """
        if self.scheme == "RSASSA_PSS":
            hashed = der.algorithm_identifier(DIGEST_OIDS[self.digest], NULL)
            parameters = der.sequence(
                der.tagged(0, hashed),
                der.tagged(1, der.algorithm_identifier(_MGF1, hashed)),
                der.tagged(2, der.primitive(self.salt_length)),
            )
            return der.algorithm_identifier(_RSASSA_PSS, parameters)
        if self.scheme == "RSASSA_PKCS1_V1_5":
            return der.algorithm_identifier(_by_digest(_PKCS1, self.digest), NULL)
        if self.scheme == "ECDSA":
            return der.algorithm_identifier(_by_digest(_ECDSA, self.digest))
        return der.algorithm_identifier(self.parameter_set or _ED25519)

    def verifies(self, key: PublicKey, signature: bytes, signed: bytes) -> bool:
        """Whether ``key`` made ``signature`` over ``signed``; False for a key of another kind."""
        if not self.fits(key):
            return False
        if self.scheme != "RSASSA_PSS":
            hashed = HASHES[self.digest] if self.scheme in {"RSASSA_PKCS1_V1_5", "ECDSA"} else None
            return verifies(key, signature, signed, hashed)
        assert isinstance(key, rsa.RSAPublicKey)  # noqa: S101 - narrows the type
        try:
            key.verify(signature, signed, self.padding(), HASHES[self.digest])
        except (InvalidSignature, OverflowError, *UNREADABLE):
            return False
        return True

    def padding(self) -> padding.PSS:
        """Return RSASSA-PSS's padding, with MGF1 over the same hash."""
        return padding.PSS(padding.MGF1(HASHES[self.digest]), self.salt_length)


def digest(name: str, content: bytes) -> bytes:
    """Hash ``content`` with one of `CONTENT_HASHES`."""
    running = hashes.Hash(CONTENT_HASHES[name])
    running.update(content)
    return running.finalize()


def named(name: str, key: PublicKey) -> SignatureAlgorithm:
    """Return the algorithm KMS calls ``name``, for the key whose public half is ``key``.

    The digest with Ed25519 is SHA-512 (RFC 8419, 2.3), as it is here with ML-DSA (RFC 9882, 3.3).

    Raises:
        MalformedError: there is no such algorithm in CMS, or it is not for that key.
    """
    found = None
    if name == "ED25519_SHA_512":
        found = SignatureAlgorithm("ED25519", "sha512")
    elif name == "ML_DSA_SHAKE_256":
        parameter_set = next((o for o, kind in _ML_DSA.items() if isinstance(key, kind)), "")
        found = SignatureAlgorithm("ML_DSA", "sha512", parameter_set=parameter_set)
    else:
        scheme, _, size = name.partition("_SHA_")
        hashed = HASHES.get(f"sha{size}")
        if scheme in {"RSASSA_PKCS1_V1_5", "RSASSA_PSS", "ECDSA"} and hashed:
            salt = hashed.digest_size if scheme == "RSASSA_PSS" else 0
            found = SignatureAlgorithm(scheme, hashed.name, salt)
    if found is None or not found.fits(key):
        raise MalformedError(
            "signing algorithm",
            found=f"{name} for a key of {key_algorithm(key)}",
            expected=" or ".join(_in_cms(key)) or "RSA, a NIST curve, Ed25519 or ML-DSA",
        )
    return found


def _in_cms(key: PublicKey) -> list[str]:
    """Return KMS's algorithms for a key that CMS has; none: KMS has no such key."""
    try:
        names = SIGNING_ALGORITHMS[key_spec(key)]
    except MalformedError:
        return []
    return [name for name in names if name != "ED25519_PH_SHA_512"]


def usual_name(key: PublicKey) -> str:
    """Return KMS's name of the algorithm a key usually signs with.

    RSA: PKCS#1 v1.5 with SHA-256, which is the same each time; ECDSA: the hash of the curve's size.

    Raises:
        MalformedError: a key that does not sign, or on another curve.
    """
    if isinstance(key, rsa.RSAPublicKey):
        return "RSASSA_PKCS1_V1_5_SHA_256"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_DIGESTS:
        return f"ECDSA_SHA_{_CURVE_DIGESTS[key.curve.name][3:]}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ED25519_SHA_512"
    if isinstance(key, _KINDS["ML_DSA"]):
        return "ML_DSA_SHAKE_256"
    raise MalformedError(
        "key", found=key_algorithm(key), expected="RSA, a NIST curve, Ed25519 or ML-DSA"
    )


def signing(key: PrivateKey, algorithm: SignatureAlgorithm) -> Callable[[bytes], bytes]:
    """Return a function that signs with ``cryptography``'s interface of a private key.

    ECDSA by a key that is here is deterministic (RFC 6979), RSASSA-PSS has a random salt. A key
    elsewhere, such as `pkilab.kms_keys` has, chooses its random numbers itself; it has an ``arn``.
    """
    here = not hasattr(key, "arn")

    def sign(message: bytes) -> bytes:
        if isinstance(key, rsa.RSAPrivateKey):
            pss = algorithm.scheme == "RSASSA_PSS"
            filling = algorithm.padding() if pss else padding.PKCS1v15()
            return key.sign(message, filling, HASHES[algorithm.digest])
        if isinstance(key, ec.EllipticCurvePrivateKey):
            hashed = HASHES[algorithm.digest]
            return key.sign(message, ec.ECDSA(hashed, deterministic_signing=here))
        return key.sign(message)  # type: ignore[call-arg]  # Ed25519 and ML-DSA

    return sign


def read_digest(element: Element, thing: str) -> str:
    """Read a DigestAlgorithmIdentifier; an unknown algorithm is returned by its number.

    Raises:
        MalformedError: parameters other than NULL (RFC 5754, 2).
    """
    dotted, parameters = _identifier(element, thing)
    _no_parameters(parameters, thing)
    return DIGESTS.get(dotted, dotted)


def read_signature(
    element: Element, digest_name: str | None, thing: str
) -> SignatureAlgorithm | str:
    """Read a SignatureAlgorithmIdentifier; one that is not modelled is returned by its number.

    Args:
        element: the AlgorithmIdentifier.
        digest_name: the digest of the same SignerInfo, to which some algorithms leave it; None
            outside CMS.
        thing: what is read, for errors.

    Raises:
        MalformedError: parameters that the algorithm does not have.
    """
    dotted, parameters = _identifier(element, thing)
    found: SignatureAlgorithm | str = dotted
    if dotted == _RSASSA_PSS:
        return _read_pss(parameters, thing)
    if dotted in {_RSA_ENCRYPTION, *_PKCS1}:
        _no_parameters(parameters, thing)
        hashed = _PKCS1.get(dotted, digest_name or "")
        return SignatureAlgorithm("RSASSA_PKCS1_V1_5", hashed) if hashed in HASHES else dotted
    if dotted in _ECDSA:
        found = SignatureAlgorithm("ECDSA", _ECDSA[dotted])
    elif dotted == _ED25519:
        found = SignatureAlgorithm("ED25519", "sha512")
    elif digest_name in {None, *_ML_DSA_DIGESTS.get(dotted, ())} and dotted in _ML_DSA:
        found = SignatureAlgorithm("ML_DSA", digest_name or "sha512", parameter_set=dotted)
    if parameters is not None and not isinstance(found, str):
        raise MalformedError(thing, found="algorithm parameters", expected="none")
    return found


def _read_pss(parameters: Element | None, thing: str) -> SignatureAlgorithm | str:
    if parameters is None:
        raise MalformedError(thing, found="no parameters", expected="those of RSASSA-PSS")
    fields = der.Fields(parameters, thing)
    hashed, masked = fields.maybe(der.context(0)), fields.maybe(der.context(1))
    salt, trailer = fields.maybe(der.context(2)), fields.maybe(der.context(3))
    fields.end()
    if trailer and der.integer(der.only(trailer, thing, der.context(3)), thing) != _TRAILER:
        raise MalformedError(thing, found="another trailer field", expected="trailerFieldBC")
    if hashed is None or masked is None:
        return _RSASSA_PSS  # their default is SHA-1
    name = read_digest(der.only(hashed, thing, der.context(0)), thing)
    mask, inner = _identifier(der.only(masked, thing, der.context(1)), thing)
    if mask != _MGF1 or inner is None or read_digest(inner, thing) != name or name not in HASHES:
        return _RSASSA_PSS
    length = _PSS_DEFAULT_SALT
    if salt:
        length = der.integer(der.only(salt, thing, der.context(2)), thing)
    if not 0 <= length <= 512:  # noqa: PLR2004 - bytes; no RSA key here takes a longer one
        raise MalformedError(thing, found=f"a salt of {length} bytes", expected="0 to 512")
    return SignatureAlgorithm("RSASSA_PSS", name, length)


def _identifier(element: Element, thing: str) -> tuple[str, Element | None]:
    fields = der.Fields(element, thing)
    dotted = der.dotted(fields.take(der.OID), thing)
    rest = fields.rest()
    if len(rest) > 1:
        raise MalformedError(thing, found="more parameters", expected="an AlgorithmIdentifier")
    return dotted, rest[0] if rest else None


def _no_parameters(parameters: Element | None, thing: str) -> None:
    if parameters is not None and parameters.whole != NULL:
        raise MalformedError(thing, found="algorithm parameters", expected="none, or NULL")


def _by_digest(table: dict[str, str], name: str) -> str:
    return next(dotted for dotted, each in table.items() if each == name)
