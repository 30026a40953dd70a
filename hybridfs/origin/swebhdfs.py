"""WebHDFS over TLS as an fsspec filesystem, whose certificates a private CA may have signed."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import requests
from fsspec.implementations.webhdfs import WebHDFS

from hybridfs.errors import BadOption


class SecureWebHdfs(WebHDFS):  # type: ignore[misc]  # fsspec has no types
    """``swebhdfs://namenode:9871/path``; for TLS of NameNode and DataNodes.

    Parameters
    ----------
    host, port: the NameNode's HTTPS address (``dfs.namenode.https-address``).
    ca_file: PEM file of the CA that signed the certificates; default: those that Python trusts. It is used whatever
        REQUESTS_CA_BUNDLE says.
    options: those of fsspec's WebHDFS: ``user``, ``kerberos=True`` (needs the package requests-kerberos), ``token``, …

    Raises BadOption, or requests' SSLError, an OSError that names the option, where a certificate is not trusted.
    """

    protocol: ClassVar[Any] = "swebhdfs"

    def __init__(self, host: str, port: int = 9871, ca_file: str | None = None, **options: Any) -> None:
        if self._cached:
            return
        if ca_file is not None and not os.path.isfile(ca_file):
            raise BadOption(f"option ca_file: {ca_file!r} is not there; name the PEM file of the CA")
        self._authority = f"{host}:{port}"
        self._ca_file = ca_file
        super().__init__(host, port, use_https=True, session_verify=ca_file or True, **options)

    def _connect(self) -> None:
        try:
            super()._connect()
        except ImportError as missing:
            raise ImportError(f"option kerberos: {missing}; install the package requests-kerberos") from missing
        self._unchecked = self.session.request
        self.session.request = self._request

    def _request(self, *args: Any, **options: Any) -> requests.Response:
        options.setdefault("verify", self.session_verify)  # else the environment comes before the session
        try:
            response: requests.Response = self._unchecked(*args, **options)
        except requests.exceptions.SSLError as error:
            trusted = f"{self._ca_file} does not vouch" if self._ca_file else "no CA that Python trusts vouches"
            raise requests.exceptions.SSLError(
                f"option ca_file: {trusted} for a server of {self._authority}; name the PEM file of the CA that signed "
                f"its certificate: {error}"
            ) from error
        return response

    def unstrip_protocol(self, name: str) -> str:
        return f"swebhdfs://{self._authority}/{self._strip_protocol(name).lstrip('/')}"
