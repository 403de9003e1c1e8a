"""The commands of the AWS posts, taken from their text and run by the real programs.

The posts were typeset: dashes became en-dashes, prose was glued to lines, placeholders stand for
names. What was changed before running is listed and printed beside each command, and a change that
is not needed any more fails the test.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import Lab, functions
from pkilab.ca_hierarchy import create_ca, create_root, create_subordinate, issue
from pkilab.certificate_import import import_material, sort_pem
from pkilab.mutual_tls import (
    TruststoreObject,
    create_domain,
    request_public_certificate,
    use_truststore,
)
from pkilab.pki import pem
from pkilab.pki.keys import write_private_key
from pkilab.pki.requests import build_request
from pkilab.pki.truststore import load_truststore
from tests.posts import words_of

# A command starts a line, or follows a prompt or the colon of the sentence that introduces it.
_COMMAND = re.compile(
    r"(?:^|(?<=:)|(?<=\$))[ \t]*"
    r"((?:openssl|aws|curl|cp|cat) +[-\u2013A-Za-z0-9/](?:[^\\\n]|\\\n)*)",
    re.MULTILINE,
)
_POST = re.compile(r"^([^\n]+)\n+Post Syndicated from", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A command line as it stands in a post."""

    post: str
    line: str


@pytest.fixture(scope="module")
def commands(seeds):
    """Every command line of every post, in order."""
    found = []
    for file in seeds:
        text = file.read_text()
        starts = [(match.start(), match[1]) for match in _POST.finditer(text)]
        for match in _COMMAND.finditer(text):
            post = max(start for start in starts if start[0] <= match.start())[1]
            found.append(Command(post, match[1].strip()))
    return found


def test_every_command_of_the_posts_is_found(commands):
    """As many as a person counts."""
    programs = Counter(command.line.split()[0] for command in commands)
    assert programs == {"openssl": 10, "aws": 10, "curl": 1, "cp": 1, "cat": 1}


SUBJECT = {
    "State": "Washington",
    "Locality": "Seattle",
    "Organization": "Amazon",
    "OrganizationalUnit": "Engineering",
    "CommonName": "secure.internal",
}


def sign_as_the_launch_post_does(commands, lab, folder, *changes):
    """Let the post's command sign the CSR of a new CA; return what ImportCertificate... wants."""
    (command,) = [c for c in commands if c.post.startswith("AWS Certificate Manager Launches")]
    pca = lab.client("acm-pca")
    arn = create_ca(pca, SUBJECT, kind="SUBORDINATE", key_algorithm="RSA_2048")
    root = _desktop_root(folder, lab)
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
    (folder / "csr" / "CSR.pem").write_text(csr)
    dates = _dates(lab.clock.now(), days=3650)
    words = words_of(
        command.line,
        ("-days 3650", dates, "the world's time is not the machine's"),
        ("openssl ca ", "openssl ca -batch ", "nobody is there to answer y"),
        *changes,
    )
    said = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stderr
    signed = (folder / "certs" / "subordinate_cert.pem").read_text()
    return said, {
        "CertificateAuthorityArn": arn,
        "Certificate": signed.encode(),
        "CertificateChain": root.encode(),
    }


def test_the_launch_posts_openssl_ca_signs_a_private_ca_csr(commands, lab, tmp_path):
    """The post's external parent, and Private CA takes what openssl made of its CSR."""
    pca = lab.client("acm-pca")
    said, imported = sign_as_the_launch_post_does(commands, lab, tmp_path)
    assert "commonName            :ASN.1 12:'secure.internal'" in said
    assert "Certificate is to be certified until" in said
    pca.import_certificate_authority_certificate(**imported)
    described = pca.describe_certificate_authority(
        CertificateAuthorityArn=imported["CertificateAuthorityArn"]
    )
    assert described["CertificateAuthority"]["Status"] == "ACTIVE"


def test_the_same_command_without_its_extensions_gives_nothing_private_ca_takes(
    commands, lab, tmp_path
):
    """Left out, -extensions v3_intermediate_ca makes a certificate that is no CA's."""
    pca = lab.client("acm-pca")
    mistake = ("-extensions v3_intermediate_ca ", "", "the mistake this test is about")
    _, imported = sign_as_the_launch_post_does(commands, lab, tmp_path, mistake)
    with pytest.raises(ClientError, match=r"(?i)basic ?constraints"):
        pca.import_certificate_authority_certificate(**imported)


def _dates(start, *, days):
    end = start + timedelta(days=days)
    return f"-startdate {start:%Y%m%d%H%M%SZ} -enddate {end:%Y%m%d%H%M%SZ}"


def _desktop_root(folder, lab):
    """Lay out what the post takes for granted: a root, its configuration, csr/ and certs/."""
    for name in ("csr", "certs", "private"):
        (folder / name).mkdir()
    write_private_key(lab.generate_key("desktop root", "RSA_2048"), folder / "private" / "root.key")
    (folder / "index.txt").touch()
    (folder / "serial").write_text("1000\n")
    (folder / "openssl_root.cnf").write_text(
        "[ca]\ndefault_ca = root\npreserve = yes\n"
        "[root]\ndefault_md = sha256\ndatabase = index.txt\n"
        "new_certs_dir = certs\nserial = serial\n"
        "private_key = private/root.key\ncertificate = root.pem\npolicy = any\n"
        "[any]\ncommonName = supplied\nstateOrProvinceName = optional\nlocalityName = optional\n"
        "organizationName = optional\norganizationalUnitName = optional\n"
        "[v3_root]\nbasicConstraints = critical, CA:true\nsubjectKeyIdentifier = hash\n"
        "keyUsage = critical, keyCertSign, cRLSign\n"
        "[v3_intermediate_ca]\nbasicConstraints = critical, CA:true, pathlen:0\n"
        "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
        "keyUsage = critical, digitalSignature, keyCertSign, cRLSign\n"
        "[req]\ndistinguished_name = dn\n[dn]\n"
    )
    dates = _dates(lab.clock.now(), days=20 * 365)
    request = "req -new -config openssl_root.cnf -key private/root.key -subj /CN=Desktop"
    sign = f"ca -batch -config openssl_root.cnf -selfsign -extensions v3_root -notext {dates}"
    for command in (f"{request} -out csr/root.pem", f"{sign} -in csr/root.pem -out root.pem"):
        subprocess.run(
            ["openssl", *shlex.split(command)], cwd=folder, check=True, capture_output=True
        )
    return (folder / "root.pem").read_text()


MUTUAL_TLS = "Introducing mutual TLS authentication for Amazon API Gateway"
WHO = "/C=US/ST=Washington/L=Seattle/O=Amazon Web Services/OU=Security"
_PROMPT = "the prompts are answered on the command line"


def _named(name):
    return f"-subj '{WHO}/CN={name}'"


def test_the_mutual_tls_posts_commands_run_from_the_first_to_the_last(
    commands, aws_program, tmp_path
):
    """openssl, cp, cat, aws and curl, as typed in the post, against the served world."""
    lines = [each.line for each in commands if each.post == MUTUAL_TLS]
    with Lab.simulated(seed="post", now="live") as lab:
        server = lab.serve()
        anchor = _site_of_the_mutual_tls_post(lab, tmp_path)
        environment = {
            "PATH": f"{os.path.dirname(aws_program)}:{os.environ['PATH']}",  # noqa: PTH120 - text
            "HOME": str(tmp_path), "AWS_PAGER": "", **lab.environment(),
        }  # fmt: skip

        def run(line, *changes):
            words = words_of(line, *changes)
            return subprocess.run(  # noqa: S602 - the post's own line, redirection and all
                shlex.join(words).replace("'>'", ">"), shell=True, cwd=tmp_path,
                env=environment, capture_output=True, text=True, check=True,
            )  # fmt: skip

        (
            genrsa,
            req_root,
            genrsa_client,
            req_client,
            x509_req,
            cp,
            cat,
            mb,
            versioning,
            s3_cp,
            curl,
        ) = lines
        run(genrsa)
        run(
            req_root,
            (
                "RootCA.pemopenssl request prompts",
                "RootCA.pem",
                "a picture's caption was glued to it",
            ),
            ("-days 36500", f"-days 36500 {_named('My Private CA')}", _PROMPT),
        )
        run(genrsa_client)
        run(
            req_client, ("-key my_client.key", f"-key my_client.key {_named('My Client')}", _PROMPT)
        )
        run(
            x509_req,
            ("-sha256Sign the newly created certificate", "-sha256", "a caption was glued to it"),
        )
        for name in ("IntermediateCA_1.pem", "IntermediateCA_2.pem"):
            shutil.copy(tmp_path / "RootCA.pem", tmp_path / name)
        run(cat)
        assert len(load_truststore((tmp_path / "truststore.pem").read_bytes()).certificates) == 3
        run(cp)
        bucket = ("your-name-ca-truststore", "lab-ca-truststore", "a placeholder")
        run(
            mb,
            bucket,
            ("#creates a new S3 bucket \u2013 skip if using existing bucket", "", "a comment"),
        )
        run(versioning, bucket, ("#enables versioning on S3 bucket", "", "a comment"))
        run(s3_cp, bucket, ("#uploads object to S3 bucket", "", "a comment"))

        way = f"--connect-to ::{server.tls} --cacert {anchor} -s https://"
        resolve = ("https://", way, "the lab has no DNS, and a CA of its own")
        without = ("--key my_client.key --cert my_client.pem ", "", "the first call has none")
        assert run(curl, resolve, without).stdout == '{"hello":null}'
        apis = lab.client("apigatewayv2")
        use_truststore(apis, SITE, TruststoreObject("s3://lab-ca-truststore/truststore.pem", None))
        assert run(curl, resolve, without).stdout == '{"message":"Forbidden"}'
        assert (
            run(curl, resolve).stdout == f'{{"hello":"{WHO[1:].replace("/", ",")},CN=My Client"}}'
        )


SITE = "api.yourdomain.com"
GREETING = """
def handler(event, context):
    seen = event["requestContext"].get("authentication", {}).get("clientCert", {})
    return {"hello": seen.get("subjectDN")}
"""


def _site_of_the_mutual_tls_post(lab, folder):
    """Lay out what the post takes for granted: an HTTP API with a custom domain name."""
    lambda_, apis = lab.client("lambda"), lab.client("apigatewayv2")
    role = functions.create_role(lab.client("iam"), "post")
    greeter = functions.deploy(
        lambda_, "greet", functions.package({"index.py": GREETING}), role=role
    )
    api = apis.create_api(Name="post", ProtocolType="HTTP", Target=greeter)["ApiId"]
    functions.allow_api(lambda_, "greet", api)
    acm, route53 = lab.client("acm"), lab.client("route53")
    zone = route53.create_hosted_zone(Name="yourdomain.com", CallerReference="post")
    arn = request_public_certificate(acm, route53, SITE, zone["HostedZone"]["Id"])
    create_domain(apis, SITE, arn)
    apis.create_api_mapping(ApiId=api, DomainName=SITE, Stage="$default")
    anchor = folder / "amazon.pem"
    anchor.write_text(acm.get_certificate(CertificateArn=arn)["CertificateChain"])
    return anchor.name


PFX = "How to import PFX-formatted certificates into AWS Certificate Manager using OpenSSL"


def test_the_pfx_posts_commands_run_and_acm_takes_what_they_leave(commands, lab, tmp_path):
    """As typed, prompts and all; then the console's text boxes, from BEGIN to END as told."""
    key_out, rsa_key, certificate_out, chain_out = [
        each.line for each in commands if each.post == PFX
    ]
    leaf, issuing, root = _website_of_the_pfx_post(lab, tmp_path)

    def run(line, *answers):
        # Without a terminal openssl asks on standard input: the prompts of the post, answered.
        return subprocess.run(
            words_of(line), cwd=tmp_path, input="".join(f"{each}\n" for each in answers),
            capture_output=True, text=True, check=True, start_new_session=True,
        ).stderr  # fmt: skip

    said = run(key_out, "import", "phrase", "phrase")
    assert "Enter Import Password:" in said
    assert "Enter PEM pass phrase:" in said
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "privatekey.pem").read_text()
    assert "writing RSA key" in run(rsa_key, "phrase")
    run(certificate_out, "import")
    # -chain belongs to -export: a warning, and the certificates come out all the same.
    assert "-chain" in run(chain_out, "import") or _openssl_version() >= (4,)

    files = {name: (tmp_path / name).read_text() for name in POSTS_FILES.values()}
    assert set(files) == {"cert-file.pem", "withoutpw-privatekey.pem", "ca-chain.pem"}
    header = "BEGIN PRIVATE KEY" if _openssl_version() >= (3,) else "BEGIN RSA PRIVATE KEY"
    assert header in files["withoutpw-privatekey.pem"]
    assert "Bag Attributes" in files["cert-file.pem"]
    # The post calls ca-chain.pem the root; it is every CA of the file, here root first.
    assert pem.load_certificates(files["ca-chain.pem"]) == (root, issuing)

    acm = lab.client("acm")
    given = {field: files[name].encode() for field, name in POSTS_FILES.items()}
    with pytest.raises(ClientError, match="PEM"):  # bag attributes and all
        acm.import_certificate(**given)
    boxes = {field: _from_begin_to_end(text) for field, text in given.items()}
    with pytest.raises(ClientError, match="chain"):  # in the file's order
        acm.import_certificate(**boxes)
    sorted_out = sort_pem(*files.values())
    assert sorted_out.chain == (issuing, root)
    arn = import_material(acm, sorted_out)
    assert acm.get_certificate(CertificateArn=arn)["Certificate"] == pem.to_pem(leaf)


POSTS_FILES = {
    "Certificate": "cert-file.pem",
    "PrivateKey": "withoutpw-privatekey.pem",
    "CertificateChain": "ca-chain.pem",
}


def _from_begin_to_end(text):
    """Copy what the post says to copy: the lines from each BEGIN to its END."""
    return b"\n".join(re.findall(rb"-----BEGIN.*?END [A-Z ]+-----", text, re.DOTALL))


def _openssl_version():
    said = subprocess.run(["openssl", "version"], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


def _website_of_the_pfx_post(lab, folder):
    """Lay out what the post takes for granted: website.xyz.com.pfx, of RSA 2048, from a CA."""
    pca = lab.client("acm-pca")
    root = create_root(pca, {"CommonName": "Root"}, key_algorithm="RSA_2048")
    issuing = create_subordinate(
        pca, {"CommonName": "Issuing"}, parent_arn=root, key_algorithm="RSA_2048"
    )
    key = lab.generate_key("website", "RSA_2048")
    csr = build_request(key, "CN=website.xyz.com", dns_names=["website.xyz.com"])
    issued = issue(pca, issuing, csr, validity={"Type": "DAYS", "Value": 365})
    write_private_key(key, folder / "key.pem")
    (folder / "leaf.pem").write_text(issued.pem)
    (folder / "cas.pem").write_text(pem.to_pem(*reversed(issued.chain)))
    subprocess.run(
        ["openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem", "-certfile",
         "cas.pem", "-passout", "pass:import", "-out", "website.xyz.com.pfx"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return (issued.certificate, *issued.chain)


def test_the_aws_command_line_agrees_with_what_the_served_world_issues(aws_cli, lab, tmp_path):
    """CA, CSR, certificate, CRL bucket and errors, as a user of the shell sees them."""
    server = lab.serve()
    assert lab.environment()["AWS_ENDPOINT_URL"] == server.url

    def run(*words):
        ran = aws_cli(lab, *words)
        return ran.returncode, ran.stdout, ran.stderr

    root = create_root(lab.client("acm-pca"), {"CommonName": "CLI Root"})
    code, out, error = run("acm-pca", "list-certificate-authorities")
    assert code == 0, error
    assert [ca["Arn"] for ca in json.loads(out)["CertificateAuthorities"]] == [root]

    request = tmp_path / "CSR.pem"
    csr = build_request(lab.generate_key("cli"), "CN=cli.example", dns_names=["cli.example"])
    request.write_bytes(csr.public_bytes(Encoding.PEM))
    code, out, error = run(
        "acm-pca", "issue-certificate", "--certificate-authority-arn", root,
        "--csr", f"fileb://{request}", "--signing-algorithm", "SHA256WITHECDSA",
        "--validity", "Value=30,Type=DAYS",
    )  # fmt: skip
    assert code == 0, error
    arn = json.loads(out)["CertificateArn"]
    code, out, error = run(
        "acm-pca", "get-certificate", "--certificate-authority-arn", root,
        "--certificate-arn", arn,
    )  # fmt: skip
    assert code == 0, error
    certificate = pem.load_certificate(json.loads(out)["Certificate"])
    assert certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value.get_values_for_type(x509.DNSName) == ["cli.example"]

    code, _, error = run(
        "acm-pca", "issue-certificate", "--certificate-authority-arn", root,
        "--csr", f"fileb://{request}", "--signing-algorithm", "SHA256WITHRSA",
        "--validity", "Value=30,Type=DAYS",
    )  # fmt: skip
    assert code != 0
    assert "InvalidArgsException" in error
