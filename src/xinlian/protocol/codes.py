"""The codes officials already know: form and check digit of five national identifiers.

Rules
1. A check takes the code in its one canonical form (upper case, no blanks, ASCII digits). Nothing is repaired silently.
2. Each check returns ``None`` or raises ``InputError``: ``code-form`` (shape, date, fixed parts) or ``code-check-digit``.
3. No message repeats the value: an ID number must not reach a log. ``fields["kind"]`` names the key in ``CHECKS``.

Why not python-stdnum at run time: its ``cn.ric`` takes 68 us (it loads a region file), dies with ``KeyError`` on regions
it does not know (the synthetic 411599 among them), and its ``cn.uscc`` (15 us) refuses the registering departments A, N
and Y. Bulk publishing checks two codes a row, so the sums stand here (1 to 3 us) and the library is the oracle of
tests/unit/protocol/test_codes.py. No region is looked up: a region that was dissolved stays in its people's numbers for life.

Example: ``check_uscc("11411599MBDEM0015B")``
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from operator import mul
from types import MappingProxyType
from typing import Final

from xinlian.protocol.errors import InputError

_ALNUM: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_FORM: Final = re.compile(r"[0-9ABCDEFGHJKLMNPQRTUWXY]{2}[0-9]{6}[0-9ABCDEFGHJKLMNPQRTUWXY]{10}", re.ASCII)
_USCC_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECK: Final = "0123456789X"

_ID_FORM: Final = re.compile(r"[0-9]{6}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]", re.ASCII)
_ID_CHECK: Final = "10X98765432"

_UNIT_FORM: Final = re.compile(r"[0-9]{12}[GJZ][ABCDEFGHWXY][0-9]{5}(?:W0{8}|[FLQ][0-9]{8})", re.ASCII)
_PROJECT_FORM: Final = re.compile(r"[0-9]{2}(?:0[1-9]|1[0-2])-[0-9]{6}-[0-9]{2}-[0-9]{2}-[0-9]{6}", re.ASCII)
_CERTIFICATE_FORM: Final = re.compile(
    r"1\.2\.156\.3005\.2\.([0-9A-Z]{18}[0-9]{3})\.([0-9A-Z]{18})\.([0-9A-Z]{1,64})\.([0-9]{3})\.([0-9A-Z])", re.ASCII
)


def _values(alphabet: str) -> bytes:
    """Return a 256-byte table for ``bytes.translate``: a character's ordinal to its value in ``alphabet``."""
    table = bytearray(256)
    for value, character in enumerate(alphabet):
        table[ord(character)] = value
    return bytes(table)


_USCC_VALUES: Final = _values(_USCC_ALPHABET)
_ALNUM_VALUES: Final = _values(_ALNUM)


def _form_error(kind: str, expected: str) -> InputError:
    return InputError("code-form", f"expected {expected}", kind=kind, expected=expected)


def _check_digit_error(kind: str, what: str) -> InputError:
    return InputError("code-check-digit", f"the check digit of the {what} is wrong", kind=kind)


def uscc_check_digit(first17: str) -> str:
    """Return the 18th character of a unified social credit code.

    Args:
        first17: 17 characters of the alphabet ``0-9A-Y`` without I, O, S, V, Z.

    Source: GB 32100-2015 (weights 3**i mod 31).
    """
    values = first17.encode("ascii").translate(_USCC_VALUES)
    return _USCC_ALPHABET[-sum(map(mul, values, _USCC_WEIGHTS)) % 31]


def organisation_check_digit(first8: str) -> str:
    """Return the ninth character of an organisation code (0-9 or X).

    Source: GB 11714-1997.
    """
    values = first8.encode("ascii").translate(_ALNUM_VALUES)
    return _ORGANISATION_CHECK[-sum(map(mul, values, _ORGANISATION_WEIGHTS)) % 11]


def id_check_digit(first17: str) -> str:
    """Return the 18th character of a citizen's ID number (0-9 or X).

    The weights are 2**(17-i) mod 11, and 13 = 2 mod 11, so the weighted sum is twice the digits read as a base-13 number.

    Source: GB 11643-1999.
    """
    return _ID_CHECK[2 * int(first17, 13) % 11]


def certificate_check_digit(body: str) -> str:
    """Return the check character of an e-certificate id.

    Args:
        body: type code, issuer, serial and version joined without dots, characters 0-9A-Z.

    Source: GB/T 36904-2018; ISO/IEC 7064 MOD 37,36.
    """
    product = 36
    for value in body.encode("ascii").translate(_ALNUM_VALUES):
        product = ((product + value) % 36 or 36) * 2 % 37
    return _ALNUM[(37 - product) % 36]


def check_uscc(value: str) -> None:
    """Check a unified social credit code (统一社会信用代码), 18 characters.

    Both check digits are checked: the code's own, and that of the organisation code inside it (characters 9 to 17)
    where character 17 is one that GB 11714 can produce (0-9, X).

    Raises:
        InputError: ``code-form`` or ``code-check-digit``.

    Source: GB 32100-2015; GB 11714-1997.
    """
    if _USCC_FORM.fullmatch(value) is None:
        raise _form_error("uscc", "a unified social credit code: 18 characters 0-9 A-Y without I, O, S, V, Z")
    if uscc_check_digit(value[:17]) != value[17]:
        raise _check_digit_error("uscc", "unified social credit code")
    if value[16] in _ORGANISATION_CHECK and organisation_check_digit(value[8:16]) != value[16]:
        raise _check_digit_error("uscc", "organisation code inside the unified social credit code")


def check_id_number(value: str) -> None:
    """Check a citizen's ID number (公民身份号码), 18 characters, with a birthday that exists in the calendar.

    The region (first six digits) is not looked up, see the module's head. A birthday in the future is not noticed:
    this layer has no clock.

    Raises:
        InputError: ``code-form`` or ``code-check-digit``; neither message holds the number.

    Source: GB 11643-1999.
    """
    if _ID_FORM.fullmatch(value) is None or not _is_calendar_day(value[6:14]):
        raise _form_error("id", "an ID number: 17 digits with a birthday that exists, then a digit or X")
    if id_check_digit(value[:17]) != value[17]:
        raise _check_digit_error("id", "ID number")


def _is_calendar_day(yyyymmdd: str) -> bool:
    if yyyymmdd[6:] <= "28":  # days 1 to 28 are in every month; the form has checked 01..12 and 01..31
        return True
    try:
        date(int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:]))
    except ValueError:
        return False
    return True


def check_unit_code(value: str) -> None:
    """Check a real estate unit code (不动产单元代码), 28 characters without blanks. It has no check digit.

    Raises:
        InputError: ``code-form``; a land-only unit (W) must end in eight zeros.

    Source: GB/T 37346-2019.
    """
    if _UNIT_FORM.fullmatch(value) is None:
        raise _form_error("unit", "a real estate unit code: 12 digits, two letters, 5 digits, then F/L/Q/W and 8 digits")


def check_project_code(value: str) -> None:
    """Check an investment project code (投资项目统一代码), 24 characters with dashes. It has no check digit.

    Raises:
        InputError: ``code-form``; the first four digits are a year and a month.

    Source: dossier 2.9.4 (measures on the national online platform, 10 to 14).
    """
    if _PROJECT_FORM.fullmatch(value) is None:
        raise _form_error("project", "a project code YYMM-RRRRRR-NN-NN-NNNNNN")


def check_certificate_id(value: str) -> None:
    """Check an e-certificate id (电子证照标识): root, type, issuer, serial, version, check character.

    The issuer's own check digit is left alone: real certificates carry issuer codes that are no USCC.

    Raises:
        InputError: ``code-form`` or ``code-check-digit``.

    Source: GB/T 36904-2018.
    """
    match = _CERTIFICATE_FORM.fullmatch(value)
    if match is None:
        raise _form_error("certificate", "1.2.156.3005.2.<type 21>.<issuer 18>.<serial>.<version 3>.<check 1>")
    *body, check = match.groups()
    if certificate_check_digit("".join(body)) != check:
        raise _check_digit_error("certificate", "e-certificate id")


CHECKS: Final[Mapping[str, Callable[[str], None]]] = MappingProxyType(
    {
        "uscc": check_uscc,
        "id": check_id_number,
        "unit": check_unit_code,
        "project": check_project_code,
        "certificate": check_certificate_id,
    }
)
"""Every check by the word used on the command line and in dataset schemas."""
