"""A served world in AWS's place, reached through boto3's ordinary configuration."""

import os

import pytest

from pkilab import Lab


@pytest.fixture
def world(monkeypatch, tmp_path):
    """Yield a world with enforced policies; the environment leads to it and to nothing else."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PKILAB_")):
            monkeypatch.delenv(name)
    with Lab.simulated(now="live", enforce_policies=True) as opened:
        server = opened.serve()
        config, keys = tmp_path / "config", tmp_path / "credentials"
        config.write_text("[default]\nregion = us-east-1\n")
        mine = opened.environment()
        keys.write_text(
            "[default]\n"
            f"aws_access_key_id = {mine['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {mine['AWS_SECRET_ACCESS_KEY']}\n"
        )
        monkeypatch.setenv("HOME", str(tmp_path))  # sessions of roles are cached there
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("PKILAB_LEDGERS", str(tmp_path / "ledgers"))
        yield opened


@pytest.fixture
def aws(world):
    """Yield a lab on that account, with a budget that covers a little."""
    with Lab.aws(budget_usd=5) as lab:
        yield lab
