#!/usr/bin/env bash
# Builds the Debian package and its parts.
#
#   make.sh sbom       target/package/credwatch.cdx.json: the list of components (SBOM), as CycloneDX
#   make.sh package    all parts and target/debian/credwatch_VERSION-1_ARCHITECTURE.deb, checked by lintian
#   make.sh release    the package, and target/release-artefacts with all files of a release
#   make.sh collect    the same without building: from what `make.sh package` has built
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/target/tools/bin:$PATH"

sbom() {
    mkdir -p target/package
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --override-filename credwatch.cdx
    # cargo-cyclonedx writes the file beside Cargo.toml, with the path of this folder in it.
    sed "s|file://$PWD|file:///credwatch|g" credwatch.cdx.json >target/package/credwatch.cdx.json
    rm credwatch.cdx.json
}

package() {
    # Old files must not get into the package.
    rm -rf target/package target/debian
    sbom
    cargo run --quiet --locked --example pages -- target/package
    cargo deb --quiet --locked
    lintian --fail-on error,warning --tag-display-limit 0 --allow-root target/debian/credwatch_*.deb
}

collect() {
    local folder=target/release-artefacts version machine name time
    version=$(dpkg-parsechangelog --file deploy/debian/changelog --show-field Version)
    time=$(dpkg-parsechangelog --file deploy/debian/changelog --show-field Timestamp)
    version=${version%-*}
    machine=$(uname -m)-linux
    name=credwatch-$version-$machine
    rm -rf "$folder"
    mkdir -p "$folder/$name"
    cp target/debian/credwatch_"$version"-*.deb "$folder"
    cp target/package/credwatch.cdx.json "$folder/credwatch-$version.cdx.json"
    # The program for hosts without dpkg, with what it needs beside it. Docs and rules are in the sources of the tag.
    cp target/dist/credwatch LICENSE-MIT LICENSE-APACHE config.example.toml systemd/credwatch.service "$folder/$name"
    # The same input makes the same archive.
    tar --create --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$time" --directory "$folder" "$name" |
        gzip --no-name --best >"$folder/$name.tar.gz"
    rm -r "${folder:?}/$name"
    (cd "$folder" && sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .)
    (cd "$folder" && sha256sum --check --quiet --strict SHA256SUMS && cat SHA256SUMS)
}

case "${1:-}" in
    sbom) sbom ;;
    package) package ;;
    release)
        package
        collect
        ;;
    collect) collect ;;
    *)
        echo "usage: make.sh sbom | package | release | collect" >&2
        exit 2
        ;;
esac
