"""hdfs-native's errors as builtin exceptions that name the path and, where somebody can do something, what."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from hybridfs.errors import OriginUnreachable
from hybridfs.origin.kerberos import advice

ZONE = "is in an HDFS encryption zone"
_JAVA_CLASS = re.compile(r"\b(?:[a-z]\w*\.)+([A-Z]\w+)")
_ERRORS: dict[str, tuple[type[OSError], int]] = {
    "AccessControlException": (PermissionError, errno.EACCES),
    "AuthorizationException": (PermissionError, errno.EACCES),
    "FileNotFoundException": (FileNotFoundError, errno.ENOENT),
    "FileAlreadyExistsException": (FileExistsError, errno.EEXIST),
    "ParentNotDirectoryException": (NotADirectoryError, errno.ENOTDIR),
    "PathIsNotDirectoryException": (NotADirectoryError, errno.ENOTDIR),
    "PathIsNotEmptyDirectoryException": (OSError, errno.ENOTEMPTY),
}
_NUMBERS = {FileNotFoundError: errno.ENOENT, FileExistsError: errno.EEXIST}
# No resets and hang-ups: a NameNode refuses a client, or what a proxy user wants, by closing the connection.
_UNANSWERED_NUMBERS = frozenset(
    {errno.ECONNREFUSED, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN}
)
_NUMBER = re.compile(r"\(os error (\d+)\)")
_UNANSWERED = re.compile(r"failed to lookup address|could not resolve to any address|deadline has elapsed|timed out")
_KMS_REFUSAL = re.compile(r"KMS request failed \(40[13]\b|KMS rejected")
_NO_PROVIDER = (
    "to read it set hadoop.security.key.provider.path (kms://…) in the core-site.xml of HADOOP_CONF_DIR or in "
    "target_options"
)


def translate(error: BaseException, path: str) -> OSError:
    """The builtin exception that an error of hdfs-native means, by the Java class in its text if there is one."""
    text = str(error)
    classes = _JAVA_CLASS.findall(text)
    for name in classes:
        if name in _ERRORS:
            kind, number = _ERRORS[name]
            return kind(number, text, path)
    if _KMS_REFUSAL.search(text):
        return PermissionError(errno.EACCES, text, path)
    if ZONE in text:
        return OSError(errno.EIO, f"{text}: {_NO_PROVIDER}", path)
    if hint := advice(text):
        return OSError(errno.EIO, f"{text}: {hint}", path)
    if not classes and "KMS" not in text and _unanswered(text):
        return OriginUnreachable(text, path)
    return OSError(errno.EIO, text, path)


def _unanswered(text: str) -> bool:
    number = _NUMBER.search(text)
    return bool(_UNANSWERED.search(text)) or (number is not None and int(number[1]) in _UNANSWERED_NUMBERS)


def translating(call: Callable[..., Any]) -> Callable[..., Any]:
    """``call``, whose first argument is a path, with its errors translated."""

    @wraps(call)
    def translated(path: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(path, *args, **kwargs)
        except OSError as error:
            if error.errno is not None:
                raise
            if type(error) is OSError:
                raise translate(error, path) from None
            number = _NUMBERS.get(type(error), errno.EIO)  # FileNotFoundError("...") as hdfs-native makes it
            raise type(error)(number, str(error), path) from None
        except RuntimeError as error:
            raise translate(error, path) from None
        except BaseException as error:
            if type(error).__name__ == "PanicException":  # a Rust panic is a BaseException
                raise translate(error, path) from None
            raise

    return translated
