# shellcheck shell=bash
# What the guest's scripts share: where things lie, what they are named by, and how they speak.

guest_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source_dir="$(cd "$guest_dir/../.." && pwd)"
# What is proved of the service in there; its settings are laid out when speakerd is installed.
proof="$source_dir/tests/system/proof"
# The root's Debian: trixie (systemd 257, Python 3.13) or bookworm (252, 3.11). The kernel is trixie's either way.
suite="${SPEAKERD_GUEST_SUITE:-trixie}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/speakerd-guest"
# shellcheck disable=SC2034  # used by those who source this
packages=(qemu-system-x86 mmdebstrap e2fsprogs busybox-static cpio zstd xz-utils kmod debian-archive-keyring)

say() { printf '\033[2m[%3ds]\033[0m %s\n' "$SECONDS" "$*" >&2; }
skip() { echo "skipped: $*" >&2; exit 77; }

# What the installer takes its version from, by name, each ended by a zero byte.
installed_files() {
  (cd "$source_dir" && find speakerd config systemd scripts/install scripts/constraints.txt pyproject.toml \
    -type f ! -name '*.pyc' -print0 | sort -z)
}

# Twelve digits that change whenever the recipe does.
digest() { sha256sum | cut -c1-12; }
kernel_dir() { echo "$cache/kernel-$(cat "$guest_dir"/build-kernel "$guest_dir"/unpack_kernel.py | digest)"; }
root_image() { echo "$cache/root-$suite-$(cat "$guest_dir"/build-{kernel,root} "$guest_dir"/inside/* | digest).ext4"; }
installed_image() {
  echo "$cache/installed-$suite-$({
    root_image
    cat "$guest_dir"/{build-installed,install-job} "$proof/household.py"
    cd "$source_dir" && installed_files | xargs -0 sha256sum
  } | digest).ext4"
}
