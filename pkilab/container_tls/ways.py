"""The ways to bring a certificate to a container, compared by trying each of them.

A way is a function that starts a container. Two are started, and looked at as a client does; then
the key is looked for wherever somebody could look; then another key is brought, and it is seen what
it takes until the container shows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.access_control.denials import is_denial
from pkilab.container_tls.containers import Container
from pkilab.container_tls.images import Image
from pkilab.container_tls.traces import keys_in
from pkilab.show.tables import Table, table

Start = Callable[[], AbstractContextManager[Container]]
Search = Callable[[Container], bytes | str | Image]


class Effort(StrEnum):
    """What it took until a container showed another key."""

    ITSELF = "nothing: it makes one"
    RELOAD = "storing one, and a look"
    RESTART = "storing one, and a restart"
    IMAGE = "a new image"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who looked for a key.

    Attributes:
        who: as it was given.
        found: whether the key was there.
        said: AWS's error code, if access was refused; ``""`` otherwise.
    """

    who: str
    found: bool
    said: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """What was found out about a way.

    Attributes:
        name: as it was given.
        readers: who looked for the key, and whether it was there.
        shared: whether two containers have the same key.
        trusted: whether a client that trusts the root and knows the name connected.
        effort: until another key was shown.
        certificate: the one that was looked at.
    """

    name: str
    readers: tuple[Reader, ...]
    shared: bool
    trusted: bool
    effort: Effort
    certificate: x509.Certificate = field(repr=False)

    @property
    def exposed_to(self) -> tuple[str, ...]:
        """Who has the key, besides the container."""
        return tuple(each.who for each in self.readers if each.found)


def public_key_of(certificate: x509.Certificate) -> str:
    """Return SHA-256 of the certified key (SubjectPublicKeyInfo), hexadecimal."""
    der = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def find_key(container: Container, searches: Mapping[str, Search]) -> tuple[Reader, ...]:
    """Look for a container's private key in what each of several people can get.

    Args:
        container: whose; the key that it uses now.
        searches: by a name of who looks: a function that gets, given the container, whatever they
            can get. An access denied error of AWS's means that they get nothing.

    Raises:
        ClientError: AWS refused for another reason (botocore's): nobody has looked then.
        MalformedError: an image cannot be read.
        LabError: the container does not answer.
    """
    public_key = public_key_of(container.certificate())
    found = []
    for who, search in searches.items():
        try:
            got = search(container)
        except ClientError as error:
            if not is_denial(error):
                raise
            found.append(Reader(who, found=False, said=str(error.response["Error"]["Code"])))
            continue
        if isinstance(got, Image):
            keys = {each.key.public_key for each in got.private_keys()}
        else:
            octets = got.encode() if isinstance(got, str) else got
            keys = {each.public_key for each in keys_in(octets)}
        found.append(Reader(who, found=public_key in keys))
    return tuple(found)


def try_way(
    name: str,
    start: Start,
    *,
    trusts: Callable[[Container], bool],
    searches: Mapping[str, Search],
    rotate: Callable[[], object] | None = None,
) -> Way:
    """Try a way to bring key and certificate to a container.

    Args:
        name: what to call it.
        start: starts a container of entrypoint.py, whose context ends it.
        trusts: whether a client takes the container for whom it says it is.
        searches: who looks for its key, and where, as for `find_key`.
        rotate: does what has to be done before a container can get another key; None: nothing can
            be done but to tell it to look (SIGHUP).

    Raises:
        LabError: a container does not start or answer.
        ClientError: as `find_key`, or of ``rotate`` (botocore's).
    """
    with start() as one:
        certificate = one.certificate()
        before = public_key_of(certificate)
        with start() as two:
            shared = public_key_of(two.certificate()) == before
        trusted = trusts(one)
        readers = find_key(one, searches)
        effort = Effort.ITSELF
        if rotate is not None:
            rotate()
            effort = Effort.RELOAD
        if public_key_of(one.reload()) == before:
            with start() as again:
                same = public_key_of(again.certificate()) == before
            effort = Effort.IMAGE if same else Effort.RESTART
    return Way(name, readers, shared, trusted, effort, certificate)


def compare(ways: Iterable[Way], **more: Mapping[str, object]) -> Table:
    """Return the ways as one table.

    Args:
        ways: what `try_way` found.
        more: further columns: the heading (an underscore for a space), with values by way's name.
    """
    return table(
        {
            "way": way.name,
            "who finds the key": list(way.exposed_to) or "nobody",
            "one key for all": way.shared,
            "trusted": way.trusted,
            "another key takes": way.effort,
            **{title.replace("_", " "): values.get(way.name, "") for title, values in more.items()},
        }
        for way in ways
    )
