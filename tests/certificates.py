"""Certificates for tests, made by openssl: an authority of our own, good and bad servers."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The PEM files of a server."""

    chain: Path
    key: Path


class Authority:
    """A certificate authority that nobody trusts by default."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: gets all files."""
        self._folder = folder
        self.pem, self._key = folder / "ca.pem", folder / "ca.key"
        out = ["-keyout", str(self._key), "-out", str(self.pem)]
        _openssl("req", "-x509", *_KEY, *out, "-days", "2", "-subj", "/CN=authority of a test")

    def issue(self, name: str, *, names: str, days: int = 2) -> Certificate:
        """Return a server's certificate.

        Args:
            name: of the files.
            names: such as "DNS:localhost,IP:127.0.0.1".
            days: that it is valid for; negative where it has expired.
        """
        request, chain, key = (self._folder / f"{name}.{end}" for end in ("csr", "pem", "key"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        _openssl("req", *_KEY, "-keyout", str(key), "-out", str(request), "-subj", "/CN=server")
        signer = ["-CA", str(self.pem), "-CAkey", str(self._key), "-CAcreateserial"]
        out = ["-days", str(days), "-extfile", str(extensions), "-out", str(chain)]
        _openssl("x509", "-req", "-in", str(request), *signer, *out)
        return Certificate(chain, key)


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)
