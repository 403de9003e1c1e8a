"""What a notebook may use."""

from pkilab import code_signing


def test_the_public_names_are_these():
    """None is there by accident."""
    assert set(code_signing.__all__) == {
        *("SigningIdentity", "enrol", "enrol_tsa"),
        *("Tsa", "TimeStampAuthority", "http_tsa", "serve_tsa", "fetch"),
        *("SignedFile", "sign_file", "sign_object", "time_stamp"),
        *("TrustStore", "fingerprint", "Policy", "Revocations", "FileVerdict", "Refusal"),
        *("read_message", "verify_attached", "verify_file", "verify_object"),
        *("Evidence", "bundle", "gather"),
    }
