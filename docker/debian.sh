#!/usr/bin/env bash
# Make a Debian image where no image registry is reached: debootstrap, then docker import.
#
#     docker/debian.sh TAG
#
# The release and the mirror are those of this machine's apt, because a Python copied from this
# machine needs its libraries. Runs as root on Debian; libpython3-stdlib brings those libraries.
set -euo pipefail

tag=$1
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(REPO_URI)' \
    'Identifier: Packages' "Codename: $release" 'Component: main' | head -n 1)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=ca-certificates,libpython3-stdlib "$release" "$root" ${mirror:+"$mirror"} >&2
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
tar --create --directory "$root" . | docker import - "$tag" >&2
