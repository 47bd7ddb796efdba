"""The S3 server of the imports' tests, for a bucket that is written."""

import pytest

from tests.imports.conftest import s3_server  # noqa: F401 (a fixture)


@pytest.fixture
def bucket(s3_server, settings, monkeypatch):  # noqa: F811
    """bucket(NAME) makes an empty one, reached as the settings say; returns a client of the test's own."""
    from tests.imports.conftest import REGION

    settings.EXPORT_S3_ENDPOINT_URL = s3_server.url
    settings.EXPORT_S3_REGION = REGION
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def make(name: str):
        client = s3_server.client()
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return client

    return make
