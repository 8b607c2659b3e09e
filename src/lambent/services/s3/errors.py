"""S3's error codes, one subclass each; the sentences are AWS's (S3 API reference, "Error responses")."""

from lambent.wire.errors import NotImplementedYet, ServiceError


class AccessDenied(ServiceError):
    """Neither ownership, nor policy, nor ACL allows it, or something denies it."""

    code = "AccessDenied"
    status = 403

    def __init__(self, message: str = "Access Denied") -> None:
        super().__init__(message)


class AccessControlListNotSupported(ServiceError):
    """The bucket's ObjectOwnership is BucketOwnerEnforced and the request speaks of ACLs."""

    code = "AccessControlListNotSupported"
    status = 400

    def __init__(self) -> None:
        super().__init__("The bucket does not allow ACLs")


class InvalidBucketAclWithObjectOwnership(ServiceError):
    """A bucket cannot have an ACL and BucketOwnerEnforced at once."""

    code = "InvalidBucketAclWithObjectOwnership"
    status = 400

    def __init__(self) -> None:
        super().__init__("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")


class TooManyTags(ServiceError):
    """More than 10 tags on an object, or 50 on a bucket."""

    code = "BadRequest"
    status = 400


class BadDigest(ServiceError):
    """Content-MD5 or a checksum is not that of the bytes received."""

    code = "BadDigest"
    status = 400


class InvalidDigest(ServiceError):
    """Content-MD5 is not base64 of 16 bytes."""

    code = "InvalidDigest"
    status = 400

    def __init__(self, value: str) -> None:
        super().__init__("The Content-MD5 you specified was invalid.", members={"Content-MD5": value})


class BucketAlreadyExists(ServiceError):
    """Somebody else has a bucket of that name."""

    code = "BucketAlreadyExists"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again.",
            members={"BucketName": bucket},
        )


class BucketAlreadyOwnedByYou(ServiceError):
    """You have it already (outside us-east-1, where creating it again succeeds)."""

    code = "BucketAlreadyOwnedByYou"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "Your previous request to create the named bucket succeeded and you already own it.",
            members={"BucketName": bucket},
        )


class BucketNotEmpty(ServiceError):
    """Only an empty bucket can be deleted."""

    code = "BucketNotEmpty"
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket you tried to delete is not empty", members={"BucketName": bucket})


class EntityTooLarge(ServiceError):
    """More than one request may bring."""

    code = "EntityTooLarge"
    status = 400

    def __init__(self, limit: int) -> None:
        super().__init__(
            "Your proposed upload exceeds the maximum allowed size", members={"MaxSizeAllowed": str(limit)}
        )


class EntityTooSmall(ServiceError):
    """A part other than the last is smaller than 5 MiB."""

    code = "EntityTooSmall"
    status = 400

    def __init__(self, *, size: int, minimum: int, part_number: int, etag: str) -> None:
        super().__init__(
            "Your proposed upload is smaller than the minimum allowed size",
            members={
                "ProposedSize": str(size),
                "MinSizeAllowed": str(minimum),
                "PartNumber": str(part_number),
                "ETag": etag,
            },
        )


class IllegalLocationConstraint(ServiceError):
    """The LocationConstraint is not the region the request was signed for."""

    code = "IllegalLocationConstraintException"
    status = 400


class InvalidLocationConstraint(ServiceError):
    """Not a region, or us-east-1, which has none."""

    code = "InvalidLocationConstraint"
    status = 400

    def __init__(self, constraint: str) -> None:
        super().__init__("The specified location-constraint is not valid", members={"LocationConstraint": constraint})


class InvalidArgument(ServiceError):
    """A parameter has a value that cannot be."""

    code = "InvalidArgument"
    status = 400

    def __init__(self, message: str, *, name: str = "", value: str = "") -> None:
        members = {"ArgumentName": name, "ArgumentValue": value} if name else {}
        super().__init__(message, members=members)


class InvalidBucketName(ServiceError):
    """The name breaks the naming rules."""

    code = "InvalidBucketName"
    status = 400

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket is not valid.", members={"BucketName": bucket})


class InvalidPart(ServiceError):
    """A part named in CompleteMultipartUpload was not uploaded, or with another ETag."""

    code = "InvalidPart"
    status = 400

    def __init__(self, *, upload_id: str, part_number: int, etag: str) -> None:
        super().__init__(
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
            members={"UploadId": upload_id, "PartNumber": str(part_number), "ETag": etag},
        )


class InvalidPartOrder(ServiceError):
    """The parts are not listed in ascending order."""

    code = "InvalidPartOrder"
    status = 400

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            members={"UploadId": upload_id},
        )


class InvalidPartNumber(ServiceError):
    """GetObject asked for a part the object does not have."""

    code = "InvalidPartNumber"
    status = 416

    def __init__(self, part_number: int, *, parts: int) -> None:
        super().__init__(
            "The requested partnumber is not satisfiable",
            members={"PartNumberRequested": str(part_number), "ActualPartCount": str(parts)},
        )


class InvalidRange(ServiceError):
    """No byte of the object lies in the range."""

    code = "InvalidRange"
    status = 416

    def __init__(self, requested: str, *, size: int) -> None:
        super().__init__(
            "The requested range is not satisfiable",
            members={"RangeRequested": requested, "ActualObjectSize": str(size)},
            headers={"content-range": f"bytes */{size}"},
        )


class InvalidRequest(ServiceError):
    """The request contradicts itself or the state of what it is about."""

    code = "InvalidRequest"
    status = 400


class InvalidRedirectLocation(ServiceError):
    """x-amz-website-redirect-location is neither a path nor a web address, or too long."""

    code = "InvalidRedirectLocation"
    status = 400

    def __init__(self) -> None:
        super().__init__("The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")


class InvalidStorageClass(ServiceError):
    """There is no such storage class."""

    code = "InvalidStorageClass"
    status = 400

    def __init__(self, wanted: str) -> None:
        super().__init__("The storage class you specified is not valid", members={"StorageClassRequested": wanted})


class InvalidTag(ServiceError):
    """A tag is too long, appears twice, or there are too many."""

    code = "InvalidTag"
    status = 400


class KeyTooLong(ServiceError):
    """More than 1,024 bytes of UTF-8."""

    code = "KeyTooLongError"
    status = 400

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__("Your key is too long", members={"Size": str(size), "MaxSizeAllowed": str(limit)})


class MalformedACL(ServiceError):
    """The ACL's XML is not well-formed or says nothing meaningful."""

    code = "MalformedACLError"
    status = 400

    def __init__(self) -> None:
        super().__init__("The XML you provided was not well-formed or did not validate against our published schema")


class MalformedPolicy(ServiceError):
    """The bucket policy is not one."""

    code = "MalformedPolicy"
    status = 400


class MetadataTooLarge(ServiceError):
    """User metadata of more than 2 KB."""

    code = "MetadataTooLarge"
    status = 400

    def __init__(self, *, size: int, limit: int) -> None:
        super().__init__(
            "Your metadata headers exceed the maximum allowed metadata size",
            members={"Size": str(size), "MaxSizeAllowed": str(limit)},
        )


class MethodNotAllowed(ServiceError):
    """The operation does not go with the state of the resource."""

    code = "MethodNotAllowed"
    status = 405


class NoSuchBucket(ServiceError):
    """There is no bucket of that name."""

    code = "NoSuchBucket"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket does not exist", members={"BucketName": bucket})


class NoSuchBucketPolicy(ServiceError):
    """The bucket has no policy."""

    code = "NoSuchBucketPolicy"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket policy does not exist", members={"BucketName": bucket})


class NoSuchKey(ServiceError):
    """There is no object of that key."""

    code = "NoSuchKey"
    status = 404

    def __init__(self, key: str) -> None:
        super().__init__("The specified key does not exist.", members={"Key": key})


class NoSuchPublicAccessBlockConfiguration(ServiceError):
    """The bucket has none."""

    code = "NoSuchPublicAccessBlockConfiguration"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The public access block configuration was not found", members={"BucketName": bucket})


class NoSuchTagSet(ServiceError):
    """The bucket has no tags."""

    code = "NoSuchTagSet"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The TagSet does not exist", members={"BucketName": bucket})


class NoSuchUpload(ServiceError):
    """The upload id is unknown: never given out, aborted, or completed."""

    code = "NoSuchUpload"
    status = 404

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
            "or completed.",
            members={"UploadId": upload_id},
        )


class NoSuchVersion(ServiceError):
    """There is no such version of the object."""

    code = "NoSuchVersion"
    status = 404

    def __init__(self, key: str, version_id: str) -> None:
        super().__init__("The specified version does not exist.", members={"Key": key, "VersionId": version_id})


class NoSuchWebsiteConfiguration(ServiceError):
    """The bucket is not a website."""

    code = "NoSuchWebsiteConfiguration"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket does not have a website configuration", members={"BucketName": bucket})


class OwnershipControlsNotFound(ServiceError):
    """The bucket has no ownership controls."""

    code = "OwnershipControlsNotFoundError"
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket ownership controls were not found", members={"BucketName": bucket})


class PreconditionFailed(ServiceError):
    """A condition of the request does not hold; `condition` names its header."""

    code = "PreconditionFailed"
    status = 412

    def __init__(self, condition: str) -> None:
        super().__init__(
            "At least one of the pre-conditions you specified did not hold", members={"Condition": condition}
        )


class UnsupportedHeader(NotImplementedYet):
    """A header that S3 has and we do not serve yet, or a value of it that S3 itself refuses."""

    def __init__(self, header: str) -> None:
        super().__init__(
            "A header you provided implies functionality that is not implemented", members={"Header": header}
        )


class UnresolvableGrantByEmailAddress(ServiceError):
    """Accounts have no e-mail addresses here."""

    code = "UnresolvableGrantByEmailAddress"
    status = 400

    def __init__(self, address: str) -> None:
        super().__init__(
            "The e-mail address you provided does not match any account on record.",
            members={"EmailAddress": address},
        )


class MissingSecurityHeader(ServiceError):
    """PutBucketAcl or PutObjectAcl without any ACL."""

    code = "MissingSecurityHeader"
    status = 400

    def __init__(self) -> None:
        super().__init__("Your request was missing a required header", members={"MissingHeaderName": "x-amz-acl"})
