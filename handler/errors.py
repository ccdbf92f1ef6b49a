"""Errors for clients, as one tree; each has the HTTP status of its response.

RejectedImage         the image was received, but cannot be classified; sending it again does not help
├── NotAnImage        415  no supported image format
├── BrokenImage       422  a known format, but truncated or damaged
├── TooComplex        422  decoding it would take more work or memory than one image may have
├── TooManyPixels     413
├── TooManyBytes      413
└── Archived          409  the object is in an S3 archive, and must be restored first
BadRequest            400  the request itself is malformed
├── MissingImage      400  no image where one was expected
├── TooManyImages     422  more than one request may have
├── UnknownEncoding   415  unsupported Content-Encoding
└── WrongParameter    422  a parameter is outside its range
NotFound              404  no such resource
Unavailable           503  not now, or not with this configuration
OutOfMemory           503  too little memory is free now; sending it again helps
OutOfTime             503  the time for all images of this request was used up; sending it again helps

InvalidModel is not for clients: nothing can be served.
"""

from typing import ClassVar


class ClassifierError(Exception):
    """The root: ``str(error)`` is a sentence for the client."""

    status: ClassVar[int]
    title: ClassVar[str]


class RejectedImage(ClassifierError):
    """The image cannot be classified; retrying does not help."""


class NotAnImage(RejectedImage):
    status = 415
    title = "Not an image"


class BrokenImage(RejectedImage):
    status = 422
    title = "Broken image"


class TooComplex(RejectedImage):
    status = 422
    title = "Too complex"


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


class OutOfMemory(ClassifierError):
    """Not the image's fault: a retry may find more memory."""

    status = 503
    title = "Out of memory"


class OutOfTime(ClassifierError):
    """Not the image's fault: a retry, alone or in a smaller batch, may find more time."""

    status = 503
    title = "Out of time"


class InvalidModel(ValueError):
    """The folder of the model cannot be served: ``str(error)`` is a sentence for the operator."""
