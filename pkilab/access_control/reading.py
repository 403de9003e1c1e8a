"""Reading with boto3, where what may not be read is noted and never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from pkilab.errors import LabClosedError, LabError, MalformedError, UnsupportedError
from pkilab.iam import Document, PolicyKind, read_policy

#: service, the account's 12 digits, Region ("": any) -> a boto3 client; ``None``: there is none.
ClientFor: TypeAlias = Callable[[str, str, str], Any]
Policy: TypeAlias = str | Mapping[str, Any]
T = TypeVar("T")

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})


@dataclass(frozen=True, slots=True)
class Unread:
    """What could not be read, and so was not judged.

    Attributes:
        kind: of the policies that are missing; ``None``, only facts for conditions are.
        what: such as ``inline policy Sign of user ana``.
        why: in the words of whoever refused.
    """

    kind: PolicyKind | None
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


class Reader:
    """Asks one account after another, and keeps a list of what it could not read."""

    def __init__(self, client_for: ClientFor) -> None:
        self._client_for = client_for
        self.unread: list[Unread] = []

    def client(
        self, service: str, account: str, region: str, kind: PolicyKind | None, what: str
    ) -> Any:  # noqa: ANN401 - as boto3.client
        """Return a client, or ``None`` with a note: nobody may read there.

        Raises:
            LabClosedError: it is of a lab that was closed.
        """
        try:
            found = self._client_for(service, account, region)
        except LabClosedError:
            raise
        except (BotoCoreError, KeyError, LabError) as error:
            self.note(kind, what, f"no client of account {account}: {error}")
            return None
        if found is None:
            self.note(kind, what, f"no client of account {account}")
        return found

    def ask(
        self,
        kind: PolicyKind | None,
        what: str,
        call: Callable[[], T],
        *,
        absent: frozenset[str] = frozenset(),
    ) -> T | None:
        """Return what a call answers.

        Args:
            kind: of the policies that it is about.
            what: what is read, for the note.
            call: the call.
            absent: error codes that say that there is none.

        Returns:
            ``None`` if there is none, or with a note, if it may not be read.

        Raises:
            ClientError: it fails in another way (botocore's).
        """
        try:
            return call()
        except ClientError as error:
            answer = error.response["Error"]
            if answer["Code"] in absent:
                return None
            if answer["Code"] not in DENIED:
                raise
            self.note(kind, what, answer.get("Message") or answer["Code"])
        except BotoCoreError as error:  # no credentials, no connection
            self.note(kind, what, str(error))
        return None

    def policy(self, text: Policy, kind: PolicyKind, name: str) -> Iterator[Document]:
        """Yield a policy, or nothing with a note: it says what is not modelled."""
        try:
            yield read_policy(text, kind=kind, name=name)
        except (UnsupportedError, MalformedError) as error:
            self.note(kind, name, str(error))

    def note(self, kind: PolicyKind | None, what: str, why: str) -> None:
        """Remember what was not read."""
        self.unread.append(Unread(kind, what, why))
