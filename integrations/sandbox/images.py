"""The image library of an ad account: the hash is the content (fact sheet 6.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import Any

from integrations.sandbox.errors import invalid
from integrations.sandbox.nodes import image_url
from integrations.sandbox.routes import Call, route
from integrations.sandbox.seed import Node, image_node

NAME_LENGTH = 100
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@route("POST", "AdAccount", "adimages")
def post_images(call: Call) -> Any:
    """Store each file part, the `bytes` field, or a copy from another account."""
    call.require_write(call.node)
    uploads = [(upload.filename, upload.filename, upload.content) for upload in call.files]
    if "bytes" in call.params:
        name = call.params.get("name", "bytes")
        uploads.append(("bytes", name, _decode(call.params["bytes"])))
    if "copy_from" in call.params:
        uploads.append(_copy(call, call.params["copy_from"]))
    if not uploads:
        raise invalid("No image was sent.", "filename")
    checked = [(key, name, content, _check(key, name, content)) for key, name, content in uploads]
    answer = {}
    for key, name, content, (width, height) in checked:
        image = _store(call, name, content, width, height)
        url = image_url(call, image["account_id"], image["hash"])
        answer[key] = {
            "hash": image["hash"],
            "url": url,
            "url_128": url,
            "name": image["name"],
            "width": image["width"],
            "height": image["height"],
        }
    return {"images": answer}


def _store(call: Call, name: str, content: bytes, width: int, height: int) -> Node:
    world, digits = call.world, call.node["account_id"]
    image_hash = hashlib.md5(content, usedforsecurity=False).hexdigest()
    known = world.nodes.get(f"{digits}:{image_hash}")
    if known is not None and known["status"] == "ACTIVE":
        return known
    image = image_node(digits, image_hash, name, width, height)
    image["_created"] = int(world.now())
    world.save_blob(image_hash, content)
    world.save(image)
    return image


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise invalid("bytes must be base64 text.", "bytes") from None


def _copy(call: Call, wanted: Node) -> tuple[str, str, bytes]:
    digits, image_hash = str(wanted.get("source_account_id")), str(wanted.get("hash"))
    source = call.world.node(f"{digits}:{image_hash}", "AdImage")
    content = call.world.blob(image_hash)
    if f"act_{digits}" not in call.world.nodes[call.viewer.user]["_accounts"] or content is None:
        raise invalid("The source image cannot be copied.", "copy_from")
    return source["name"], source["name"], content


def _check(key: str, name: str, content: bytes) -> tuple[int, int]:
    if key != "bytes" and "." not in name.strip("."):
        raise invalid("The file name needs an extension.", "filename")
    if len(name) > NAME_LENGTH:
        raise invalid(f"The image name is longer than {NAME_LENGTH} characters.", "name")
    size = image_size(content)
    if size is None:
        raise invalid("Only JPEG, PNG and GIF images are accepted.", "filename", subcode=1487411)
    return size


@route("DELETE", "AdAccount", "adimages")
def delete_image(call: Call) -> Any:
    """Only an image no creative uses can go."""
    call.require_write(call.node)
    image_hash = call.params["hash"]
    image = call.world.node(f"{call.node['account_id']}:{image_hash}", "AdImage")
    for creative in call.world.kids(call.node, "adcreatives"):
        data = creative["_spec"].get("object_story_spec", {}).get("link_data", {})
        if data.get("image_hash") == image_hash and creative.get("status") != "DELETED":
            raise invalid("The image is used by a creative.", "hash")
    call.world.save({**image, "status": "DELETED"})
    return {"success": True}


# --- what is an image --------------------------------------------------------------------------
def image_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG; None for anything else or a broken header."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and content[12:16] == b"IHDR" and len(content) >= 33:
        return struct.unpack(">II", content[16:24])
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 13:
        return struct.unpack("<HH", content[6:10])
    return _jpeg_size(content) if content[:3] == b"\xff\xd8\xff" else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        if marker == 0xFF:
            at += 1
            continue
        at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    return None
