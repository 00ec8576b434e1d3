#!/usr/bin/env bash
# A real systemd as PID 1, for the tests of the unit and of the package: Debian in a container, with loopback and no
# other network, on a file system that forgets. Needs root; `make test` installs the programs.
#
#   container.sh make                     builds the root file system from Debian's packages, once, into target/systemd
#   container.sh boot SOCKET              boots it, and tells the datagram socket X_NSPAWN_LEADER_PID and READY=1;
#                                         it lives until standard input ends, and ten minutes at most
#   container.sh run PID COMMAND…         runs a command inside, a minute at most
#   container.sh copy PID MODE PATH       makes a file inside from standard input
set -euo pipefail
cd "$(dirname "$0")/../.."

# The release whose systemd counts: the oldest that the package is for.
release=bookworm
# What a small server has. man-db and bash-completion are for what the package brings along.
packages=systemd,systemd-sysv,dbus,procps,curl,ca-certificates,man-db,bash-completion
home=$PWD/target/systemd
root=$home/root
self=tests/systemd/container.sh

fail() {
    echo "error: $*" >&2
    exit 1
}

# The mirror that this machine's own apt takes Debian from.
mirror() {
    # shellcheck disable=SC2016 # The names are apt's, not the shell's.
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' 'Component: main' | head -n 1
}

made() {
    [ "$(cat "$root/.made-of" 2>/dev/null)" = "$release $packages" ]
}

make() {
    # The folder gets its name when it is whole, so half of one is never taken for it.
    if made; then
        return
    fi
    local from
    from=$(mirror)
    if [ -z "$from" ]; then
        apt-get update -qq </dev/null
        from=$(mirror)
    fi
    [ -n "$from" ] || fail "apt here knows no mirror of Debian, and the tests need a Debian system to boot"
    mkdir -p "$home"
    rm -rf --one-file-system "$root" "$root.new"
    # debootstrap fetches by itself, and does not know the proxy of apt.
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    [ -z "${http_proxy:-}" ] || export http_proxy
    echo "building a Debian system for the tests, once: $root"
    if ! debootstrap --variant=minbase --include="$packages" "$release" "$root.new" "$from" >"$home/make.log" 2>&1 </dev/null; then
        tail -n 20 "$home/make.log" >&2
        fail "debootstrap failed; all that it said is in $home/make.log"
    fi
    rm -f "$root.new"/var/cache/apt/archives/*.deb
    echo "$release $packages" >"$root.new/.made-of"
    mv "$root.new" "$root"
}

boot() {
    made || fail "$root is missing or is not of $release with $packages; run \`make test\`, which builds it"
    command -v systemd-nspawn >/dev/null || fail "systemd-nspawn is missing; run \`make test\`, which installs it"
    # What is mounted from here on is seen by nobody else, and is gone with the last process in it.
    unshare --mount true 2>/dev/null || fail "no mount namespace can be made here; the tests need root with CAP_SYS_ADMIN"
    exec unshare --mount --propagation private -- "$self" boot-inside "$1"
}

# The second half of boot, in a mount namespace of its own.
boot_inside() {
    # A plain cgroup2 whatever the host has: the container gets its own subtree, and with it can be ended as a whole.
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "cgroup2 cannot be mounted here"
    group=/sys/fs/cgroup/credwatch-test-$$
    mkdir "$group" || fail "no cgroup can be made here"
    [ -w "$group/cgroup.kill" ] || fail "the kernel has no cgroup.kill (Linux 5.14)"
    trap end EXIT
    mkdir -p "$home/machine"
    mount -t tmpfs -o mode=0755 tmpfs "$home/machine"
    cd "$home/machine"
    mkdir upper work root
    mount -t overlay -o "lowerdir=$root,upperdir=upper,workdir=work" overlay root || fail "overlayfs cannot be mounted here"

    timeout 600 cat <&0 >/dev/null &
    (
        echo "$BASHPID" >"$group/cgroup.procs"
        # Without machined and without a systemd of the host: neither is there in a bare container. Its own limit is for
        # when this script is killed and cannot end it.
        NOTIFY_SOCKET=$1 exec timeout 660 systemd-nspawn --quiet --register=no --keep-unit --private-network --notify-ready=yes \
            --resolv-conf=off --timezone=off --link-journal=no --machine=credwatch --directory=root --console=pipe --boot </dev/null
    ) &
    # Either of the two: standard input has ended, or the container has.
    wait -n || true
}

end() {
    echo 1 >"$group/cgroup.kill"
    # shellcheck disable=SC2046 # One word for each job.
    kill $(jobs -p) 2>/dev/null || true
    # The shell would tell that a job was killed.
    { wait || true; } 2>/dev/null
    # A cgroup can go when the last process in it has been waited for, which is up to the kernel.
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
    command -v sudo >/dev/null || fail "the tests of systemd need root, and there is no sudo here"
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
