#!/usr/bin/env bash
# Pull an image; one in a private AWS registry after a login with the aws command, where it is there.
#
#     docker/pull.sh IMAGE
set -euo pipefail

image=$1
registry=${image%%/*}
if [[ $registry =~ ^[0-9]+\.dkr\.ecr\.([a-z0-9-]+)\. ]] && command -v aws >/dev/null; then
    aws ecr get-login-password --region "${BASH_REMATCH[1]}" |
        docker login --username AWS --password-stdin "$registry"
fi
docker pull --quiet "$image"
