#!/usr/bin/env bash
# A container with a real systemd as PID 1, for the tests of the unit and of the package. It runs Debian, has only the
# loopback network, and loses all changes at its end. Needs root; `make test` installs the programs.
#
#   container.sh make                     builds the root file system from Debian's packages, once, into target/systemd
#   container.sh boot SOCKET              boots the container, sends X_NSPAWN_LEADER_PID and READY=1 to the datagram socket,
#                                         and ends when standard input ends, after ten minutes at most
#   container.sh run PID COMMAND…         runs a command in the container, for a minute at most
#   container.sh copy PID MODE PATH       writes standard input to a file in the container
set -euo pipefail
cd "$(dirname "$0")/../.."

# The oldest release that the package supports.
release=bookworm
# The packages of a small server. man-db and bash-completion are for the manual pages and completions of the package.
packages=systemd,systemd-sysv,dbus,procps,curl,ca-certificates,man-db,bash-completion
home=$PWD/target/systemd
root=$home/root
self=tests/systemd/container.sh

fail() {
    echo "error: $*" >&2
    exit 1
}

# The Debian mirror of this machine's apt.
mirror() {
    # shellcheck disable=SC2016 # The names are apt's, not the shell's.
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' 'Component: main' | head -n 1
}

made() {
    [ "$(cat "$root/.made-of" 2>/dev/null)" = "$release $packages" ]
}

make() {
    # The folder gets its final name when it is complete.
    if made; then
        return
    fi
    local from
    from=$(mirror)
    if [ -z "$from" ]; then
        apt-get update -qq </dev/null
        from=$(mirror)
    fi
    [ -n "$from" ] || fail "the tests boot a Debian system; configure a Debian mirror for apt"
    mkdir -p "$home"
    rm -rf --one-file-system "$root" "$root.new"
    # debootstrap downloads without apt, so it needs apt's proxy.
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    [ -z "${http_proxy:-}" ] || export http_proxy
    echo "building a Debian system for the tests, once: $root"
    if ! debootstrap --variant=minbase --include="$packages" "$release" "$root.new" "$from" >"$home/make.log" 2>&1 </dev/null; then
        tail -n 20 "$home/make.log" >&2
        fail "debootstrap failed; its output is in $home/make.log"
    fi
    rm -f "$root.new"/var/cache/apt/archives/*.deb
    echo "$release $packages" >"$root.new/.made-of"
    mv "$root.new" "$root"
}

boot() {
    made || fail "$root is missing or was not built for $release with $packages; run \`make test\`, which builds it"
    command -v systemd-nspawn >/dev/null || fail "systemd-nspawn is missing; run \`make test\`, which installs it"
    # Mounts in a private namespace are invisible outside and end with its last process.
    unshare --mount true 2>/dev/null || fail "cannot create a mount namespace; the tests need root with CAP_SYS_ADMIN"
    exec unshare --mount --propagation private -- "$self" boot-inside "$1"
}

# The second half of boot, in its own mount namespace.
boot_inside() {
    # The container gets its own subtree of a cgroup2, so that all its processes can be ended at once.
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "cannot mount cgroup2"
    group=/sys/fs/cgroup/credwatch-test-$$
    mkdir "$group" || fail "cannot create a cgroup"
    [ -w "$group/cgroup.kill" ] || fail "the kernel has no cgroup.kill (Linux 5.14)"
    trap end EXIT
    mkdir -p "$home/machine"
    mount -t tmpfs -o mode=0755 tmpfs "$home/machine"
    cd "$home/machine"
    mkdir upper work root
    mount -t overlay -o "lowerdir=$root,upperdir=upper,workdir=work" overlay root || fail "cannot mount overlayfs"

    timeout 600 cat <&0 >/dev/null &
    (
        echo "$BASHPID" >"$group/cgroup.procs"
        # A bare host has no machined and no systemd, so neither is used. The timeout ends the container if this script is
        # killed.
        NOTIFY_SOCKET=$1 exec timeout 660 systemd-nspawn --quiet --register=no --keep-unit --private-network --notify-ready=yes \
            --resolv-conf=off --timezone=off --link-journal=no --machine=credwatch --directory=root --console=pipe --boot </dev/null
    ) &
    # Waits until standard input or the container ends.
    wait -n || true
}

end() {
    echo 1 >"$group/cgroup.kill"
    # shellcheck disable=SC2046 # one word for each job
    kill $(jobs -p) 2>/dev/null || true
    # Hides the shell's message about the killed job.
    { wait || true; } 2>/dev/null
    # The kernel removes a cgroup only after its last process has ended, so this retries.
    for _ in $(seq 50); do
        if find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; then
            break
        fi
        sleep 0.1
    done
}

run() {
    local pid=$1
    shift
    exec timeout 60 nsenter --target "$pid" --all --root --wd -- \
        /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 SYSTEMD_PAGER= "$@"
}

copy() {
    run "$1" install -D --mode="$2" /dev/stdin "$3"
}

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "the tests of systemd need root or sudo"
    exec sudo -- "$self" "$@"
fi
case "${1:-}" in
    make) make ;;
    boot) boot "$2" ;;
    boot-inside) boot_inside "$2" ;;
    run) run "${@:2}" ;;
    copy) copy "${@:2}" ;;
    *) fail "usage: container.sh make | boot SOCKET | run PID COMMAND… | copy PID MODE PATH" ;;
esac
