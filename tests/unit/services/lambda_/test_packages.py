"""Zips of every kind, planned and unpacked: what is refused leaves nothing behind."""

import asyncio
import io
import os
import shutil
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.lambda_ import packages
from lambent.services.lambda_.errors import InvalidParameterValue, RequestTooLarge
from lambent.services.lambda_.package_files import Package, PackageFiles
from zips import zipped, zipped_links

UNUSED: frozenset[str] = frozenset()


def keep(directory: Path, content: bytes, *, used: bool = True) -> tuple[PackageFiles, Package]:
    async def main() -> tuple[PackageFiles, Package]:
        files = PackageFiles(directory, is_used=lambda _: used)
        async with files.keep(content) as package:
            return files, package

    return asyncio.run(main())


def test_a_package_is_unpacked_readable_and_keeps_its_zip(tmp_path: Path) -> None:
    content = zipped({"app.py": "x = 1", "lib/deep/mod.py": "y = 2"})
    old = os.umask(0o077)
    try:
        files, package = keep(tmp_path, content)
    finally:
        os.umask(old)
    code = files.code_directory(package.sha256)
    assert (code / "app.py").read_text() == "x = 1"
    assert (code / "lib/deep/mod.py").read_text() == "y = 2"
    assert (code / "app.py").stat().st_mode & 0o777 == 0o644
    assert (code / "lib/deep").stat().st_mode & 0o777 == 0o755
    assert files.zip_path(package.sha256).read_bytes() == content
    assert package.size_bytes == len(content)


def test_executables_stay_executable(tmp_path: Path) -> None:
    files, package = keep(tmp_path, zipped({"bootstrap": "#!/bin/sh"}, executable=True))
    assert (files.code_directory(package.sha256) / "bootstrap").stat().st_mode & 0o777 == 0o755


def test_links_inside_the_package_work(tmp_path: Path) -> None:
    content = zipped_links({"bin/tool-1.2": "tool", "lib/a.txt": "a"}, {"bin/tool": "tool-1.2", "x": "lib/a.txt"})
    files, package = keep(tmp_path, content)
    code = files.code_directory(package.sha256)
    assert (code / "bin/tool").read_text() == "tool"
    assert (code / "x").read_text() == "a"


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "a/b/../../../evil", "..", "x" * 300, "a/" + "b/" * 600 + "c"],
)
def test_zip_slip_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidParameterValue, match="Could not unzip uploaded file"):
        keep(tmp_path / "packages", zipped({name: "evil"}))
    assert list((tmp_path / "packages").iterdir()) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("x", "/etc/passwd"),
        ("x", ".."),
        ("x", "../other"),
        ("a/x", "../.."),
        ("a/b/x", "../../.."),
        ("z", "a/l/../../.."),  # inside by its letters, outside if a/l leads up
        ("x", "y" * 2000),
    ],
)
def test_links_out_of_the_package_are_refused(tmp_path: Path, path: str, target: str) -> None:
    with pytest.raises(InvalidParameterValue, match="Could not unzip uploaded file"):
        keep(tmp_path, zipped_links({}, {path: target}))


@pytest.mark.parametrize(
    ("files", "links"),
    [
        ({"d/file": "through the link"}, {"d": "elsewhere"}),
        ({"d": "a file", "d/file": "below it"}, {}),
        ({"d": "a file"}, {"./d": "elsewhere"}),
    ],
)
def test_a_path_is_one_thing(tmp_path: Path, files: dict[str, str], links: dict[str, str]) -> None:
    with pytest.raises(InvalidParameterValue, match="same path"):
        keep(tmp_path, zipped_links(files, links))


def test_a_bomb_is_refused_by_its_directory(tmp_path: Path) -> None:
    piece = bytes(1024 * 1024)
    content = zipped({f"zeros-{number}": piece for number in range(251)})
    assert len(content) < 1024 * 1024
    with pytest.raises(InvalidParameterValue, match="Unzipped size must be smaller than 262144000 bytes"):
        keep(tmp_path, content)


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    content = bytearray(zipped({"zeros": bytes(10_000_000)}))
    directory = content.rindex(b"PK\x01\x02")
    struct.pack_into("<L", content, directory + 24, 10)  # uncompressed size in the central directory
    struct.pack_into("<L", content, 22, 10)  # and in the local header
    with pytest.raises(InvalidParameterValue, match="Could not unzip uploaded file"):
        keep(tmp_path, bytes(content))
    assert list(tmp_path.iterdir()) == []


def test_too_many_members(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "MAX_MEMBERS", 3)
    with pytest.raises(InvalidParameterValue, match="more than 3 members"):
        keep(tmp_path, zipped({str(number): "" for number in range(4)}))


def encrypted() -> bytes:
    content = bytearray(zipped({"app.py": "x = 1"}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    return bytes(content)


def compressed_by(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("app.py", "x = 1")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Could not unzip uploaded file"),
        (b"no zip at all", "Could not unzip uploaded file"),
        (zipped({"app.py": "x = 1"})[:-30], "Could not unzip uploaded file"),
        (encrypted(), "encrypted"),
        (compressed_by(zipfile.ZIP_LZMA), "something other than deflate"),
        (zipped({}), "must be a non-empty zip"),
    ],
)
def test_unusable_zips(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InvalidParameterValue, match=message):
        keep(tmp_path, content)
    assert list(tmp_path.iterdir()) == []


@given(data=st.data())
def test_whatever_the_bytes_the_outcome_is_a_plan_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(zipped({"app.py": "x = 1", "lib/b.py": "y = 2"}))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    directory = tmp_path_factory.mktemp("packages")
    try:
        _, package = keep(directory, bytes(content))
    except InvalidParameterValue:
        assert list(directory.iterdir()) == []
    else:
        assert [folder.name for folder in directory.iterdir()] == [package.sha256]


def test_direct_uploads_end_at_50_mb() -> None:
    packages.check_upload_size(packages.MAX_UPLOAD_BYTES, "CreateFunction")
    with pytest.raises(RequestTooLarge, match="for the CreateFunction operation"):
        packages.check_upload_size(packages.MAX_UPLOAD_BYTES + 1, "CreateFunction")


def test_unused_packages_go_and_held_ones_stay(tmp_path: Path) -> None:
    async def main() -> None:
        files = PackageFiles(tmp_path, is_used=UNUSED.__contains__)
        async with files.keep(zipped({"a": "1"})) as package:
            await files.remove(package.sha256)
            assert files.code_directory(package.sha256).exists()
        await files.remove(package.sha256)
        assert list(tmp_path.iterdir()) == []

    asyncio.run(main())


def test_the_start_sweeps_what_a_killed_process_left(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / ".unpacking-half/code").mkdir(parents=True)
        used = {"b" * 64}
        for name in ("a" * 64, "b" * 64):
            (tmp_path / name / "code").mkdir(parents=True)
        files = PackageFiles(tmp_path, is_used=used.__contains__)
        await files.sweep()
        assert [folder.name for folder in tmp_path.iterdir()] == ["b" * 64]

    asyncio.run(main())


def test_a_folder_without_its_zip_is_no_package(tmp_path: Path) -> None:
    content = zipped({"app.py": "x = 1"})
    files, package = keep(tmp_path, content)
    shutil.rmtree(tmp_path / package.sha256)
    (files.code_directory(package.sha256) / "__pycache__").mkdir(parents=True)
    files, package = keep(tmp_path, content)
    assert [one.name for one in files.code_directory(package.sha256).iterdir()] == ["app.py"]


def test_the_same_zip_uploaded_at_once_is_kept_once(tmp_path: Path) -> None:
    async def main() -> None:
        files = PackageFiles(tmp_path, is_used=UNUSED.__contains__)
        content = zipped({f"{number}.py": "x" for number in range(20)})

        async def upload() -> str:
            async with files.keep(content) as package:
                assert (files.code_directory(package.sha256) / "19.py").exists()
                return package.sha256

        shas = await asyncio.gather(*(upload() for _ in range(6)))
        assert [folder.name for folder in tmp_path.iterdir()] == [shas[0]]

    asyncio.run(main())
