"""Control of domain names: CNAME records looked up in the world's DNS, CAA, and mail nobody reads.

Sources: ACM User Guide, "DNS validation", "Email validation" and "Certification Authority
Authorization (CAA) problems".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal

from pkilab.errors import MalformedError
from pkilab.simulator.acm import names as domain_names
from pkilab.simulator.acm.rules import Method
from pkilab.simulator.acm.state import AcmCertificate, Validation
from pkilab.simulator.dns.caa import allows
from pkilab.simulator.dns.resolver import Resolver
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

ATTEMPT = timedelta(hours=72)  # then a request times out, and a renewal begins anew
_CAA_NAMES = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")
_MOST_ALIASES = 5  # CNAMEs from the record's name to ACM's value
_MAILBOXES = ("admin", "administrator", "hostmaster", "postmaster", "webmaster")

Verdict = Literal["PENDING", "VALIDATED", "CAA_ERROR", "INVALID_PUBLIC_DOMAIN"]


class Validator:
    """Asks for proof of control and looks for it.

    Args:
        world: whose entropy makes the tokens.
        resolver: the world's DNS, as the public sees it.
    """

    def __init__(self, world: World, resolver: Resolver) -> None:
        self._world, self._resolver = world, resolver

    def challenges(
        self,
        account: str,
        names: Iterable[str],
        method: Method,
        domains: Mapping[str, str],
        *,
        public: bool = True,
    ) -> tuple[Validation, ...]:
        """Return what has to be proved for each name: of a private certificate's, nothing.

        A token belongs to an account and a name, whatever the Region and the request; a wildcard
        shares its domain's.

        Args:
            account: who asks.
            names: lower case.
            method: how to prove it.
            domains: the validation domain of names that have another than themselves.
            public: whether the certificate is to be trusted by the public.
        """
        if not public:
            return tuple(Validation(name, method=method) for name in names)
        make = self._record if method == "DNS" else _mail
        return tuple(make(account, name, domains.get(name, "")) for name in names)

    def look(self, validations: Iterable[Validation]) -> Verdict:
        """Look for what is still to be proved, and once all is, whether CAA lets ACM issue.

        A name that CAA closes to ACM is marked FAILED.
        """
        validations = tuple(validations)
        if not all(domain_names.is_public(each.domain) for each in validations):
            return "INVALID_PUBLIC_DOMAIN"
        for each in validations:
            if each.status == "PENDING_VALIDATION" and each.method == "DNS" and self._found(each):
                each.status = "SUCCESS"
        if any(each.status != "SUCCESS" for each in validations):
            return "PENDING"
        closed = [each for each in validations if not self._may_issue(each.domain)]
        for each in closed:
            each.status = "FAILED"
        return "CAA_ERROR" if closed else "VALIDATED"

    def resend(self, of: AcmCertificate, name: str, domain: str) -> None:
        """Send the mails for a name once more, to mailboxes of ``domain``.

        Raises:
            AwsError: InvalidStateException, it does not wait for mail;
                InvalidDomainValidationOptionsException, as `mail_domains`.
        """
        if of.method != "EMAIL" or of.status != "PENDING_VALIDATION":
            message = f"{of.arn} does not wait for validation by mail: it is {of.status}."
            raise AwsError("InvalidStateException", message)
        known = [{"DomainName": name, "ValidationDomain": domain}]
        domains = {each.domain: each.validation_domain for each in of.validations}
        domains |= mail_domains(of.names, known)
        of.validations = self.challenges(of.account, of.names, "EMAIL", domains)

    def _record(self, account: str, name: str, domain: str) -> Validation:
        apex = name.removeprefix("*.")
        tokens = self._world.entropy("acm", "validation", account, apex)
        label, value = tokens.bytes(16).hex(), tokens.bytes(16).hex()
        return Validation(
            name, f"_{label}.{apex}.", f"_{value}.acm-validations.aws.", validation_domain=domain
        )

    def _found(self, validation: Validation) -> bool:
        """Follow CNAMEs from the record's name; some providers drop its value's underscore."""
        at, value = validation.record_name, validation.record_value
        try:
            for _ in range(_MOST_ALIASES):
                values = self._resolver.look_up(at, "CNAME").values
                if not values:
                    return False
                at = values[0]
                if at in (value, value.removeprefix("_")):
                    return True
        except MalformedError:  # a record's name that would be longer than DNS allows
            return False
        return False

    def _may_issue(self, name: str) -> bool:
        found = self._resolver.caa(name)
        return bool(allows(found, _CAA_NAMES, wildcard=name.startswith("*.")))


def _mail(_: str, name: str, domain: str) -> Validation:
    base = domain or name.removeprefix("*.").removeprefix("www.")
    return Validation(
        name,
        method="EMAIL",
        validation_domain=domain,
        emails=tuple(f"{mailbox}@{base}" for mailbox in _MAILBOXES),
    )


def mail_domains(names: Iterable[str], options: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the validation domain of each name that was given one.

    Raises:
        AwsError: InvalidDomainValidationOptionsException; the name is not in the request, or the
            domain neither the name nor above it.
    """
    known, found = set(names), dict[str, str]()
    for option in options:
        name, domain = (option[key].lower() for key in ("DomainName", "ValidationDomain"))
        if name not in known or name in found:
            times = "more than once" if name in found else "but is not requested"
            raise _bad_option(f"The domain name {name} is given {times}.")
        if not domain_names.is_same_or_above(domain, name):
            raise _bad_option(f"The validation domain must be {name} or above it: found {domain}")
        found[name] = domain
    return found


def _bad_option(message: str) -> AwsError:
    return AwsError("InvalidDomainValidationOptionsException", message)
