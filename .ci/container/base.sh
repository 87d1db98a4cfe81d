#!/usr/bin/env bash
# Make a base image for the Dockerfile from Debian's archive alone: Debian 12, CA certificates, Python.
# No image registry is asked. As root; needs buildah and mmdebstrap.
#
# usage: base.sh NAME
set -euo pipefail
name=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The archive, the proxy and the certificates that this machine's apt uses.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk '$2 == "bookworm" {print $1; exit}')
apt-config dump | { grep -i '^acquire::.*proxy' || true; } > "$folder/apt.conf"
mkdir "$folder/certificates"
cp /usr/local/share/ca-certificates/*.crt "$folder/certificates/" 2> /dev/null || true

mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv \
    --aptopt="$folder/apt.conf" --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="copy-in $folder/certificates /usr/local/share/" \
    --customize-hook='mkdir -p "$1/usr/local/share/ca-certificates"' \
    --customize-hook='cp -r "$1"/usr/local/share/certificates/. "$1/usr/local/share/ca-certificates"' \
    --customize-hook='rm -r "$1/usr/local/share/certificates"; chroot "$1" update-ca-certificates' \
    bookworm "$folder/base.tar" ${mirror:+"$mirror"}
container=$(buildah from scratch)
buildah add --quiet "$container" "$folder/base.tar" /
buildah config --cmd /bin/bash --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
buildah commit --quiet "$container" "$name"
buildah rm "$container" > /dev/null
