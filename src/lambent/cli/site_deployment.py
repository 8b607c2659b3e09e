"""Deploying apps/site with plain boto3: three buckets, one function, one notification. `demo` calls the steps in order.

Every step may be repeated: it makes what is missing, brings up to date what differs and leaves the rest alone. Nothing
here is peculiar to Lambent, so it is also an example of how to deploy such an application.
"""

import base64
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

#: As `package.py` says it; the runtime is the interpreter that runs Lambent, which is always there.
HANDLER = "sitebuilder.handler.handle"
RUNTIME = f"python3.{sys.version_info.minor}"
#: One processor's worth by Lambda's rule (1,769 MB is one vCPU: "Configure Lambda function memory"): hugo wants the
#: processor rather than the memory.
MEMORY_MB = 1769
TIMEOUT_SECONDS = 60
#: One builds, another tells the events that come meanwhile that it is being done; more would be in each other's way.
CONCURRENCY = 2
#: Without it the function does not build, so the last file to upload starts the first build.
LAST_UPLOADED = "hugo.toml"
POLL_SECONDS = 0.05


class DeploymentError(Exception):
    """A sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class SiteNames:
    website: str = "my-site"

    @property
    def source(self) -> str:
        return f"{self.website}-source"

    @property
    def state(self) -> str:
        return f"{self.website}-state"

    @property
    def function(self) -> str:
        return self.website


@dataclass(frozen=True, slots=True)
class Endpoint:
    url: str
    access_key_id: str
    secret_access_key: str
    region: str
    account_id: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard"}),
        )


def application_folder() -> Path:
    """apps/site: inside the installed package, or in the checkout that this is an editable install of."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_apps" / "site", package.parents[1] / "apps" / "site"):
        if (folder / "package.py").is_file():
            return folder
    raise DeploymentError(
        "This installation of Lambent came without apps/site; install it again: pip install 'lambent[site]'"
    )


def build_package(application: Path, cache: Path, hugo: Path) -> Path:
    """The deployment package, made once for each combination of modules and hugo."""
    parts = [*sorted(application.glob("sitebuilder/*.py")), application / "package.py"]
    key = hashlib.sha256(b"".join(part.read_bytes() for part in parts))
    key.update(f"{hugo.stat().st_size} {hugo.stat().st_mtime_ns}".encode())
    package = cache / f"site-{key.hexdigest()[:16]}.zip"
    if not package.exists():
        cache.mkdir(parents=True, exist_ok=True)
        for old in cache.glob("site-*.zip*"):
            old.unlink()
        command = [sys.executable, str(application / "package.py"), str(package), "--hugo", str(hugo)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DeploymentError(f"The deployment package could not be made: {done.stderr.strip()}")
    return package


class Deployment:
    def __init__(self, endpoint: Endpoint, names: SiteNames) -> None:
        self._endpoint = endpoint
        self.names = names
        self._s3 = endpoint.client("s3")
        self._lambda = endpoint.client("lambda")

    def create_buckets(self) -> None:
        for bucket in (self.names.source, self.names.website, self.names.state):
            self._create_bucket(bucket)
        website = self.names.website
        # New buckets refuse public objects and ACLs (since April 2023); a website needs both.
        self._s3.put_public_access_block(
            Bucket=website,
            PublicAccessBlockConfiguration=dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
            ),
        )
        self._s3.put_bucket_ownership_controls(
            Bucket=website, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
        )
        self._s3.put_bucket_website(
            Bucket=website,
            WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "404.html"}},
        )

    def deploy_function(self, package: Path, base_url: str) -> None:
        """Through an object: a package of this size is near the limit of what a request may carry."""
        names = self.names
        configuration = {
            "Runtime": RUNTIME,
            "Handler": HANDLER,
            "Role": f"arn:aws:iam::{self._endpoint.account_id}:role/{names.function}",
            "MemorySize": MEMORY_MB,
            "Timeout": TIMEOUT_SECONDS,
            "Environment": {
                "Variables": {
                    "SITE_INPUT_BUCKET": names.source,
                    "SITE_OUTPUT_BUCKET": names.website,
                    "SITE_STATE_BUCKET": names.state,
                    "SITE_BASE_URL": base_url,
                }
            },
        }
        there = self._function()
        if there is None:
            code = self._upload_package(package)
            self._lambda.create_function(FunctionName=names.function, Code=code, **configuration)
        elif there["CodeSha256"] != _code_sha256(package):
            self._lambda.update_function_code(FunctionName=names.function, **self._upload_package(package))
            self._wait_until_deployed()
        if there is not None and any(there.get(name) != value for name, value in configuration.items()):
            self._lambda.update_function_configuration(FunctionName=names.function, **configuration)
        self._wait_until_deployed()
        self._lambda.put_function_concurrency(FunctionName=names.function, ReservedConcurrentExecutions=CONCURRENCY)

    def connect(self) -> None:
        """The bucket may invoke the function, and does so on every change."""
        arn = self._lambda.get_function_configuration(FunctionName=self.names.function)["FunctionArn"]
        with contextlib.suppress(self._lambda.exceptions.ResourceConflictException):  # there from last time
            self._lambda.add_permission(
                FunctionName=self.names.function,
                StatementId="source-bucket",
                Action="lambda:InvokeFunction",
                Principal="s3.amazonaws.com",
                SourceArn=f"arn:aws:s3:::{self.names.source}",
                SourceAccount=self._endpoint.account_id,
            )
        rule = {"Id": "rebuild", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        self._s3.put_bucket_notification_configuration(
            Bucket=self.names.source, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
        )

    def has_sources(self) -> bool:
        listing = self._s3.list_objects_v2(Bucket=self.names.source, Prefix=LAST_UPLOADED, MaxKeys=1)
        return bool(listing["KeyCount"])

    def upload(self, folder: Path) -> Iterator[str]:
        """Yields each key when it is stored; the last one makes the site complete, and the function build it."""
        keys = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
        for key in sorted(keys, key=lambda key: (key == LAST_UPLOADED, key)):
            self._s3.put_object(Bucket=self.names.source, Key=key, Body=(folder / key).read_bytes())
            yield key

    def rebuild(self) -> dict[str, Any]:
        """Ask for a build now; what became of it."""
        answer = self._lambda.invoke(FunctionName=self.names.function, Payload=b"{}")
        report: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise DeploymentError(f"The function failed: {report.get('errorMessage', report)}")
        return report

    def wait_for_build(self, seconds: float) -> dict[str, Any]:
        """What became of the last build, as soon as there is one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            report = self._last_build()
            if report is not None:
                return report
            time.sleep(POLL_SECONDS)
        raise DeploymentError(
            f"Nothing was published within {seconds:.0f} s; what the function says: lambent logs {self.names.function}"
        )

    def _last_build(self) -> dict[str, Any] | None:
        try:
            answer = self._s3.get_object(Bucket=self.names.state, Key=f"{self.names.website}/turn.json")
        except self._s3.exceptions.NoSuchKey:
            return None
        report: dict[str, Any] | None = json.loads(answer["Body"].read())["last_build"]
        return report

    def _create_bucket(self, bucket: str) -> None:
        elsewhere = self._endpoint.region != "us-east-1"
        where = {"CreateBucketConfiguration": {"LocationConstraint": self._endpoint.region}} if elsewhere else {}
        with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):  # there from last time
            self._s3.create_bucket(Bucket=bucket, **where)

    def _function(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._lambda.get_function_configuration(FunctionName=self.names.function)
        except self._lambda.exceptions.ResourceNotFoundException:
            return None
        return found

    def _upload_package(self, package: Path) -> dict[str, str]:
        key = f"package/{package.name}"
        self._s3.upload_file(str(package), self.names.state, key)
        return {"S3Bucket": self.names.state, "S3Key": key}

    def _wait_until_deployed(self) -> None:
        self._lambda.get_waiter("function_active_v2").wait(FunctionName=self.names.function)
        self._lambda.get_waiter("function_updated_v2").wait(FunctionName=self.names.function)


def _code_sha256(package: Path) -> str:
    with package.open("rb") as content:
        return base64.b64encode(hashlib.file_digest(content, "sha256").digest()).decode()
