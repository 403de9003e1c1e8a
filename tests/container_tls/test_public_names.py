"""What a notebook may use."""

from pkilab import container_tls


def test_the_public_names_are_these():
    """None is there by accident."""
    assert set(container_tls.__all__) == {
        *("Image", "build", "Container", "run", "OwnCa", "Backoff", "Fleet"),
        *("Room", "try_room", "to_bundle", "read_bundle", "to_secret", "read_secret"),
        *("Way", "Effort", "find_key", "try_way", "compare"),
    }
