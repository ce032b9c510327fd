"""Does the kernel's KVM really run a guest? Found out by running one.

``/dev/kvm`` may exist and open, virtual CPUs may be made, and code may still not run: a guest that
only executes the firmware's kind of code passes where an operating system hangs. So the probe goes
where a kernel goes: protected mode, paging, 64-bit mode, and an exception through its own table.
There it counts: a KVM whose host interprets every instruction gets everywhere, but a hundred times
slower than plain emulation. Then it writes to a port that makes QEMU exit with a code nothing else
gives.
"""

from typing import Final

from pyganeti.kit.process import Command

# Takes well under 0.1 s, emulated 0.2 s; a KVM that hangs, or needs a microsecond a step, spins
# until the time is over. On a machine that is slow itself (emulated, say) KVM gets so many times
# what plain emulation takes there.
TIMEOUT_S: Final = 3.0
_TIMES: Final = 8
_EMULATED_S: Final = 60.0
# QEMU's isa-debug-exit turns the value v into the exit code 2v+1; the guest writes 0x10.
EXIT_CODE: Final = 33

_ROM_SIZE: Final = 65536
_ENTRY: Final = 0xF000
# Runs at f000:f000 in real mode. Assembled from:
#     cli; lgdtl %cs:gdtr; mov %cr0,%eax; or $1,%eax; mov %eax,%cr0; ljmpl $8,$prot
# prot (32 bits), page tables at 0x1000, 0x2000, 0x3000 map the first 2 MiB to themselves:
#     mov $16,%ax; mov %ax,%ds; mov %ax,%es; mov %ax,%ss; mov $0x7000,%esp
#     xor %eax,%eax; mov $0x1000,%edi; mov $0x1000,%ecx; rep stosl
#     movl $0x2003,0x1000; movl $0x3003,0x2000; movl $0x83,0x3000
#     cr4 |= 0x20 (PAE); cr3 = 0x1000; MSR 0xc0000080 |= 0x100 (LME); cr0 |= 0x80000000 (PG)
#     ljmpl $24,$long
# long (64 bits), an interrupt table at 0x4000 whose entry 6, undefined opcode, is handler:
#     lidt 0x5000; mov $1,%eax; cpuid; ud2; hlt
# handler: jmp work
# and then the segment table (code 32, data 32, code 64) and its pointer. Its segments are marked
# as accessed: else the processor would do that, and write to what is a ROM.
# work: mov $20000000,%ecx; 1: dec %ecx; jnz 1b; mov $0x10,%al; out %al,$0xf4; hlt
_CODE: Final = bytes.fromhex(
    "fa2e660f011600f10f20c06683c8010f22c066ea1af00f00080066b810008ed88ec08ed0bc0070000031c0"
    "bf00100000b900100000f3abc7050010000003200000c7050020000003300000c70500300000830000000f"
    "20e083c8200f22e0b8001000000f22d8b9800000c00f320d000100000f300f20c00d000000800f22c0ea86"
    "f00f001800b8d6f00f00bf6040000066890766c74702180066c74704008ec1e8106689470648c747080000"
    "000066c7042500500000ff0f48c7042502500000004000000f011c2500500000b8010000000fa20f0bf4e9"
    "2b0000008db40000900000000000000000ffff0000009bcf00ffff00000093cf00ffff0000009baf001f00"
    "e0f00f00b9002d3101ffc975fcb010e6f4f4"
)
# ljmp $0xf000,$0xf000, where the processor starts.
_RESET: Final = bytes.fromhex("ea00f000f0")


def rom() -> bytes:
    """The guest, as the content of a 64 KiB firmware image."""
    image = bytearray(_ROM_SIZE)
    image[_ENTRY : _ENTRY + len(_CODE)] = _CODE
    image[_ROM_SIZE - 16 : _ROM_SIZE - 16 + len(_RESET)] = _RESET
    return bytes(image)


def timeout_s(emulated_s: float) -> float:
    """How long KVM may take where emulation takes ``emulated_s`` seconds."""
    return max(TIMEOUT_S, _TIMES * emulated_s)


def emulated_command(qemu: str, rom_path: str) -> Command:
    """Run the probe without KVM, to see how long it takes."""
    return probe_command(qemu, "tcg", "", rom_path, _EMULATED_S)


def probe_command(
    qemu: str, accelerator: str, cpu_type: str, rom_path: str, timeout_s: float = TIMEOUT_S
) -> Command:
    """Run the probe; ends with :data:`EXIT_CODE` if ``accelerator`` works."""
    argv = [qemu, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc"]
    argv += ["-accel", accelerator, "-m", "16", "-bios", rom_path]
    argv += ["-cpu", cpu_type] if cpu_type else []
    argv += ["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
    return Command(tuple(argv), timeout_s=timeout_s, ok_codes=frozenset({EXIT_CODE}))
