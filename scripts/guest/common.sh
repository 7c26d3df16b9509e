# shellcheck shell=bash
# What the guest's scripts share: where things lie, what they are named by, and how they speak.

guest_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# The root's Debian: trixie (systemd 257, Python 3.13) or bookworm (252, 3.11). The kernel is trixie's either way.
suite="${SPEAKERD_GUEST_SUITE:-trixie}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/speakerd-guest"
# shellcheck disable=SC2034  # used by those who source this
packages=(qemu-system-x86 mmdebstrap e2fsprogs busybox-static cpio zstd xz-utils kmod debian-archive-keyring)

say() { printf '\033[2m[%3ds]\033[0m %s\n' "$SECONDS" "$*" >&2; }
skip() { echo "skipped: $*" >&2; exit 77; }

# What speakerd imports, as pyproject.toml has it, one requirement a line; lgpio without its marker, since the guest
# builds it where there is no wheel.
requirements() {
  python3 - "$guest_dir/../../pyproject.toml" <<'PYTHON'
import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
extras = project["optional-dependencies"]
wanted = [*project["dependencies"], *extras["offline"], *extras["aec"], *extras["apa102"], *extras["gpio"]]
print("\n".join(sorted(line.split(";")[0].strip() for line in wanted)))
PYTHON
}

# Twelve digits that change whenever the recipe does.
digest() { sha256sum | cut -c1-12; }
kernel_dir() { echo "$cache/kernel-$(cat "$guest_dir"/build-kernel "$guest_dir"/unpack_kernel.py | digest)"; }
root_image() {
  echo "$cache/root-$suite-$({ cat "$guest_dir"/build-* "$guest_dir"/inside/*; requirements; } | digest).ext4"
}
