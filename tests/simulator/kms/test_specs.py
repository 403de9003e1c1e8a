"""Key specs against botocore's model of the API and the sentences recorded from KMS."""

from __future__ import annotations

import pytest

from pkilab.simulator.kms.specs import (
    ALGORITHMS_MEMBER,
    DATA_KEY_PAIR_SPECS,
    SPECS,
    require_algorithm,
    spec_named,
    usage_of,
)
from pkilab.simulator.service import AwsError, service_model

MODEL = service_model("kms")
REFUSED = {"SM2", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"}
ENUMS = {
    "SIGN_VERIFY": "SigningAlgorithmSpec",
    "ENCRYPT_DECRYPT": "EncryptionAlgorithmSpec",
    "KEY_AGREEMENT": "KeyAgreementAlgorithmSpec",
    "GENERATE_VERIFY_MAC": "MacAlgorithmSpec",
}


def test_every_key_spec_of_the_api_is_simulated_or_refused_by_name():
    """Nothing is left out, and nothing is invented."""
    names = set(MODEL.shape_for("KeySpec").enum)
    assert names == set(SPECS) | REFUSED
    for name in REFUSED:
        with pytest.raises(AwsError, match=f"key spec {name} is not simulated") as refused:
            spec_named(name)
        assert refused.value.status == 501
    assert all(spec_named(name) is spec for name, spec in SPECS.items())


def test_every_algorithm_of_the_api_but_sm2s_belongs_to_a_spec():
    """By usage, and each usage has its member in DescribeKey's answer."""
    metadata = MODEL.shape_for("KeyMetadata").members
    for usage, enum in ENUMS.items():
        found = {a for spec in SPECS.values() for a in spec.algorithms.get(usage, ())}
        assert found == {a for a in MODEL.shape_for(enum).enum if "SM2" not in a}
        assert ALGORITHMS_MEMBER[usage] in metadata
    assert set(MODEL.shape_for("KeyUsageType").enum) - set(ENUMS) == {"ENCAPSULATE_DECAPSULATE"}


def test_data_key_pairs_are_of_every_kind_but_sm2_and_ml_kem():
    """As the model lists them."""
    assert set(DATA_KEY_PAIR_SPECS) == set(MODEL.shape_for("DataKeyPairSpec").enum) - REFUSED


@pytest.mark.parametrize(
    ("spec", "signing", "others"),
    [
        ("RSA_3072", 6, {"ENCRYPT_DECRYPT"}),
        ("ECC_NIST_P384", 1, {"KEY_AGREEMENT"}),
        ("ECC_SECG_P256K1", 1, set()),
        ("ECC_NIST_EDWARDS25519", 2, set()),
        ("ML_DSA_65", 1, set()),
        ("HMAC_384", 0, {"GENERATE_VERIFY_MAC"}),
        ("SYMMETRIC_DEFAULT", 0, {"ENCRYPT_DECRYPT"}),
    ],
)
def test_a_spec_has_the_usages_of_awss_table(spec, signing, others):
    """Developer Guide, "Key spec reference"."""
    found = SPECS[spec]
    assert len(found.algorithms.get("SIGN_VERIFY", ())) == signing
    assert set(found.usages) - {"SIGN_VERIFY"} == others


def test_only_a_symmetric_key_has_its_usage_of_itself():
    """The partner: every other spec must be told, HMAC included."""
    assert usage_of(SPECS["SYMMETRIC_DEFAULT"], None) == "ENCRYPT_DECRYPT"
    assert usage_of(SPECS["RSA_2048"], "SIGN_VERIFY") == "SIGN_VERIFY"
    for name in SPECS.keys() - {"SYMMETRIC_DEFAULT"}:
        with pytest.raises(AwsError) as refused:
            usage_of(SPECS[name], None)
        assert (refused.value.code, refused.value.message) == (
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption "
            "keys.",
        )


def test_a_usage_of_another_spec_is_refused_and_one_nobody_has_is_not_simulated():
    """In the sentence recorded from KMS."""
    with pytest.raises(AwsError) as refused:
        usage_of(SPECS["RSA_2048"], "KEY_AGREEMENT")
    assert refused.value.code == "ValidationException"
    assert refused.value.message == "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"
    with pytest.raises(AwsError, match="ENCAPSULATE_DECAPSULATE is not simulated"):
        usage_of(SPECS["RSA_2048"], "ENCAPSULATE_DECAPSULATE")


def test_each_curve_has_one_hash():
    """P-384 signs with SHA-384 alone: the pair with SHA-256, often written, never worked."""
    require_algorithm(SPECS["ECC_NIST_P384"], "SIGN_VERIFY", "ECDSA_SHA_384")
    with pytest.raises(AwsError) as refused:
        require_algorithm(SPECS["ECC_NIST_P384"], "SIGN_VERIFY", "ECDSA_SHA_256")
    assert refused.value.code == "InvalidKeyUsageException"
    assert refused.value.message == (
        "Algorithm ECDSA_SHA_256 is incompatible with key spec ECC_NIST_P384."
    )
