"""What counts as a code of a device."""

from datetime import timedelta

import pytest

from pkilab.pki.entropy import Entropy
from pkilab.simulator.identity import keys, totp
from pkilab.simulator.identity.mfa import Device, MfaDevices
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import DEFAULT_START as NOW

SERIAL = "arn:aws:iam::111122223333:mfa/phone"


def shown(device, after=0):
    """Return the code that a device shows some seconds from now."""
    return totp.code_of(device.seed, totp.step_of(NOW + timedelta(seconds=after)))


@pytest.fixture
def device():
    """A device that was synchronised a minute ago, and is somebody's."""
    made = Device(SERIAL, keys.seed(Entropy("mfa")))
    assert made.synchronise(shown(made, -90), shown(made, -60), NOW - timedelta(seconds=60))
    made.user_id, made.enabled = "AIDAME", NOW
    return made


@pytest.fixture
def devices(device):
    found = MfaDevices()
    found.devices[SERIAL] = device
    return found


def test_two_codes_in_a_row_synchronise_a_device():
    """Those that are shown now and before, or next."""
    for start in (-60, -30, 0):
        device = Device(SERIAL, keys.seed(Entropy("mfa")))
        assert device.synchronise(shown(device, start), shown(device, start + 30), NOW)
        assert device.drift * 30 == start + 30


@pytest.mark.parametrize("starts", [(0, 0), (30, 0), (0, 60), (-90, -60), (30, 60)])
def test_other_codes_do_not(starts):
    """The same twice, the wrong way round, with a gap, too old, or from the future."""
    device = Device(SERIAL, keys.seed(Entropy("mfa")))
    assert not device.synchronise(*(shown(device, each) for each in starts), NOW)
    assert (device.drift, device.used) == (0, -1)


def test_a_device_whose_clock_is_off_is_synchronised_again(device):
    """Further than at first; then what it shows counts, and what is shown on time does not."""
    late = -20 * 30
    assert not Device(SERIAL, device.seed).synchronise(shown(device, 600), shown(device, 630), NOW)
    assert device.synchronise(shown(device, 600), shown(device, 630), NOW, again=True)
    assert device.takes(shown(device, 660), NOW + timedelta(seconds=30)) is not None
    assert device.takes(shown(device), NOW) is None
    assert not device.synchronise(shown(device, late), shown(device, late + 30), NOW, again=True)


@pytest.mark.parametrize("after", [-30, 0, 30])
def test_a_code_counts_a_step_early_or_late(devices, after):
    """Clocks are off a little."""
    code = shown(devices.devices[SERIAL], after)
    assert devices.check("AIDAME", SERIAL, code, NOW, take=True)


@pytest.mark.parametrize("after", [-60, 60, 3600])
def test_no_code_counts_further_off(devices, after):
    """The sentence is AWS's, blank and all."""
    code = shown(devices.devices[SERIAL], after)
    with pytest.raises(AwsError, match=r"with invalid MFA one time pass code\. $") as caught:
        devices.check("AIDAME", SERIAL, code, NOW, take=True)
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)


def test_a_code_counts_once_and_none_before_it(devices):
    """Looking at it does not use it up."""
    device = devices.devices[SERIAL]
    code = shown(device)
    assert devices.check("AIDAME", SERIAL, code, NOW, take=False)
    assert devices.check("AIDAME", SERIAL, code, NOW, take=True)
    for again in (code, shown(device, -30)):
        with pytest.raises(AwsError):
            devices.check("AIDAME", SERIAL, again, NOW, take=True)
    assert devices.check("AIDAME", SERIAL, shown(device, 30), NOW, take=True)


@pytest.mark.parametrize(
    ("user", "serial", "code", "sentence"),
    [
        ("AIDAOTHER", SERIAL, "000000", "unable to validate MFA code"),
        ("AIDAME", SERIAL + "2", "000000", "unable to validate MFA code"),
        ("AIDAME", SERIAL, None, "must provide both"),
        ("AIDAME", None, "000000", "must provide both"),
    ],
)
def test_a_device_that_is_not_the_callers_proves_nothing(devices, user, serial, code, sentence):
    """Another's, none, or half of what is needed."""
    with pytest.raises(AwsError, match=sentence):
        devices.check(user, serial, code, NOW, take=True)


def test_no_code_is_no_mfa(devices):
    """Nobody is refused for it."""
    assert devices.check("AIDAME", None, None, NOW, take=True) is False


def test_a_seed_is_not_shown(device):
    """Not with the device's text."""
    assert device.seed not in repr(device)
