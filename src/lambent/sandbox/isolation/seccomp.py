"""The system call filter: an allow-list as a seccomp BPF program (pure).

What ordinary programs need passes; what reaches past a process is refused with EPERM; everything else, which includes
calls that future kernels will bring, does not exist (ENOSYS). A few calls depend on an argument: the namespace flags
of clone, the family of socket, the request of ioctl, the file type of mknod, the persona of personality. clone3 hides
its flags behind a pointer, so it does not exist either; libraries fall back to clone.

The program is a binary search over ranges of call numbers, so that it stays short to run and quick to install.
Instructions: Documentation/networking/filter.rst; the layout of `struct seccomp_data`: include/uapi/linux/seccomp.h.
"""

import errno
import struct
from collections.abc import Sequence

from lambent.kit.frozen import frozen
from lambent.sandbox.isolation.syscall_numbers import ALLOWED, REFUSED, numbers

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: x32 calls bear this bit on x86_64; no program we run uses them.
_X32_BIT = 0x40000000

_LOAD = 0x20
_JUMP = 0x05
_IF_EQUAL = 0x15
_IF_AT_LEAST = 0x35
_IF_ANY_BIT = 0x45
_RETURN = 0x06

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000

_OFFSET_NUMBER = 0
_OFFSET_ARCHITECTURE = 4
_OFFSET_ARGUMENTS = 16

#: CLONE_NEWCGROUP, NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NAMESPACE_FLAGS = 0x7E020000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
#: Set in the type bits of character and block devices, in neither files, FIFOs nor sockets.
_DEVICE_TYPE_BIT = 0x2000
#: PER_LINUX, PER_LINUX32, UNAME26, both, and the query; as container engines allow.
_PERSONAS = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

_Instruction = tuple[int, int, int, int]


@frozen
class _Range:
    """Calls from `first` to the next range's first share one fate."""

    first: int
    action: tuple[_Instruction, ...]


def build(machine: str) -> bytes:
    """The program for `machine`; raises KeyError for one whose call numbers we do not have."""
    program = [
        _load(_OFFSET_ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        _return(_KILL_PROCESS),
        _load(_OFFSET_NUMBER),
        (_IF_AT_LEAST, 0, 1, _X32_BIT),
        _refuse(errno.ENOSYS),
        *_search(_ranges(machine)),
    ]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _ranges(machine: str) -> list[_Range]:
    absent = (_refuse(errno.ENOSYS),)
    fates: dict[int, tuple[_Instruction, ...]] = {}
    fates.update(dict.fromkeys(numbers(REFUSED, machine).values(), (_refuse(errno.EPERM),)))
    allowed = numbers(ALLOWED, machine)
    fates.update(dict.fromkeys(allowed.values(), (_return(_ALLOW),)))
    fates.update({allowed[name]: action for name, action in _conditions().items() if name in allowed})
    ranges = [_Range(0, absent)]
    for number in range(max(fates) + 2):
        action = fates.get(number, absent)
        if action != ranges[-1].action:
            ranges.append(_Range(number, action))
    return ranges if ranges[0].first != ranges[1].first else ranges[1:]


def _conditions() -> dict[str, tuple[_Instruction, ...]]:
    return {
        "clone": _unless_bits(0, _NAMESPACE_FLAGS),
        "socket": _sockets(),
        "socketpair": _only(0, (_AF_UNIX,), errno.EAFNOSUPPORT),
        "ioctl": _except(1, (_TIOCSTI, _TIOCLINUX)),
        "mknod": _unless_bits(1, _DEVICE_TYPE_BIT),
        "mknodat": _unless_bits(2, _DEVICE_TYPE_BIT),
        "personality": _only(0, _PERSONAS, errno.EPERM),
    }


def _sockets() -> tuple[_Instruction, ...]:
    families = (_AF_UNIX, _AF_INET, _AF_INET6)
    return (
        _argument(0),
        *[(_IF_EQUAL, len(families) - index + 3, 0, family) for index, family in enumerate(families)],
        (_IF_EQUAL, 0, 4, _AF_NETLINK),
        _argument(2),
        (_IF_EQUAL, 1, 0, _NETLINK_ROUTE),
        _refuse(errno.EPROTONOSUPPORT),
        _return(_ALLOW),
        _refuse(errno.EAFNOSUPPORT),
    )


def _unless_bits(argument: int, bits: int) -> tuple[_Instruction, ...]:
    return (_argument(argument), (_IF_ANY_BIT, 0, 1, bits), _refuse(errno.EPERM), _return(_ALLOW))


def _except(argument: int, values: Sequence[int]) -> tuple[_Instruction, ...]:
    tests = [(_IF_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return (_argument(argument), *tests, _return(_ALLOW), _refuse(errno.EPERM))


def _only(argument: int, values: Sequence[int], error: int) -> tuple[_Instruction, ...]:
    tests = [(_IF_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return (_argument(argument), *tests, _refuse(error), _return(_ALLOW))


def _search(ranges: Sequence[_Range]) -> list[_Instruction]:
    """Which range holds the number? Far jumps take an instruction of their own: conditional ones reach 255."""
    if len(ranges) == 1:
        return list(ranges[0].action)
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    return [(_IF_AT_LEAST, 0, 1, ranges[middle].first), (_JUMP, 0, 0, len(below)), *below, *above]


def _load(offset: int) -> _Instruction:
    return (_LOAD, 0, 0, offset)


def _argument(index: int) -> _Instruction:
    """The lower half of a 64-bit argument: all that the kernel looks at in those we test."""
    return _load(_OFFSET_ARGUMENTS + 8 * index)


def _return(value: int) -> _Instruction:
    return (_RETURN, 0, 0, value)


def _refuse(error: int) -> _Instruction:
    return _return(_ERRNO | error)
