"""The filter, run by an interpreter of the few BPF instructions it uses, over every call number."""

import errno
import struct

import pytest

from lambent.sandbox.isolation import seccomp
from lambent.sandbox.isolation.syscall_numbers import ALLOWED, REFUSED, numbers

ALLOW, KILL = 0x7FFF0000, 0x80000000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINES = sorted(ARCHITECTURES)


def run(program: bytes, number: int, arguments: tuple[int, ...] = (), *, architecture: int) -> int:
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    instructions = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator, position = 0, 0
    while True:
        code, if_true, if_false, value = instructions[position]
        position += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x05:
            position += value
        elif code == 0x06:
            return int(value)
        else:
            test = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            position += if_true if test else if_false


def outcome(machine: str, name_or_number: str | int, *arguments: int) -> int:
    number = numbers(ALLOWED + REFUSED, machine)[name_or_number] if isinstance(name_or_number, str) else name_or_number
    return run(seccomp.build(machine), number, arguments, architecture=ARCHITECTURES[machine])


def refused(error: int) -> int:
    return 0x00050000 | error


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_meets_its_fate(machine: str) -> None:
    program = seccomp.build(machine)
    allowed, denied = set(numbers(ALLOWED, machine).values()), set(numbers(REFUSED, machine).values())
    assert not allowed & denied
    conditional = {"socket": (1,), "socketpair": (1,)}
    by_number = {number: name for name, number in numbers(ALLOWED, machine).items()}
    for number in range(600):
        arguments = conditional.get(by_number.get(number, ""), ())
        expected = ALLOW if number in allowed else refused(errno.EPERM if number in denied else errno.ENOSYS)
        assert run(program, number, arguments, architecture=ARCHITECTURES[machine]) == expected, number


@pytest.mark.parametrize("machine", MACHINES)
def test_the_program_fits_the_kernel(machine: str) -> None:
    assert len(seccomp.build(machine)) // 8 <= 4096


CONDITIONS = [
    ("clone", (17,), ALLOW),
    ("clone", (0x01200011,), ALLOW),  # fork, as glibc calls it
    ("clone", (0x003D0F00,), ALLOW),  # pthread_create
    *[("clone", (flag | 17,), refused(errno.EPERM)) for flag in (0x20000, 0x2000000, 0x10000000, 0x40000000)],
    ("socket", (1,), ALLOW),
    ("socket", (2, 1, 6), ALLOW),
    ("socket", (10,), ALLOW),
    ("socket", (16, 3, 0), ALLOW),
    ("socket", (16, 3, 9), refused(errno.EPROTONOSUPPORT)),
    ("socket", (17,), refused(errno.EAFNOSUPPORT)),
    ("socket", (38,), refused(errno.EAFNOSUPPORT)),
    ("socket", (40,), refused(errno.EAFNOSUPPORT)),
    ("socketpair", (1,), ALLOW),
    ("socketpair", (2,), refused(errno.EAFNOSUPPORT)),
    ("ioctl", (0, 0x5401), ALLOW),
    ("ioctl", (0, 0x5412), refused(errno.EPERM)),
    ("ioctl", (0, 0x541C), refused(errno.EPERM)),
    ("mknodat", (0, 0, 0o010600), ALLOW),
    ("mknodat", (0, 0, 0o100600), ALLOW),
    ("mknodat", (0, 0, 0o060600), refused(errno.EPERM)),
    ("mknodat", (0, 0, 0o020600), refused(errno.EPERM)),
    ("personality", (0xFFFFFFFF,), ALLOW),
    ("personality", (0x0400000,), refused(errno.EPERM)),
    (435, (), refused(errno.ENOSYS)),  # clone3
    (425, (), refused(errno.ENOSYS)),  # io_uring_setup
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("call", "arguments", "expected"), CONDITIONS)
def test_arguments_that_matter(machine: str, call: str | int, arguments: tuple[int, ...], expected: int) -> None:
    assert outcome(machine, call, *arguments) == expected


def test_another_architecture_is_killed_and_x32_does_not_exist() -> None:
    program = seccomp.build("x86_64")
    assert run(program, 0, architecture=0x40000003) == KILL
    assert run(program, 0x40000000, architecture=ARCHITECTURES["x86_64"]) == refused(errno.ENOSYS)


def test_a_machine_without_a_table() -> None:
    with pytest.raises(KeyError):
        seccomp.build("riscv64")
