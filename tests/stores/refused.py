"""A kernel that refuses some system calls, as it does for file systems that do not have them: a seccomp filter of the calling process.

`python -c "from tests.stores.refused import refuse; refuse(linkat=errno.EPERM)"` needs no right, and lasts until the process ends.
"""

import ctypes
import platform
import struct

_NUMBERS = {
    "x86_64": {"linkat": 265, "renameat2": 316, "fsync": 74, "syncfs": 306},
    "aarch64": {"linkat": 37, "renameat2": 276, "fsync": 82, "syncfs": 267},
}
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


def can_refuse() -> bool:
    return platform.system() == "Linux" and platform.machine() in _NUMBERS


def refuse(**errors: int) -> None:
    """Each named call answers with its error number from now on."""
    numbers = _NUMBERS[platform.machine()]
    steps = [(_LOAD, 0, 0, 0)]
    for call, number in errors.items():
        steps += [(_JUMP_IF_EQUAL, 0, 1, numbers[call]), (_RETURN, 0, 0, _ERRNO | number)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for option in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SECCOMP, _FILTER, ctypes.addressof(program), 0, 0)):
        if libc.prctl(option[0], *(ctypes.c_ulong(value) for value in option[1:])) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
