"""unpack_kernel.py VMLINUZ VMLINUX: take the ELF kernel out of an x86 bzImage, for QEMU to start directly.

Offsets are those of the kernel's documentation, "The Linux/x86 Boot Protocol": setup_sects at 0x1f1, payload_offset
at 0x248 and payload_length at 0x24c; the payload begins after the real-mode code, and ends with its size when
unpacked, 4 bytes.
"""

import struct
import subprocess
import sys
from pathlib import Path

_UNPACKERS = {
    b"\x28\xb5\x2f\xfd": ["zstd", "-dc"],
    b"\xfd7zX": ["xz", "-dc"],
    b"\x1f\x8b\x08": ["gzip", "-dc"],
}


def main() -> int:
    """Unpack one kernel."""
    packed = Path(sys.argv[1]).read_bytes()
    sectors = packed[0x1F1] or 4
    offset, length = struct.unpack_from("<II", packed, 0x248)
    begin = (sectors + 1) * 512 + offset
    payload = packed[begin : begin + length - 4]
    unpacker = next((words for magic, words in _UNPACKERS.items() if payload.startswith(magic)), None)
    if unpacker is None:
        print(f"{sys.argv[1]}: packed in a way not known here", file=sys.stderr)
        return 1
    with Path(sys.argv[2]).open("wb") as out:
        subprocess.run(unpacker, input=payload, stdout=out, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
