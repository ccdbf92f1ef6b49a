"""Names of S3's events and API calls: which are uploads, which are not, and which are unknown.

An object that was restored from an archive is an upload, too: until then it could not be read. So is one that another
zone of Ceph has sent.
"""

import re
from typing import Final

# `eventName` of notifications, without "s3:": all events of S3, MinIO and Ceph.
_UPLOADS: Final = re.compile("ObjectCreated(:.*)?|ObjectRestore:Completed|ObjectSynced:Create")
_NO_UPLOADS: Final = re.compile(
    "(Bucket(Created|Removed)|IntelligentTiering|Lifecycle(Expiration|Transition)|ReducedRedundancyLostObject"
    "|Object(Accessed|Acl|Lifecycle|Removed|Tagging|Transition)|Replication|Scanner|TestEvent)(:.*)?"
    "|ObjectRestore:(Delete|Post)|ObjectSynced:(Delete|DeletionMarkerCreated)"
)

# `detail-type` of EventBridge.
_UPLOAD_TYPES: Final = re.compile("Object (Created|Restore Completed)")
_NO_UPLOAD_TYPES: Final = re.compile(
    "Object (Access Tier Changed|ACL Updated|Deleted|Restore (Expired|Initiated)|Storage Class Changed"
    "|Tags (Added|Deleted))"
)

# Calls of S3's API, by the names of the API and of CloudTrail, which leaves "Configuration" out of some.
_UPLOAD_CALLS: Final = re.compile("(Copy|Post|Put)Object|CompleteMultipartUpload")
_BUCKET_PARTS: Final = (
    "Abac|Accelerate|Acl|Analytics|Cors|Encryption|IntelligentTiering|Inventory|Lifecycle|Location|Logging"
    "|Metadata|MetadataTable|Metrics|Notification|ObjectLock|OwnershipControls|Policy|PolicyStatus|PublicAccessBlock"
    "|Replication|RequestPayment|Tagging|Versioning|Website"
)
_NO_UPLOAD_CALLS: Final = re.compile(
    "(Abort|Create|List)MultipartUploads?|(Create|Delete|Head|List)Bucket|CreateSession|ListParts"
    f"|(Create|Delete|Get|List|Put|Update)Bucket({_BUCKET_PARTS})(Configurations?)?"
    "|(Delete|Get|Put)(Account)?PublicAccessBlock|List(Directory)?Buckets|ListObject(s|sV2|Versions|Annotations)"
    "|UpdateBucketMetadata(Annotation|Inventory|Journal)TableConfiguration"
    "|(Delete|Get|Head|Restore)Object|DeleteObjects|(Delete|Get|Put)Object(Annotation|Tagging)"
    "|(Get|Put)Object(Acl|LegalHold|LockConfiguration|Retention)|GetObject(Attributes|Torrent)"
    "|SelectObjectContent|UpdateObjectEncryption|UploadPart(Copy)?|WriteGetObjectResponse"
)


def notifies_of_upload(name: str) -> bool | None:
    """Whether the `eventName` of a notification is an upload; None if it is unknown. Emulators begin it with "s3:"."""
    return _is_upload(name.removeprefix("s3:"), _UPLOADS, _NO_UPLOADS)


def is_upload_type(name: str) -> bool | None:
    """Whether the `detail-type` of an event of EventBridge is an upload; None if it is unknown."""
    return _is_upload(name, _UPLOAD_TYPES, _NO_UPLOAD_TYPES)


def is_upload_call(name: str) -> bool | None:
    """Whether the call of S3's API with the `eventName` of CloudTrail is an upload; None if it is unknown."""
    return _is_upload(name, _UPLOAD_CALLS, _NO_UPLOAD_CALLS)


def _is_upload(name: str, uploads: re.Pattern[str], others: re.Pattern[str]) -> bool | None:
    if uploads.fullmatch(name):
        return True
    return False if others.fullmatch(name) else None
