"""Proves the policies of the notebooks: each is enough, and nothing of it is too much.

    python -m tests.prove.policies notebooks/*.ipynb
    python -m tests.prove.policies --sample 3 notebooks/01_ca_hierarchy.ipynb
    python -m tests.prove.policies --run notebooks/00_start_here.ipynb

A notebook runs in aws mode against a stand-in, in accounts of other ids than its policies were
written for, as roles that have exactly the files of ``notebooks/policies`` and are assumed by a
profile. It must pass. Then every action, resource and condition value is taken away, one at a time,
and what the run asked is decided anew (`tests.prove.ablation`). With ``--run`` the notebook runs
for real once more for each of them, and must fail; with ``--sample`` for some of them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pkilab import ledger
from pkilab.journal import Entry
from pkilab.permissions import handlers_reads, least_policy, rewritten
from tests.prove.ablation import Ablation, Finding, Proof, Record, prove
from tests.stand_in.account import Account
from tests.stand_in.inventory import inventory
from tests.stand_in.notebooks import Ran, options_of, run_notebook, sources

Json = dict[str, Any]
ROLE = "pkilab-learner"
_BASE = "the-person"  # the profile by which a role is assumed, with the alias before it
_SEED = "another world than the notebook's own"
_DEFAULT = {"main": "111122223333"}
_DOMAIN = "lab.own.example"  # of the person, in the zone own.example
_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a part of a policy is there although the simulator never asks for it."""

    name: str
    why: str


_LOST = Excuse("lost", "read where an answer got lost: whatever a create without one made is found")
_READS = Excuse(
    "handlers", "the schema of the CloudFormation registry names it; the simulator does without"
)
_CRL = Excuse(
    "crl", "AWS wants whoever gives a CA a bucket to be able to write there; the simulator does not"
)
_SEALED = Excuse("sse-kms", "S3 uses the key in the caller's name; the simulator does not ask KMS")
_FORM = Excuse(
    "form",
    "of a call refused for its form: whether AWS looks at that or at leave first is unpublished",
)


def policies_of(notebook: Path) -> dict[str, list[Json]]:
    """Return the documents of a notebook's policy files, by account alias."""
    found: dict[str, list[Json]] = {}
    for file in sorted((notebook.parent / "policies").glob(f"{notebook.stem}.*.json")):
        alias = file.name.removeprefix(f"{notebook.stem}.").split(".")[0]
        found.setdefault(alias, []).append(json.loads(file.read_text(encoding="utf-8")))
    return found


def elsewhere(accounts: Mapping[str, str]) -> dict[str, str]:
    """Return other accounts of the same aliases: the ids backwards."""
    return {alias: number[::-1] for alias, number in accounts.items()}


def domain_of(notebook: Path) -> str | None:
    """Return the domain name that a notebook has in the simulated lab; None: it needs none."""
    for source in sources(notebook):
        if found := re.search(r"lab\.domain\(\"([\w.-]+)\"\)", source):
            return found[1]
    return None


def role_arn(account_id: str) -> str:
    """Return the ARN of the role that a notebook runs as."""
    return f"arn:aws:iam::{account_id}:role/{ROLE}"


@contextmanager
def stand_in(notebook: Path, documents: Mapping[str, Sequence[Json]]) -> Iterator[Account]:
    """Open accounts that are reached as roles with these policies, and nothing else."""
    options = options_of(notebook)
    accounts = elsewhere(options.pop("accounts", _DEFAULT))
    # Not confirmed: a look that is refused must stop the run.
    with Account(accounts, seed=_SEED, confirm=False, **options) as account:
        for alias, number in accounts.items():
            _make_role(account.lab.client("iam", account=alias), number, documents.get(alias, ()))
        _configure(account)
        yield account


def _make_role(iam: Any, account_id: str, documents: Sequence[Json]) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
            "Action": "sts:AssumeRole",
        },
    }
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    for number, document in enumerate(documents, start=1):
        policy = iam.create_policy(
            PolicyName=f"{ROLE}-{number}", PolicyDocument=json.dumps(document)
        )["Policy"]
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy["Arn"])


def _configure(account: Account) -> None:
    """Have each alias's profile assume its role, by a profile that has the account's own keys."""
    config, credentials = [], []
    for number, (alias, account_id) in enumerate(account.accounts.items()):
        base, keys = f"{alias}-{_BASE}", account.lab.environment(alias)
        head = "[default]" if number == 0 else f"[profile {alias}]"
        config += [head, "region = us-east-1", f"role_arn = {role_arn(account_id)}"]
        config += [f"source_profile = {base}", "", f"[profile {base}]", "region = us-east-1", ""]
        credentials += [f"[{base}]"]
        credentials += [
            f"{name.lower()} = {keys[name]}"
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        ] + [""]
    (account.folder / "config").write_text("\n".join(config))
    (account.folder / "credentials").write_text("\n".join(credentials))


def here(notebook: Path, documents: Mapping[str, Sequence[Json]]) -> dict[str, list[Json]]:
    """Return a notebook's documents for the stand-in's accounts."""
    accounts = options_of(notebook).get("accounts", _DEFAULT)
    others = elsewhere(accounts)
    ids = {number: others[alias] for alias, number in accounts.items()}
    simulated = domain_of(notebook)
    domains = {simulated: _DOMAIN} if simulated else {}
    return {
        alias: [rewritten(each, ids, "us-east-1", domains=domains) for each in several]
        for alias, several in documents.items()
    }


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run.

    Attributes:
        ran: the notebook.
        record: what was asked of the gate.
        entries: its ledger's.
        left: what it made and did not take away.
    """

    ran: Ran
    record: Record
    entries: tuple[Entry, ...]
    left: tuple[str, ...]

    @property
    def wrong(self) -> str:
        """What is wrong with it: the cell that stopped it, or what it leaves; "": nothing."""
        if self.ran.executed.failure:
            return str(self.ran.executed.failure).splitlines()[0]
        return f"leaves {', '.join(self.left)}" if self.left else ""


def run(notebook: Path, documents: Mapping[str, Sequence[Json]]) -> Run:
    """Run a notebook as roles that have these policies; return what came of it and was asked."""
    with ExitStack() as stack:
        account = stack.enter_context(stand_in(notebook, documents))
        variables = {"HOME": str(account.folder)}  # assumed roles are kept in ~/.aws/cli/cache
        if domain_of(notebook):
            name, zone = account.lab.domain(_DOMAIN)
            variables |= {"PKILAB_DOMAIN": name, "PKILAB_ZONE_ID": zone}
        before = inventory(account.lab)
        record = Record(*map(role_arn, account.accounts.values()))
        with record.kept():
            ran = run_notebook(notebook, account=account, timeout=_TIMEOUT, variables=variables)
        entries = ledger.read(ran.ledger).entries if ran.ledger else ()
        left = tuple(str(each) for each in inventory(account.lab) if each not in before)
        return Run(ran, record, entries, left)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one notebook."""

    notebook: Path
    run: Run
    documents: Mapping[str, Sequence[Json]]
    proofs: Mapping[str, Proof]
    excused: Mapping[str, Mapping[Ablation, Excuse]]
    survived: tuple[Ablation, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the notebook passed, and every part of the policies is needed or excused."""
        whole = all(
            len(self.excused[alias]) == len(proof.excesses) and not proof.refused
            for alias, proof in self.proofs.items()
        )
        return not self.run.wrong and whole and not self.survived


def check(
    notebook: Path,
    *,
    really: int | None = 0,
    seed: str = "policies",
    say: Any = print,
) -> Result:
    """Prove the policies of one notebook.

    Args:
        notebook: the file.
        really: how many ablations to run for real besides; None: all.
        seed: which ones.
        say: told of the progress.
    """
    begun = time.perf_counter()
    documents = here(notebook, policies_of(notebook))
    whole = run(notebook, documents)
    say(f"{notebook.name}: {whole.ran.executed.cells} cells, {whole.wrong or 'all ran'}")
    accounts = elsewhere(options_of(notebook).get("accounts", _DEFAULT))
    proofs, excused = {}, {}
    for alias, number in accounts.items():
        proof = prove(whole.record.of(role_arn(number)), documents.get(alias, ()))
        proofs[alias] = proof
        excused[alias] = dict(_excuses(proof.excesses, whole.entries, alias))
        found = replace(proof, findings=()) if whole.wrong else proof
        _report(alias, documents.get(alias, ()), found, excused[alias], say)
    survived = tuple(_survivors(notebook, documents, proofs, really, seed, say))
    return Result(
        notebook, whole, documents, proofs, excused, survived, time.perf_counter() - begun
    )


def _excuses(
    excesses: Iterable[Finding], entries: Sequence[Entry], alias: str
) -> Iterator[tuple[Ablation, Excuse]]:
    own = [each for each in entries if each.account == alias and not each.access_key_id]
    done, asked = _parts(each for each in own if each.ok), _parts(own)
    reads = handlers_reads(own)
    for finding in excesses:
        ablation = finding.ablation
        (statement,) = (each for each in ablation.whole["Statement"] if each["Sid"] == ablation.sid)
        actions = [ablation.part] if ablation.kind == "action" else statement["Action"]
        if all(each == "tag:GetResources" for each in actions):
            yield ablation, _LOST
        elif all(each in reads for each in actions):
            yield ablation, _READS
        elif all(each in {"s3:PutObject", "s3:PutObjectAcl"} for each in actions):
            yield ablation, _CRL
        elif all(each in {"kms:GenerateDataKey", "kms:Decrypt"} for each in actions):
            yield ablation, _SEALED
        elif ablation.part in asked - done:
            yield ablation, _FORM


def _parts(entries: Iterable[Entry]) -> set[str]:
    """Return every action, resource and template of the policy that calls need."""
    found = least_policy(entries, reusable=True).statements
    conditions = [keys for each in found for keys in each.get("Condition", {}).values()]
    values = [part for keys in conditions for several in keys.values() for part in several]
    return {part for each in found for part in (*each["Action"], *each["Resource"])} | set(values)


def _report(
    alias: str,
    documents: Sequence[Json],
    proof: Proof,
    excused: Mapping[Ablation, Excuse],
    say: Any,
) -> None:
    statements = [each for document in documents for each in document["Statement"]]
    actions = sum(len(each["Action"]) for each in statements)
    say(
        f"  {alias}: {len(documents)} documents, {len(statements)} statements, {actions} actions, "
        f"{len(proof.findings)} ablations, {len(proof.excesses)} excesses, {len(excused)} excused"
    )
    for question in proof.refused:
        say(f"    REFUSED {question}: {question.request.action} on {question.request.resource}")
    for finding in proof.excesses:
        excuse = excused.get(finding.ablation)
        say(f"    {f'excused ({excuse.name})' if excuse else 'EXCESS'} {finding}")
    for broad in proof.broad:
        say(f"    broad {broad}")


def _survivors(
    notebook: Path,
    documents: Mapping[str, Sequence[Json]],
    proofs: Mapping[str, Proof],
    really: int | None,
    seed: str,
    say: Any,
) -> Iterator[Ablation]:
    """Run a notebook under ablations that the record says it needs; yield those it passes with."""
    needed = [
        (alias, number, finding)
        for alias, several in documents.items()
        for number, document in enumerate(several)
        for finding in proofs[alias].findings
        if finding.turns and finding.ablation.whole == document
    ]
    chosen = needed
    if really is not None:
        chosen = random.Random(seed).sample(needed, min(really, len(needed)))  # noqa: S311 - a sample
    for alias, number, finding in chosen:
        ablated = {each: list(several) for each, several in documents.items()}
        ablated[alias][number] = finding.ablation.document
        ablated[alias] = [each for each in ablated[alias] if each["Statement"]]
        wrong = run(notebook, ablated).wrong
        say(f"    run: {alias}: {finding.ablation}: {wrong or 'PASSES'}")
        if not wrong:
            yield finding.ablation


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove the policies of notebooks; return 0 if all hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove.policies")
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--run", action="store_true", help="run each ablation for real")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="run N of them")
    parser.add_argument("--seed", default="policies", help="which N")
    asked = parser.parse_args(arguments)
    results = [
        check(each, really=None if asked.run else asked.sample, seed=asked.seed)
        for each in asked.notebooks
    ]
    sys.stdout.write(f"{_table(results)}\n")
    return 0 if all(each.holds for each in results) else 1


def _table(results: Iterable[Result]) -> str:
    head = (
        "notebook",
        "documents",
        "statements",
        "actions",
        "ablations",
        "excused",
        "excesses",
        "",
    )
    rows = [head]
    for each in results:
        documents = [document for several in each.documents.values() for document in several]
        statements = [found for document in documents for found in document["Statement"]]
        excesses = sum(len(proof.excesses) for proof in each.proofs.values())
        excused = sum(map(len, each.excused.values()))
        numbers = (
            len(documents),
            len(statements),
            sum(len(found["Action"]) for found in statements),
            sum(len(proof.findings) for proof in each.proofs.values()),
            excused,
            excesses - excused,
        )
        verdict = "holds" if each.holds else "DOES NOT HOLD"
        rows.append((each.notebook.stem, *map(str, numbers), f"{verdict} ({each.seconds:.0f} s)"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in {0, len(head) - 1} else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


if __name__ == "__main__":
    sys.exit(main())
