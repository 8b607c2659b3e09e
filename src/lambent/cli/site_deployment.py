"""Deploying apps/site with plain boto3: three buckets, one function, one notification. `demo` calls the steps in order.

Every step may be repeated. Nothing here is peculiar to Lambent, so it is also an example of how to deploy such an
application. What every application needs is in `deployment`.
"""

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lambent.cli import deployment
from lambent.cli.deployment import RUNTIME, DeploymentError, Endpoint
from lambent.kit.frozen import frozen

#: As `package.py` says it.
HANDLER = "sitebuilder.handler.handle"
#: One processor's worth by Lambda's rule (1,769 MB is one vCPU: "Configure Lambda function memory"): hugo wants the
#: processor rather than the memory.
MEMORY_MB = 1769
TIMEOUT_SECONDS = 60
#: One builds, another tells the events that come meanwhile that it is being done; more would be in each other's way.
CONCURRENCY = 2
#: Without it the function does not build, so the last file to upload starts the first build.
LAST_UPLOADED = "hugo.toml"
POLL_SECONDS = 0.05


@frozen
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


def build_package(application: Path, cache: Path, hugo: Path) -> Path:
    """The deployment package, made once for each combination of modules and hugo."""
    parts = [*sorted(application.glob("sitebuilder/**/*.py")), application / "package.py"]
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
            deployment.create_bucket(self._s3, bucket)
        deployment.open_website(self._s3, self.names.website, ErrorDocument={"Key": "404.html"})

    def deploy_function(self, package: Path, base_url: str) -> None:
        """Through an object: a package of this size is near the limit of what a request may carry."""
        names = self.names
        role = f"arn:aws:iam::{self._endpoint.account_id}:role/{names.function}"
        configuration = {
            "Runtime": RUNTIME,
            "Handler": HANDLER,
            "Role": role,
            "MemorySize": MEMORY_MB,
            "Timeout": TIMEOUT_SECONDS,
            "Environment": {
                "Variables": {
                    "SITE_INPUT_BUCKET": names.source,
                    "SITE_OUTPUT_BUCKET": names.website,
                    "SITE_STATE_BUCKET": names.state,
                    "SITE_BASE_URL": base_url,
                    "SITE_SCHEDULE_ROLE": role,
                }
            },
        }
        deployment.deploy_function(
            self._lambda, names.function, package, lambda: self._upload_package(package), configuration
        )
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
        """Ask for a build now; what became of it. Events of the last time may come first and take its places."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while (answer := self._invoke()) is None:
            if time.monotonic() > end:
                raise DeploymentError(f"The function is busy; what it does: lambent logs {self.names.function}")
            time.sleep(POLL_SECONDS)
        report: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise DeploymentError(f"The function failed: {report.get('errorMessage', report)}")
        return report

    def _invoke(self) -> dict[str, Any] | None:
        """None: all its places are taken."""
        try:
            answer: dict[str, Any] = self._lambda.invoke(FunctionName=self.names.function, Payload=b"{}")
        except self._lambda.exceptions.TooManyRequestsException:
            return None
        return answer

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

    def _upload_package(self, package: Path) -> dict[str, str]:
        key = f"package/{package.name}"
        self._s3.upload_file(str(package), self.names.state, key)
        return {"S3Bucket": self.names.state, "S3Key": key}
