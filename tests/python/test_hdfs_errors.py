"""What hdfs-native's errors mean: their texts are as hdfs-native 0.14 and MIT's GSSAPI 1.20 gave them."""

from __future__ import annotations

import errno

import pytest

from hybridfs.errors import OriginUnreachable
from hybridfs.origin.base import unanswered
from hybridfs.origin.hdfs_errors import translate, translating

JAVA = 'RPCError("org.apache.hadoop.security.AccessControlException", "Permission denied: user=bob, access=READ")'
NOBODY = "No credentials were supplied, or the credentials were unavailable or inaccessible: "
MINOR = "Unspecified GSS failure.  Minor code may provide more information: "


def gssapi(text: str, routine: str = "GSS_S_FAILURE") -> str:
    return (
        f'GSSAPIError(GssMajorCodes {{ raw: "0x000d0000", calling_error: "none", routine_error: "{routine}", '
        f'supplementary_info: "0x0000" }}, 2529639053, "{text}")'
    )


KERBEROS = [
    (gssapi(f"{NOBODY}No Kerberos credentials available (default cache: /tmp/krb5cc_0)", "GSS_S_NO_CRED"), "run kinit"),
    (gssapi(f"{NOBODY}No credentials cache found", "GSS_S_NO_CRED"), "kerberos_keytab or kerberos_cache that is"),
    (
        gssapi(f"{NOBODY}Principal in credential cache does not match desired name", "GSS_S_NO_CRED"),
        "another principal than kerberos_principal",
    ),
    (gssapi(f"{MINOR}Ticket expired"), "has expired: run kinit"),
    (gssapi(f"{MINOR}Clock skew too great"), "set them by NTP"),
    (
        gssapi(f"{MINOR}Server krbtgt/ONPREM@CLOUD not found in Kerberos database"),
        "realm CLOUD has no trust to realm ONPREM",
    ),
    (
        gssapi(f"{MINOR}Server hdfs/localhost@CLOUD not found in Kerberos database"),
        "realm CLOUD knows no service hdfs/localhost",
    ),
    (gssapi(f"{MINOR}Cannot contact any KDC for realm 'ONPREM'"), "no KDC of realm ONPREM answers"),
    (gssapi(f'{MINOR}Cannot find KDC for realm \\"ONPREM\\"'), "no KDC of realm ONPREM answers"),
    (gssapi(f"{MINOR}KDC has no support for encryption type"), "permitted_enctypes"),
    ("NoSASLMechanism", "ticket or a token"),
    ("RPC listener disconnected", "hadoop.security.authentication=kerberos"),
]


@pytest.fixture(autouse=True)
def no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HADOOP_TOKEN_FILE_LOCATION", raising=False)


@pytest.mark.parametrize(("text", "told"), KERBEROS)
def test_an_error_of_kerberos_says_what_to_do(text: str, told: str) -> None:
    error = translate(RuntimeError(text), "/f")
    assert type(error) is OSError
    assert (error.errno, error.filename) == (errno.EIO, "/f")
    assert error.strerror.startswith(f"{text}: ")
    assert told in error.strerror
    assert not unanswered(error), "somebody said no"


def test_who_reads_by_tokens_is_told_of_these(monkeypatch: pytest.MonkeyPatch) -> None:
    text = gssapi(f"{NOBODY}No Kerberos credentials available (default cache: /tmp/krb5cc_0)", "GSS_S_NO_CRED")
    monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", "/containers/{0}/tokens")
    told = translate(RuntimeError(text), "/f").strerror
    assert "expired" in told
    assert told.endswith("/containers/{0}/tokens")
    assert "kinit" not in told
    assert "NTP" in translate(RuntimeError(gssapi(f"{MINOR}Clock skew too great")), "/f").strerror


@pytest.mark.parametrize(
    "text",
    [
        "Connection refused (os error 111)",
        "failed to lookup address information: Name or service not known",
        "No route to host (os error 113)",
        "Connection timed out (os error 110)",
    ],
)
def test_no_answer(text: str) -> None:
    error = translate(OSError(text), "/f")
    assert type(error) is OriginUnreachable
    assert unanswered(error)
    assert text in str(error)
    assert "/f" in str(error)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (JAVA, PermissionError),
        (
            'RPCError("org.apache.hadoop.security.authorize.AuthorizationException", "User: a may not act")',
            PermissionError,
        ),
        ('OperationFailed("KMS request failed (403 Forbidden): AuthorizationException User [bob]")', PermissionError),
        ('RPCError("org.apache.hadoop.ipc.StandbyException", "Operation category READ is not supported")', OSError),
        ('RPCError("java.net.ConnectException", "Connection refused (os error 111)")', OSError),
        ('OperationFailed("KMS request failed: Connection refused (os error 111)")', OSError),
        ("Connection reset by peer (os error 104)", OSError),
    ],
)
def test_an_answer(text: str, kind: type[OSError]) -> None:
    """A NameNode hangs up on whom it does not want: that is none of silence."""
    error = translate(RuntimeError(text), "/f")
    assert type(error) is kind
    assert not unanswered(error)


def test_a_zone_without_a_provider() -> None:
    text = 'OperationFailed("File is in an HDFS encryption zone but no KMS provider is configured (set `…`)")'
    told = translate(RuntimeError(text), "/f").strerror
    assert "hadoop.security.key.provider.path (kms://…) in the core-site.xml of HADOOP_CONF_DIR" in told


def test_errors_of_the_client_without_a_number_are_translated() -> None:
    for given, kind in (
        (FileNotFoundError("gone"), FileNotFoundError),
        (OSError("Connection refused (os error 111)"), OriginUnreachable),
        (OSError(errno.EBADF, "bad"), OSError),
    ):

        def fail(path: str, error: OSError = given) -> None:
            raise error

        with pytest.raises(kind) as caught:
            translating(fail)("/f")
        assert caught.value.errno is not None


def test_what_is_silence_of_other_origins() -> None:
    import requests
    from fsspec.exceptions import FSTimeoutError

    assert unanswered(requests.exceptions.ConnectionError("refused"))
    assert unanswered(requests.exceptions.ReadTimeout("slow"))
    assert unanswered(FSTimeoutError())
    assert unanswered(OSError(errno.ENETUNREACH, "no"))
    assert not unanswered(requests.exceptions.SSLError("not trusted"))
    assert not unanswered(requests.exceptions.HTTPError("500"))
    assert not unanswered(PermissionError(errno.EACCES, "no"))
