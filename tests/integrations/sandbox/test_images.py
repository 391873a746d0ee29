"""The image library."""

from __future__ import annotations

import base64
import struct

import pytest

from integrations.sandbox.images import image_size
from integrations.sandbox.pictures import landscape, png
from tests.integrations.sandbox.conftest import ACCOUNT, Api, creative_body

PNG = png(3, 2, b"\0" + b"\xff" * 9 + b"\0" + b"\xaa" * 9)
GIF = b"GIF89a" + struct.pack("<HH", 7, 5) + b"\0\0\0"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x04ab" + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 4, 6) + b"\0" * 12
)


def upload(api: Api, content: bytes, name: str = "pic.png") -> str:
    answer = api.post(f"{ACCOUNT}/adimages", files={"filename": (name, content)})
    return str(answer["images"][name]["hash"])


@pytest.mark.parametrize(
    ("content", "size"),
    [(PNG, (3, 2)), (GIF, (7, 5)), (JPEG, (6, 4)), (landscape(1), (480, 252))],
)
def test_sizes_are_read_from_the_file(content: bytes, size: tuple[int, int]) -> None:
    assert image_size(content) == size


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"<svg/>", PNG[:20], JPEG[:14], b"\xff\xd8\xff\xd9", b"GIF89a"]
)
def test_what_is_no_image_is_refused(ana: Api, content: bytes) -> None:
    assert image_size(content) is None
    files = {"filename": ("pic.png", content)}
    assert ana.error("POST", f"{ACCOUNT}/adimages", files=files)["code"] == 100


def test_an_upload_answers_under_its_file_name_and_is_served(ana: Api) -> None:
    answer = ana.post(f"{ACCOUNT}/adimages", files={"filename": ("pic.png", PNG)})
    image = answer["images"]["pic.png"]
    assert (image["width"], image["height"], image["name"]) == (3, 2, "pic.png")
    served = ana.page(image["url"].removeprefix(ana.base_url))
    assert served.content == PNG
    assert served.headers["Content-Type"] == "image/png"


def test_same_bytes_same_hash_and_base64_answers_under_bytes(ana: Api) -> None:
    first = upload(ana, PNG)
    assert upload(ana, PNG, "other.png") == first
    text = base64.b64encode(PNG).decode()
    answer = ana.post(f"{ACCOUNT}/adimages", bytes=text)
    assert answer["images"]["bytes"]["hash"] == first
    assert upload(ana, JPEG, "pic.jpg") != first
    assert text not in ana.page("/sandbox/writes").text


def test_a_file_name_needs_an_extension(ana: Api) -> None:
    for name in ("picture", "x" * 100 + ".png"):
        files = {"filename": (name, PNG)}
        assert ana.error("POST", f"{ACCOUNT}/adimages", files=files)["code"] == 100


def test_nothing_or_nonsense_is_refused(ana: Api) -> None:
    assert ana.error("POST", f"{ACCOUNT}/adimages")["code"] == 100
    assert ana.error("POST", f"{ACCOUNT}/adimages", bytes="%%%")["code"] == 100
    assert ana.error("POST", f"{ACCOUNT}/adimages", url="https://x.example/a.png")["code"] == 100


def test_images_are_found_by_hash_and_copied_between_accounts(ana: Api) -> None:
    image_hash = upload(ana, PNG)
    rows = ana.get(f"{ACCOUNT}/adimages", hashes=[image_hash], fields="hash,width,name,status")
    assert rows["data"][0] == {
        "hash": image_hash,
        "width": 3,
        "name": "pic.png",
        "status": "ACTIVE",
        "id": f"{ACCOUNT[4:]}:{image_hash}",
    }
    source = {"source_account_id": ACCOUNT[4:], "hash": image_hash}
    copied = ana.post("act_210000000000002/adimages", copy_from=source)
    assert copied["images"]["pic.png"]["hash"] == image_hash


def test_an_image_in_use_cannot_be_deleted(ana: Api) -> None:
    image_hash = upload(ana, PNG)
    creative = ana.post(f"{ACCOUNT}/adcreatives", **creative_body(image_hash=image_hash))["id"]
    assert ana.error("DELETE", f"{ACCOUNT}/adimages", hash=image_hash)["code"] == 100
    ana.call("DELETE", creative)
    assert ana.call("DELETE", f"{ACCOUNT}/adimages", hash=image_hash).json()["success"]
    assert ana.get(f"{ACCOUNT}/adimages", hashes=[image_hash])["data"] == []


def test_a_body_too_large_is_413_and_empty(ana: Api) -> None:
    files = {"filename": ("pic.png", b"\0" * (40 * 1024 * 1024))}
    response = ana.call("POST", f"{ACCOUNT}/adimages", files=files)
    assert (response.status_code, response.content) == (413, b"")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nno blank line\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nA: b\r\n\r\ncut"),
        ("multipart/form-data; boundary=b", b"nothing"),
    ],
)
def test_damaged_multipart_bodies_are_refused(ana: Api, kind: str, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {ana.token}", "Content-Type": kind}
    answer = ana.page(f"/v26.0/{ACCOUNT}/adimages", method="POST", data=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 100
