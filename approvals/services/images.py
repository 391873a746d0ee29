"""Pictures for ads: checked, kept by us, never fetched from anywhere."""

from __future__ import annotations

import hashlib
import io
import warnings

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, UnidentifiedImageError

from approvals.models import AdImage
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.models import Tenant

MAX_BYTES = 8 * 1024 * 1024
MIN_SIDE = 200
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg"}


def store_image(*, tenant: Tenant, content: bytes) -> AdImage:
    """The stored picture; the same bytes give the same row.

    Raises InvalidInput for anything that is not a PNG or JPEG of at most 8 MiB and at least
    200 pixels on each side.
    """
    image_format, width, height = _inspect(content)
    sha256 = hashlib.sha256(content).hexdigest()
    existing = AdImage.objects.filter(tenant=tenant, sha256=sha256).first()
    if existing:
        return existing
    name = default_storage.save(
        f"ad_images/{tenant.pk}/{sha256}.{image_format.lower()}", ContentFile(content)
    )
    image, _created = AdImage.objects.get_or_create(
        tenant=tenant,
        sha256=sha256,
        defaults={
            "file": name,
            "content_type": _FORMATS[image_format],
            "width": width,
            "height": height,
        },
    )
    return image


def _inspect(content: bytes) -> tuple[str, int, int]:
    if len(content) > MAX_BYTES:
        raise _refused("image_too_large", "The image is larger than 8 MB.", MAX_BYTES, len(content))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=list(_FORMATS)) as image:
                image.verify()
                found = (image.format or "", image.width, image.height)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
        ValueError,
    ):
        raise _refused("not_an_image", "This file is not a readable PNG or JPEG image.") from None
    if min(found[1:]) < MIN_SIDE:
        raise _refused(
            "image_too_small",
            f"The image is {found[1]} × {found[2]} pixels; each side needs at least {MIN_SIDE}.",
            MIN_SIDE,
            min(found[1:]),
        )
    return found


def _refused(
    code: str, message: str, limit: int | None = None, found: int | None = None
) -> Exception:
    problem = {"code": code, "field": "image", "message": message, "limit": limit, "found": found}
    return InvalidInput(
        message, problems=[{key: value for key, value in problem.items() if value is not None}]
    )
