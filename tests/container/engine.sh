#!/usr/bin/env bash
# Builds and runs the image for the tests, with podman and a storage of their own. Needs root; `make test` installs the programs.
#
#   engine.sh build STORAGE BINARY        builds the image `credwatch` of deploy/container/Containerfile. The base image is the
#                                         Debian of tests/systemd/container.sh. `cargo` in it does not compile: it copies BINARY.
#   engine.sh podman STORAGE ARGUMENT…    runs podman with this storage
set -euo pipefail
cd "$(dirname "$0")/../.."

base=target/systemd/root
containerfile=deploy/container/Containerfile
self=tests/container/engine.sh

fail() {
    echo "error: $*" >&2
    exit 1
}

# The image after `FROM` that stands for the compiler, and the programs in it that must not run here.
make_base() {
    local storage=$1 binary=$2 name
    [ -d "$base" ] || fail "$base is missing; run \`make test\`, which builds it"
    name=$(sed -n 's/^FROM \(.*\) AS build$/\1/p' "$containerfile")
    local programs=$storage/programs/usr/local/bin
    mkdir -p "$programs"
    install -m 755 "$binary" "$programs/credwatch-built"
    # A test uses no network, so the packages must be there. Only the compiler needs `make`.
    cat >"$programs/apt-get" <<'EOF'
#!/bin/sh
[ "$1" = install ] || exit 0
shift
for package; do
    case $package in
        --* | make) ;;
        *) dpkg-query --status "$package" >/dev/null || exit 1 ;;
    esac
done
EOF
    cat >"$programs/cargo" <<'EOF'
#!/bin/sh
[ "$*" = "build --profile dist --locked --bin credwatch" ] || exit 1
[ -n "$CREDWATCH_REVISION" ] || exit 1
install -D /usr/local/bin/credwatch-built target/dist/credwatch
EOF
    chmod 755 "$programs/apt-get" "$programs/cargo"
    tar --create --numeric-owner --directory "$base" . --directory "$storage/programs" usr/local/bin/{apt-get,cargo,credwatch-built} |
        "$self" podman "$storage" import --quiet - "$name" >/dev/null
}

build() {
    local storage=$1
    make_base "$storage" "$2"
    "$self" podman "$storage" build --quiet --pull=never --isolation=chroot --layers=false --file "$containerfile" --tag credwatch .
}

run_podman() {
    command -v podman >/dev/null || fail "podman is missing; run \`make test\`, which installs it"
    unshare --mount true 2>/dev/null || fail "cannot create a mount namespace; the tests need root with CAP_SYS_ADMIN"
    exec unshare --mount --propagation private -- "$self" inside "$@"
}

# The second half of `podman`, in its own mount namespace.
inside() {
    local storage=$1
    shift
    # The runtime refuses the cgroups of some hosts, also when it makes none.
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "cannot mount cgroup2"
    cat >"$storage/containers.conf" <<EOF
[containers]
cgroups = "disabled"
# Without these, the runtime raises limits of this process, which it may not do everywhere.
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "$storage/tmp"
EOF
    cat >"$storage/storage.conf" <<EOF
[storage]
driver = "vfs"
graphroot = "$storage/root"
runroot = "$storage/run"
EOF
    export CONTAINERS_CONF=$storage/containers.conf CONTAINERS_STORAGE_CONF=$storage/storage.conf
    exec podman "$@"
}

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "the tests of the image need root or sudo"
    exec sudo -- "$self" "$@"
fi
case "${1:-}" in
    build) build "${@:2}" ;;
    podman) run_podman "${@:2}" ;;
    inside) inside "${@:2}" ;;
    *) fail "usage: engine.sh build STORAGE BINARY | podman STORAGE ARGUMENT…" ;;
esac
