"""Everything that a sender can do wrong, as one tree; each error knows the HTTP status it becomes.

RejectedImage         the bytes came, but no answer can be given for them; sending them again cannot help
├── NotAnImage        415  the bytes begin like no image format that is read here
├── BrokenImage       422  a known format, but truncated or damaged
├── TooManyPixels     413
├── TooManyBytes      413
└── Archived          409  its bytes are in S3's archive, from which somebody must restore them first
BadRequest            400  the request itself is malformed
├── MissingImage      400  no image where one was expected
├── TooManyImages     422  more in one request than are classified at once
├── UnknownEncoding   415  the body is compressed in a way that is not read here
└── WrongParameter    422  a parameter is outside its range
NotFound              404  what the path names is not here
Unavailable           503  it would work, but not now, or not as this service is set up
"""

from typing import ClassVar


class ClassifierError(Exception):
    """The root: ``str(error)`` is a sentence for the sender."""

    status: ClassVar[int]
    title: ClassVar[str]


class RejectedImage(ClassifierError):
    """The image cannot be classified, and a retry cannot mend it."""


class NotAnImage(RejectedImage):
    status = 415
    title = "Not an image"


class BrokenImage(RejectedImage):
    status = 422
    title = "Broken image"


class TooManyPixels(RejectedImage):
    status = 413
    title = "Too many pixels"


class TooManyBytes(RejectedImage):
    status = 413
    title = "Too large"


class Archived(RejectedImage):
    status = 409
    title = "Archived"


class BadRequest(ClassifierError):
    status = 400
    title = "Bad request"


class MissingImage(BadRequest):
    title = "No image in the request"


class WrongParameter(BadRequest):
    status = 422
    title = "Wrong parameter"


class TooManyImages(BadRequest):
    status = 422
    title = "Too many images"


class UnknownEncoding(BadRequest):
    status = 415
    title = "Unknown content encoding"


class NotFound(ClassifierError):
    status = 404
    title = "Not found"


class Unavailable(ClassifierError):
    status = 503
    title = "Unavailable"
