"""Where files of pictures and texts are: a folder, or an archive that stays packed."""

from __future__ import annotations

import tarfile
import zipfile
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path

from longshort.errors import DataError

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")


class Store(ABC):
    """Files by name, relative to the place that they are in."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all files, sorted; folders are part of a name."""

    @abstractmethod
    def content(self, name: str) -> bytes | None:
        """Return a file's content, None if there is no such file."""

    def place(self, name: str) -> Path:
        """Return where a file is, for people."""
        return self.path / name


class Folder(Store):
    """Files in a folder, and in folders in it."""

    def names(self) -> list[str]:
        """Return the names of all files."""
        return sorted(str(each.relative_to(self.path)) for each in self.path.rglob("*")
                      if each.is_file())  # fmt: skip

    def content(self, name: str) -> bytes | None:
        """Return a file's content."""
        path = self.path / name
        try:
            return path.read_bytes() if path.is_file() else None
        except OSError as error:
            raise DataError(f"{path}: cannot read: {error.strerror or error}") from None


class Archive(Store):
    """Files in a ZIP or TAR archive, which is read once."""

    def names(self) -> list[str]:
        """Return the names of all files."""
        return sorted(self._files)

    def content(self, name: str) -> bytes | None:
        """Return a file's content."""
        return self._files.get(name)

    @cached_property
    def _files(self) -> dict[str, bytes]:
        try:
            if zipfile.is_zipfile(self.path):
                with zipfile.ZipFile(self.path) as packed:
                    return {n: packed.read(n) for n in packed.namelist() if not n.endswith("/")}
            with tarfile.open(self.path) as tar:
                members = [each for each in tar.getmembers() if each.isfile()]
                streams = [(each.name, tar.extractfile(each)) for each in members]
                return {name: stream.read() for name, stream in streams if stream is not None}
        except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, RuntimeError) as error:
            raise DataError(
                f"{self.path}: cannot be read as an archive ({error}); give a ZIP or TAR file, or "
                "a folder"
            ) from None


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of an archive."""
    return path.name.lower().endswith(ARCHIVES)


def store_at(path: Path) -> Store:
    """Return the files in a folder or an archive; raises `DataError` for others."""
    if path.is_dir():
        return Folder(path)
    if path.is_file() and is_archive(path):
        return Archive(path)
    if not path.exists():
        raise DataError(f"{path}: no such folder or archive; check the path")
    raise DataError(f"{path}: a folder or an archive ({', '.join(ARCHIVES)}) is expected")
