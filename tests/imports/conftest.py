"""Servers on loopback that stand for the bucket and the API: real HTTP, with faults when a test asks for them.

boto3 and moto are imported where they are used: they take a second, which tests that need neither are not to wait for.
"""

import functools
import json

import pytest
import requests
import stamina

from tests.imports.api_world import magic_kingdom
from tests.imports.fault_server import fault_server, forward_to
from tests.waiting import HANG_SECONDS

REGION = "eu-west-2"


class S3Server:
    def __init__(self, url: str):
        self.url = url

    def client(self):
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(s3={"addressing_style": "path"}),
        )

    def public_bucket(self, name: str) -> None:
        """A bucket that everybody may list and read, unsigned."""
        client = self.client()
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        everybody = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"]}
        everything = {"Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]}
        policy = {"Version": "2012-10-17", "Statement": [everybody | everything]}
        client.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


@pytest.fixture(scope="module")
def s3_server():
    import botocore.session
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    requests.post(f"{url}/moto-api/reset", timeout=HANG_SECONDS)  # moto keeps its buckets as long as the process lives
    with pytest.MonkeyPatch.context() as patch:
        # What S3 can do is read from 2 MB of JSON by each session anew, 0.3 s of CPU: by the first one alone here.
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield S3Server(url)
    server.stop()


@pytest.fixture
def s3_proxy(s3_server, settings):
    """What the settings point to: the S3 server, with faults when a test asks for them."""
    with fault_server(forward_to(s3_server.url)) as server:
        settings.ARCHIVE_S3_ENDPOINT_URL = server.url
        # A slow machine is no fault: only the test of a stall or a trickle is in a hurry.
        settings.ARCHIVE_S3_STALL_TIMEOUT_SECONDS = settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS = float(HANG_SECONDS)
        yield server


@pytest.fixture
def world():
    """What the API of `api_server` knows, to be changed by a test at will."""
    return magic_kingdom()


@pytest.fixture
def api_server(world, settings, tmp_path):
    """What the settings point to: the world's API, with faults when a test asks for them.

    `ask_anew()` stands for a minute that passes: nothing is answered from the cache any more.
    """

    def ask_anew():
        server.caches += 1
        settings.THEMEPARKS_CACHE_DIR = str(tmp_path / f"api-cache-{server.caches}")

    with fault_server(world.answers) as server, stamina.set_testing(True, attempts=3, cap=True):
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
        server.caches, server.ask_anew = 0, ask_anew
        ask_anew()
        yield server
