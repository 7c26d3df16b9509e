"""Boot the guest, show the job's output as it comes, and end with the job's exit code.

The job's output arrives over a virtio serial port into a file, its exit code lies in the shared folder when the
guest has powered off. No code means that the guest broke: then its console's end is shown, and the exit code is 70.
"""

import argparse
import ctypes
import signal
import subprocess
import sys
import time
from pathlib import Path

BROKEN = 70
_POLL_S = 0.05
_PR_SET_PDEATHSIG = 1
_MEMORY_MB = 1024


def command(args: argparse.Namespace, output: Path, console: Path) -> list[str]:
    """The whole QEMU command line. TCG and not KVM: where KVM opens inside another guest it often hangs."""
    if args.mode == "realtime":
        speed = ["-smp", "2", "-accel", "tcg,thread=multi"]
    else:
        # Guest time is the count of instructions, 1 ns each (a core of a small board does about that, and at 4 ns
        # sound had holes), and jumps ahead when the guest is idle.
        speed = ["-smp", "1", "-accel", "tcg", "-icount", "shift=0,sleep=off,align=off"]
    kernel_words = (
        "root=/dev/vda rw rootfstype=ext4 console=ttyS0 panic=-1 quiet systemd.show_status=0 "
        "random.trust_cpu=on mitigations=off audit=0"
    )
    if args.mode == "never-idle":
        # A wait for the disk is filled with instructions, and so costs guest time as on a machine; where the guest
        # idles, time jumps to its next timer, which may be seconds ahead.
        kernel_words += " idle=poll"
    network = ["-nic", "user,model=virtio-net-pci,ipv6=off"] if args.network else ["-nic", "none"]
    drive = f"if=none,id=root,file={args.root},format=raw,cache=unsafe"
    if not args.persistent:
        drive += ",snapshot=on"  # writes go to a throw-away overlay
    return [
        *("qemu-system-x86_64", "-M", "q35", "-cpu", "max", *speed, "-m", str(_MEMORY_MB)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-kernel", f"{args.kernel}/vmlinux", "-initrd", f"{args.kernel}/initrd", "-append", kernel_words),
        *("-serial", f"file:{console}"),
        *("-drive", drive),
        *("-device", "virtio-blk-pci,drive=root", "-device", "virtio-rng-pci"),
        *("-fsdev", f"local,id=host,path={args.share},security_model=none"),
        *("-device", "virtio-9p-pci,fsdev=host,mount_tag=host"),
        *("-device", "virtio-serial-pci", "-chardev", f"file,id=job,path={output}"),
        *("-device", "virtserialport,chardev=job,name=job"),
        *network,
    ]


def follow(guest: subprocess.Popen[bytes], output: Path, timeout_s: float) -> bool:
    """Copy the job's output to ours until the guest is off. False if that took too long."""
    end = time.monotonic() + timeout_s
    with output.open("rb") as file:
        while True:
            off = guest.poll() is not None
            while data := file.read(65536):
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            if off:
                return True
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_S)


def main() -> int:
    """Run one job."""
    parser = argparse.ArgumentParser()
    for name in ("kernel", "root", "share"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--mode", choices=("icount", "never-idle", "realtime"), required=True)
    parser.add_argument("--network", action="store_true", help="the guest reaches what this machine reaches")
    parser.add_argument("--persistent", action="store_true", help="what is written to the root stays there")
    parser.add_argument("--timeout", type=float, required=True)
    args = parser.parse_args()
    output, console, log = (args.share / name for name in (".output", ".console", ".qemu"))
    output.touch()
    begun = time.monotonic()
    with log.open("wb") as errors:
        guest = subprocess.Popen(
            command(args, output, console),
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            # The guest must not outlive us, however we end.
            preexec_fn=lambda: ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509  no threads
        )
    try:
        in_time = follow(guest, output, args.timeout)
    finally:
        guest.kill()
        guest.wait()
    code = args.share / ".code"
    print(f"guest: {time.monotonic() - begun:.1f} s", file=sys.stderr)
    if in_time and code.exists():
        return int(code.read_text())
    what = "the guest ended without a word" if in_time else f"the job took longer than {args.timeout:g} s"
    for file in (log, console):
        print(file.read_text(errors="replace")[-3000:] if file.exists() else "", file=sys.stderr)
    print(what, file=sys.stderr)
    return BROKEN


if __name__ == "__main__":
    sys.exit(main())
