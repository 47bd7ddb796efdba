"""Downloaded day files kept on disk, so that a version is downloaded once."""

import hashlib
import logging
import re
import tempfile
from pathlib import Path

from imports.events.dayfile import FILE_MAX_BYTES
from imports.sources.regular_files import NotRegular, TooManyBytes, read_regular
from imports.sources.source import ArchiveError, DayFile

MD5_ETAG = re.compile(r"[0-9a-f]{32}")  # the ETag of an object sent in parts is none: it ends in -<parts>

logger = logging.getLogger(__name__)


class Downloads:
    """Downloads kept in the archive's own layout, so that the folder is itself a source.

    A kept file counts only while it is the version the bucket lists: same size and, where the ETag is the MD5 of
    the content (every object sent in one piece and not encrypted by KMS), same MD5.
    """

    def __init__(self, root: Path):
        self._root = root.expanduser().resolve()
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self._root).close()
        except OSError as error:
            raise ArchiveError(f"ARCHIVE_CACHE_DIR {self._root}: {error.strerror}; it must be writable") from error

    def get(self, file: DayFile) -> bytes | None:
        """What was kept of this very version; None: nothing."""
        try:
            content = read_regular(self._root / file.key, FILE_MAX_BYTES)
        except FileNotFoundError:
            return None
        except (OSError, NotRegular, TooManyBytes) as error:
            why = (isinstance(error, OSError) and error.strerror) or error
            logger.warning("cached %s is not readable (%s); it is downloaded again", file.key, why)
            return None
        if file.size_bytes is not None and len(content) != file.size_bytes:
            return None
        if MD5_ETAG.fullmatch(file.etag) and hashlib.md5(content, usedforsecurity=False).hexdigest() != file.etag:
            return None
        return content

    def put(self, file: DayFile, content: bytes) -> None:
        """Whole or not at all (a rename); a cache that cannot be written costs a warning, never the import."""
        path = self._root / file.key
        part = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as target:
                part = Path(target.name)
                target.write(content)
            part.replace(path)
        except OSError as error:
            logger.warning("%s is not kept in ARCHIVE_CACHE_DIR: %s", file.key, error.strerror)
            if part is not None:
                part.unlink(missing_ok=True)
